"""A classifier's figures and doubts, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.metrics import Metrics
from foveal.html_tables import html_table
from foveal.parameters import did_you_mean
from foveal.wording import counted

MOST_CLASSES = 12
"""Classes up to which the confusion matrix is shown."""
WIDEST = 28
"""Columns of the name of a class; longer ones are shortened. Their whole names are in JSON."""
NAMED = 3
"""Unknown classes that are named, at most."""
WEAK = 0.9
"""Held-out accuracy below which, if it is above chance, fine-tuning is likely to help."""
FEW = 20
"""Pictures of the smallest class below which a figure says little."""


def chance_notes(
    accuracy: Estimate | None, class_counts: Sequence[int], remedies: Sequence[str]
) -> tuple[str, ...]:
    """Say where held-out pictures cannot tell a classifier from calling the largest class.

    Parameters
    ----------
    accuracy : Estimate, optional
        On held-out pictures, with its interval.
    class_counts : sequence of int
        Training pictures of each class.
    remedies : sequence of str
        What else the learner takes that may help, by its parameters.
    """
    largest = max(class_counts) / sum(class_counts)
    if accuracy is None or accuracy.low > largest:
        return ()
    return (
        f"held-out accuracy {accuracy.percent()} is no better than calling every picture the "
        f"largest class ({100 * largest:.1f} %), as far as these pictures tell: "
        f"{', '.join(('check the labels', 'give more pictures', *remedies))}",
    )


def head_notes(
    accuracy: Estimate | None, class_ids_n: Array, class_counts: Sequence[int], *, fixed: bool
) -> list[str]:
    """Say where classes have few pictures, and where fixed kernels do not tell them apart well.

    Both accuracy and chance are held against the doubt of few pictures.
    """
    smallest = min(class_counts)
    if smallest < FEW:
        return [f"pictures of the smallest class: {smallest}; any figure on so few is rough"]
    if accuracy is None or not fixed:
        return []
    chance = np.bincount(class_ids_n).max() / len(class_ids_n)
    if accuracy.high >= WEAK or accuracy.low <= chance:
        return []
    return [
        "fixed kernels do not tell these classes apart well: fine-tuning is likely to "
        "help (`fine_tune_epochs` 5)"
    ]


def figures(
    metrics: Metrics, uncalibrated_error: float | None, temperature: float
) -> list[tuple[str, str]]:
    """Write the figures of a classifier, each with its name."""
    before = (
        ""
        if uncalibrated_error is None or temperature == 1
        else (f" ({100 * uncalibrated_error:.1f} % before temperature {temperature:.3g})")
    )
    return [
        ("accuracy", metrics.accuracy.percent()),
        ("balanced accuracy", metrics.balanced_accuracy.percent()),
        ("macro F1", metrics.macro_f1.percent()),
        *_ranking(metrics),
        ("log loss", metrics.log_loss.plain()),
        ("calibration error", f"{100 * metrics.calibration_error:.1f} %{before}"),
    ]


def _ranking(metrics: Metrics) -> list[tuple[str, str]]:
    """Write how well two classes are told apart whatever the threshold."""
    if metrics.roc_area is None:
        return []
    averages = [
        (f"average precision of {one.label}", share(one.average_precision))
        for one in metrics.classes
        if one.average_precision is not None
    ]
    return [("ROC area", share(metrics.roc_area)), *averages]


def details(metrics: Metrics) -> list[str]:
    """Lay out how each class fares, and the confusion of few classes."""
    return [*_class_lines(metrics), *_confusion_lines(metrics)]


def _class_lines(metrics: Metrics) -> list[str]:
    names = [shortened(one.label) for one in metrics.classes]
    width = max(map(len, ("class", *names)))
    head = f"{'class':<{width}}  pictures  {'recall':<25}  {'precision':<25}  F1"
    return [
        head,
        *(
            f"{name:<{width}}  {one.pictures:>8,}  {share(one.recall):<25}  "
            f"{share(one.precision):<25}  {or_dash(one.f1)}"
            for name, one in zip(names, metrics.classes, strict=True)
        ),
    ]


def shortened(label: str) -> str:
    """Shorten a long name in its middle, so that both its ends tell it from others."""
    half = WIDEST // 2
    return label if len(label) <= WIDEST else f"{label[: half - 2]}...{label[1 - half :]}"


def share(estimate: Estimate) -> str:
    """Write a share with its interval; a dash where it is not known."""
    return "-" if estimate.value != estimate.value else estimate.percent()


def or_dash(value: float) -> str:
    """Write a share; a dash where it is not known."""
    return "-" if value != value else f"{100 * value:.1f} %"


def _confusion_lines(metrics: Metrics) -> list[str]:
    labels = [one.label for one in metrics.classes]
    if len(labels) > MOST_CLASSES:
        return []
    width = (
        max(len(str(metrics.confusion.pictures.max())), *(min(len(one), 8) for one in labels)) + 2
    )
    side = max(len(shortened(one)) for one in labels)
    head = " " * side + "".join(f"{label[:8]:>{width}}" for label in labels)
    rows = [
        f"{shortened(label):<{side}}" + "".join(f"{count:>{width}}" for count in row)
        for label, row in zip(labels, np.asarray(metrics.confusion).tolist(), strict=True)
    ]
    return ["", "confusion: rows are true, columns are called", head, *rows]


def tables(metrics: Metrics) -> list[str]:
    """Lay the same out as tables of HTML."""
    classes = [
        (
            one.label,
            f"{one.pictures:,}",
            share(one.recall),
            share(one.precision),
            or_dash(one.f1),
        )
        for one in metrics.classes
    ]
    head = ("class", "pictures", "recall", "precision", "F1")
    parts = [html_table(head, classes, numbers=(1, 4))]
    if len(classes) <= MOST_CLASSES:
        labels = [one.label for one in metrics.classes]
        rows = [
            (label, *counts)
            for label, counts in zip(labels, np.asarray(metrics.confusion).tolist(), strict=True)
        ]
        caption = "confusion: rows are true, columns are called"
        numbers = range(1, 1 + len(labels))
        parts.append(html_table(("", *labels), rows, caption=caption, numbers=numbers))
    return parts


def unknown(
    labels: Sequence[Any], classes: Sequence[Any], noun: tuple[str, str] = ("class", "classes")
) -> list[str]:
    """Say which labels a model does not know, and which of its own they may stand for.

    `noun` is what they are called, one and several.
    """
    counts = Counter(map(str, labels))
    if not counts:
        return []
    several = f"{noun[1]} that" if len(counts) > 1 else f"a {noun[0]} that"
    named = "; ".join(
        f"{label} ({count:,}{_asked(label, classes)})" for label, count in counts.most_common(NAMED)
    )
    more = f" and {len(counts) - NAMED:,} more" if len(counts) > NAMED else ""
    pictures = counted(counts.total(), "picture")
    return [f"{pictures} left out: of {several} the model does not know, {named}{more}"]


def _asked(label: str, classes: Sequence[Any]) -> str:
    asked = did_you_mean(label, map(str, classes))
    return f", {asked}" if asked else ""
