"""An evaluation laid out for a person: as lines of text, and as tables of a notebook."""

from __future__ import annotations

from typing import Protocol

from foveal.evaluation.baselines import Baseline
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.metrics import Metrics
from foveal.html_tables import html_lines, html_table
from foveal.judging.left_out import Unjudged
from foveal.judging.unfamiliar import Unfamiliar
from foveal.wording import counted

MOST_CLASSES = 12
"""Classes up to which the confusion matrix is shown."""
WIDEST = 28
"""Columns of the name of a class; longer ones are shortened. Their whole names are in JSON."""


class Judged(Protocol):
    """What is shown of an evaluation."""

    @property
    def judged_by(self) -> str:
        """What the figures stand on."""
        ...

    @property
    def metrics(self) -> Metrics:
        """How the model fares."""
        ...

    @property
    def unjudged(self) -> Unjudged:
        """What the figures say nothing of."""
        ...

    @property
    def uncalibrated_error(self) -> float:
        """Calibration error before the temperature was applied."""
        ...

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        ...

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """What it is held against."""
        ...

    @property
    def unfamiliar(self) -> Unfamiliar | None:
        """How many are unlike those that taught."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        ...


def lines_of_evaluation(found: Judged) -> list[str]:
    """Lay an evaluation out for a person."""
    metrics = found.metrics
    lines = [f"note: {note}" for note in found.notes]
    lines += [
        _standing(found),
        "",
        f"accuracy           {metrics.accuracy.percent()}",
        *(f"{'':<17}  {line}" for line in found.unjudged.lines(len(metrics.classes))),
        f"balanced accuracy  {metrics.balanced_accuracy.percent()}",
        f"macro F1           {metrics.macro_f1.percent()}",
        *_ranking_lines(metrics),
        f"log loss           {metrics.log_loss.plain()}",
        f"calibration error  {_calibration(found)}",
        *(f"{name:<17}  {said}" for name, said in _unfamiliar(found)),
        "",
        "baselines on the same pictures",
    ]
    lines += [
        f"  {baseline.name:<30} {baseline.accuracy.percent()}, fitted on {baseline.trained_on:,}"
        for baseline in found.baselines
    ] or ["  not fitted"]
    return [*lines, "", *_class_lines(metrics), *_confusion_lines(metrics)]


def _standing(found: Judged) -> str:
    """Say on which pictures the figures stand."""
    by = "" if found.judged_by == "held-out pictures" else f"judged by {found.judged_by}, "
    return f"{counted(found.metrics.pictures, 'picture')}, {by}intervals at 95 %"


def _ranking(metrics: Metrics) -> list[tuple[str, str]]:
    """Write how well two classes are told apart whatever the threshold."""
    if metrics.roc_area is None:
        return []
    averages = [
        ("average precision", f"{one.label} {_share(one.average_precision)}")
        for one in metrics.classes
        if one.average_precision is not None
    ]
    return [("ROC area", _share(metrics.roc_area)), *averages]


def _ranking_lines(metrics: Metrics) -> list[str]:
    """Lay this out as lines; a name is written once."""
    names = [name for name, _ in _ranking(metrics)]
    return [
        f"{'' if name in names[:place] else name:<17}  {value}"
        for place, (name, value) in enumerate(_ranking(metrics))
    ]


def _calibration(found: Judged) -> str:
    """Write the calibration error as it is, and as it would be without the temperature."""
    before = f"{100 * found.uncalibrated_error:.1f} % before temperature {found.temperature:.3g}"
    return f"{100 * found.metrics.calibration_error:.1f} % ({before})"


def _unfamiliar(found: Judged) -> list[tuple[str, str]]:
    """Write how many pictures are unlike those that taught, where that can be told."""
    told = found.unfamiliar
    if told is None:
        return []
    said = f"{told.share.percent()} of {counted(told.pictures, 'new picture')}"
    return [("unfamiliar", f"{said}, {told.usual.percent()} of usual ones")]


def _class_lines(metrics: Metrics) -> list[str]:
    names = [_cut(one.label) for one in metrics.classes]
    width = max(map(len, ("class", *names)))
    head = f"{'class':<{width}}  pictures  {'recall':<25}  {'precision':<25}  F1"
    return [
        head,
        *(
            f"{name:<{width}}  {one.pictures:>8,}  {_share(one.recall):<25}  "
            f"{_share(one.precision):<25}  {_or_dash(one.f1)}"
            for name, one in zip(names, metrics.classes, strict=True)
        ),
    ]


def _cut(label: str) -> str:
    """Shorten a long name in its middle, so that both its ends tell it from others."""
    half = WIDEST // 2
    return label if len(label) <= WIDEST else f"{label[: half - 2]}...{label[1 - half :]}"


def _share(estimate: Estimate) -> str:
    return "-" if estimate.value != estimate.value else estimate.percent()


def _or_dash(value: float) -> str:
    return "-" if value != value else f"{100 * value:.1f} %"


def _confusion_lines(metrics: Metrics) -> list[str]:
    labels = [one.label for one in metrics.classes]
    if len(labels) > MOST_CLASSES:
        return []
    width = max(len(str(metrics.confusion.max())), *(min(len(one), 8) for one in labels)) + 2
    side = max(len(_cut(one)) for one in labels)
    head = " " * side + "".join(f"{label[:8]:>{width}}" for label in labels)
    rows = [
        f"{_cut(label):<{side}}" + "".join(f"{count:>{width}}" for count in row)
        for label, row in zip(labels, metrics.confusion.tolist(), strict=True)
    ]
    return ["", "confusion: rows are true, columns are called", head, *rows]


def html_of_evaluation(found: Judged) -> str:
    """Lay an evaluation out as tables: figures, baselines, classes, confusion."""
    metrics = found.metrics
    figures = [
        ("accuracy", metrics.accuracy.percent()),
        *(("", line) for line in found.unjudged.lines(len(metrics.classes))),
        ("balanced accuracy", metrics.balanced_accuracy.percent()),
        ("macro F1", metrics.macro_f1.percent()),
        *_ranking(metrics),
        ("log loss", metrics.log_loss.plain()),
        ("calibration error", _calibration(found)),
        *_unfamiliar(found),
        *((f"baseline: {one.name}", one.accuracy.percent()) for one in found.baselines),
    ]
    classes = [
        (
            one.label,
            f"{one.pictures:,}",
            _share(one.recall),
            _share(one.precision),
            _or_dash(one.f1),
        )
        for one in metrics.classes
    ]
    head = ("class", "pictures", "recall", "precision", "F1")
    parts = [
        html_lines(f"note: {note}" for note in found.notes),
        html_table((), figures, caption=_standing(found)),
        html_table(head, classes, numbers=(1, 4)),
    ]
    if len(classes) <= MOST_CLASSES:
        labels = [one.label for one in metrics.classes]
        rows = [
            (label, *counts)
            for label, counts in zip(labels, metrics.confusion.tolist(), strict=True)
        ]
        caption = "confusion: rows are true, columns are called"
        numbers = range(1, 1 + len(labels))
        parts.append(html_table(("", *labels), rows, caption=caption, numbers=numbers))
    return "".join(parts)
