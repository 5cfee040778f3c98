"""`foveal evaluate`: how good a model is, and how sure one can be of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import check_table_and_sheet
from foveal.cli.options import (
    GROUPS_HELP,
    Device,
    Json,
    Model,
    Pictures,
    Strict,
    Threads,
    groups_of,
)
from foveal.cli.output import print_answer, wrote
from foveal.cli.sources import pictures_of
from foveal.cli.words import noted
from foveal.results import plain

if TYPE_CHECKING:
    from foveal.evaluation.intervals import Estimate
    from foveal.evaluation.metrics import Metrics
    from foveal.judging.evaluation import Evaluation

MOST_CLASSES = 12
"""Classes up to which the confusion matrix is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a model fares, and what was written of it."""

    found: Evaluation
    written: tuple[Path, ...]
    with_rows: bool
    """Whether each picture has its entry: not where a table was written."""

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation, and the files."""
        facts = self.found.to_dict()
        rows = facts["pictures"] if self.with_rows else None
        return {**facts, "pictures": rows, "written": plain(self.written)}


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
    groups: Annotated[str | None, typer.Option(help=GROUPS_HELP)] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines/--no-baselines", help="Fit the baselines on pixels beside it."),
    ] = True,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a row for every picture here, its answer or why it has none: .csv, "
            ".parquet or .jsonl.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the pictures that were called wrong here, the surest mistakes first: a .png "
            "file, with their numbers as .csv beside.",
        ),
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 10,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Judge a model on labelled pictures: accuracy with its interval, classes, baselines.

    Pictures the model was trained on are left out, by their content. Where there are no others,
    they are judged by heads that had not seen them, as training did it.
    """
    from foveal.cli.progress import shown_progress
    from foveal.errors import DataError
    from foveal.judging.evaluation import evaluate as judged
    from foveal.judging.held_out import WITHHELD
    from foveal.looking.mistakes import mistakes
    from foveal.model.opening import load
    from foveal.pictures.ledger import left_out, summary
    from foveal.progress.events import Decoding
    from foveal.tables import write_table

    check_table_and_sheet(to, sheet)
    fitted = load(model, device=device, threads=threads)
    source = pictures_of(pictures)
    with shown_progress() as show:
        found = judged(
            fitted,
            source,
            include_training=include_training,
            training=training,
            groups=groups_of(groups),
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
    written: list[Path] = []
    if to is not None:
        write_table(to, found.columns, [found.rows()])
        written.append(to)
    if sheet is not None:
        written.extend(mistakes(fitted, source, found, worst).save(sheet))
    answer = Judged(found=found, written=tuple(written), with_rows=to is None)
    print_answer(answer, _lines, as_json=json)


def _lines(answer: Judged) -> list[str]:
    lines = lines_of_evaluation(answer.found)
    return [*lines, "", wrote(answer.written)] if answer.written else lines


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
