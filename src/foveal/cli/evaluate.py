"""`foveal evaluate`: how good a model is, and how sure one can be of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.options import Device, Json, Model, Pictures, Strict, Threads
from foveal.cli.output import print_answer
from foveal.cli.sources import given
from foveal.cli.words import noted

if TYPE_CHECKING:
    from foveal.evaluation.intervals import Estimate
    from foveal.evaluation.metrics import Metrics
    from foveal.judging.evaluation import Evaluation

MOST_CLASSES = 12
"""Classes up to which the confusion matrix is printed."""


def evaluate(
    model: Model,
    pictures: Pictures,
    include_training: Annotated[
        bool,
        typer.Option("--include-training", help="Judge pictures that trained the model too."),
    ] = False,
    training: Annotated[
        str | None,
        typer.Option(help="Training pictures for the baselines, where PICTURES holds none."),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines/--no-baselines", help="Fit the baselines on pixels beside it."),
    ] = True,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Judge a model on labelled pictures: accuracy with its interval, classes, baselines.

    Pictures the model was trained on are left out, by their content.
    """
    from foveal.cli.progress import shown_progress
    from foveal.errors import DataError
    from foveal.judging.evaluation import evaluate as judged
    from foveal.judging.held_out import WITHHELD
    from foveal.model.opening import load
    from foveal.pictures.ledger import left_out, summary
    from foveal.progress.events import Decoding

    fitted = load(model, device=device, threads=threads)
    with shown_progress() as show:
        found = judged(
            fitted,
            given(pictures),
            include_training=include_training,
            training=training,
            with_baselines=baselines,
            progress=lambda done, total: show(Decoding(done=done, total=total)),
        )
    unreadable = [entry for entry in left_out(found.ledger) if entry.reason not in WITHHELD]
    if strict and unreadable:
        raise DataError(
            "--strict",
            needed="every file to be a picture with a class",
            came=summary(unreadable),
            remedy="mend or remove these files",
        )
    print_answer(found, lines_of_evaluation, as_json=json)


def lines_of_evaluation(found: Evaluation) -> list[str]:
    """Lay an evaluation out for a person."""
    metrics = found.metrics
    lines = noted(found.notes)
    lines += [
        f"{metrics.pictures:,} pictures, judged by {found.judged_by}, intervals at 95 %"
        if found.judged_by != "held-out pictures"
        else f"{metrics.pictures:,} pictures, intervals at 95 %",
        "",
        f"accuracy           {metrics.accuracy.percent()}",
        f"balanced accuracy  {metrics.balanced_accuracy.percent()}",
        f"macro F1           {metrics.macro_f1.percent()}",
        *_ranking_lines(metrics),
        f"log loss           {metrics.log_loss.plain()}",
        f"calibration error  {100 * metrics.calibration_error:.1f} % "
        f"({100 * found.uncalibrated_error:.1f} % before temperature {found.temperature:.3g})",
        "",
        "baselines on the same pictures",
    ]
    lines += [
        f"  {baseline.name:<30} {baseline.accuracy.percent()}, fitted on {baseline.trained_on:,}"
        for baseline in found.baselines
    ] or ["  not fitted (--no-baselines)"]
    return [*lines, "", *_class_lines(metrics), *_confusion_lines(metrics)]


def _ranking_lines(metrics: Metrics) -> list[str]:
    """Describe how well two classes are told apart whatever the threshold."""
    if metrics.roc_area is None:
        return []
    averages = [
        f"{one.label} {_share(one.average_precision)}"
        for one in metrics.classes
        if one.average_precision is not None
    ]
    return [
        f"ROC area           {_share(metrics.roc_area)}",
        f"average precision  {averages[0]}",
        *(f"                   {one}" for one in averages[1:]),
    ]


def _class_lines(metrics: Metrics) -> list[str]:
    width = max(len("class"), *(len(one.label) for one in metrics.classes))
    head = f"{'class':<{width}}  pictures  {'recall':<25}  {'precision':<25}  F1"
    return [
        head,
        *(
            f"{one.label:<{width}}  {one.pictures:>8,}  {_share(one.recall):<25}  "
            f"{_share(one.precision):<25}  {_or_dash(one.f1)}"
            for one in metrics.classes
        ),
    ]


def _share(estimate: Estimate) -> str:
    return "-" if estimate.value != estimate.value else estimate.percent()


def _or_dash(value: float) -> str:
    return "-" if value != value else f"{100 * value:.1f} %"


def _confusion_lines(metrics: Metrics) -> list[str]:
    labels = [one.label for one in metrics.classes]
    if len(labels) > MOST_CLASSES:
        return []
    width = max(len(str(metrics.confusion.max())), *(min(len(one), 8) for one in labels)) + 2
    side = max(len(one) for one in labels)
    head = " " * side + "".join(f"{label[:8]:>{width}}" for label in labels)
    rows = [
        f"{label:<{side}}" + "".join(f"{count:>{width}}" for count in row)
        for label, row in zip(labels, metrics.confusion.tolist(), strict=True)
    ]
    return ["", "confusion: rows are true, columns are called", head, *rows]
