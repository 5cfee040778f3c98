"""What is told of several labels, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from foveal.evaluation.label_metrics import LabelMetrics, LabelScores
from foveal.html_tables import html_table
from foveal.targets.class_words import FEW, or_dash, share, shortened
from foveal.wording import counted

NAMED = 3
"""Labels that a note names, at most."""
MOST_LABELS = 40
"""Labels of which lines of text tell, those with most pictures; JSON has all of them."""
PAIRS = 5
"""Pairs of labels, one missed and the other said too much, that are told, at most."""
HEAD = ("label", "pictures", "threshold", "recall", "precision", "F1", "average precision")
NUMBERS = (1, 2, 5)


def few_notes(names: Sequence[str], counts_k: Sequence[int]) -> list[str]:
    """Say which labels so few training pictures bear that figures of them are rough."""
    few = [(name, count) for name, count in zip(names, counts_k, strict=True) if count < FEW]
    if not few:
        return []
    named = ", ".join(f"{name} ({count:,})" for name, count in few[:NAMED])
    more = f" and {len(few) - NAMED:,} more" if len(few) > NAMED else ""
    return [
        f"{counted(len(few), 'label')} of fewer than {FEW} training pictures: {named}{more}; "
        "any figure on so few is rough"
    ]


def figures(
    metrics: LabelMetrics, raw_error: float | None, temperature: float
) -> list[tuple[str, str]]:
    """Write the figures of several labels, each with its name."""
    before = (
        ""
        if raw_error is None or temperature == 1
        else f" ({100 * raw_error:.1f} % before temperature {temperature:.3g})"
    )
    numbers = f"{metrics.called_a_picture:.2f} given, {metrics.labels_a_picture:.2f} there"
    return [
        ("micro F1", share(metrics.micro_f1)),
        ("macro F1", share(metrics.macro_f1)),
        ("mean average precision", share(metrics.mean_average_precision)),
        ("exact matches", share(metrics.exact_match)),
        ("Hamming loss", share(metrics.hamming_loss)),
        ("labels a picture", numbers),
        ("log loss", metrics.log_loss.plain()),
        ("calibration error", f"{100 * metrics.calibration_error:.1f} %{before}"),
    ]


def row_of(one: LabelScores) -> tuple[str, ...]:
    """Write how one label fares, under `HEAD`."""
    return (
        one.label,
        f"{one.pictures:,}",
        f"{one.threshold:.2f}",
        share(one.recall),
        share(one.precision),
        or_dash(one.f1),
        share(one.average_precision),
    )


def shown(metrics: LabelMetrics, most: int = MOST_LABELS) -> tuple[list[LabelScores], str]:
    """Return the labels that are told of, those with most pictures, and what is said of others."""
    if len(metrics.labels) <= most:
        return list(metrics.labels), ""
    picked = sorted(metrics.labels, key=lambda one: -one.pictures)[:most]
    whole = counted(len(metrics.labels), "label")
    return picked, f"only the {most} with most pictures of {whole}"


def unchosen(target: Any) -> list[str]:
    """Say of which labels no threshold was chosen, of a target of several labels."""
    known = zip(map(str, target.names), target.chosen or [False] * len(target.names), strict=True)
    without = [name for name, chosen in known if not chosen]
    if not without:
        return []
    more = f" and {len(without) - NAMED:,} more" if len(without) > NAMED else ""
    named = f"{', '.join(without[:NAMED])}{more}"
    return [
        f"one half stands where too few held-out pictures were there to choose a threshold: {named}"
    ]


def taken_for(metrics: LabelMetrics, most: int = PAIRS) -> Iterator[tuple[str, str, int]]:
    """Yield a label that was missed, one that was said too much, and on how many pictures both.

    The most frequent pairs first.
    """
    counts = metrics.taken_for
    names = [one.label for one in metrics.labels]
    for at in np.argsort(-counts, axis=None, kind="stable")[:most].tolist():
        missed, said = divmod(at, len(names))
        if counts[missed, said]:
            yield names[missed], names[said], int(counts[missed, said])


def details(metrics: LabelMetrics) -> list[str]:
    """Lay out how each label fares, and which are taken for which."""
    picked, rest = shown(metrics)
    rows = [HEAD, *([shortened(first), *others] for first, *others in map(row_of, picked))]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    lines = [
        "  ".join(
            f"{cell:>{width}}" if at in NUMBERS else f"{cell:<{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    pairs = [f"  {one} missed, {other} said: {count:,}" for one, other, count in taken_for(metrics)]
    told = ["", "one label said for another, in pictures", *pairs] if pairs else []
    return [*lines, *[rest] * bool(rest), *told]


def tables(metrics: LabelMetrics) -> list[str]:
    """Lay the same out as tables of HTML."""
    picked, rest = shown(metrics)
    parts = [html_table(HEAD, map(row_of, picked), caption=rest, numbers=NUMBERS)]
    pairs = [(one, other, f"{count:,}") for one, other, count in taken_for(metrics)]
    if pairs:
        head = ("label missed", "label said", "pictures")
        parts.append(html_table(head, pairs, numbers=(2,)))
    return parts
