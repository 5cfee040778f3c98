"""`foveal evaluate`: how good a model is, and how sure one can be of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.learning_curve import check_curve, curve_file, curve_lines, measured_curve
from foveal.cli.options import (
    GROUPS_HELP,
    Device,
    Json,
    Label,
    LabelFrom,
    LeastProbability,
    Model,
    Pictures,
    Reject,
    Strict,
    Threads,
    groups_of,
)
from foveal.cli.output import print_answer, wrote
from foveal.cli.outputs import PAGE, figure, file_of, table, with_option, writes
from foveal.cli.sources import pictures_of
from foveal.cli.typed import typed_line
from foveal.cli.words import in_options, quoted
from foveal.remote_copies import origin
from foveal.results import plain

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.model.fitted import FittedModel
    from foveal.pages.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a model fares, and what was written of it."""

    found: Evaluation
    written: tuple[Path, ...]
    with_rows: bool
    """Whether each picture has its entry: not where a table was written."""
    model: str
    """Where the model is, as it may be typed."""

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation, and the files."""
        facts = self.found.to_dict()
        rows = facts["pictures"] if self.with_rows else None
        return {**facts, "pictures": rows, "written": plain(self.written)}


@writes(
    to=with_option("learning_curve", curve_file, table),
    sheet=figure,
    report=file_of(PAGE),
)
def evaluate(
    context: typer.Context,
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
    label_from: LabelFrom = None,
    label: Label = None,
    groups: Annotated[str | None, typer.Option(help=GROUPS_HELP)] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines/--no-baselines", help="Fit the baselines on pixels beside it."),
    ] = True,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="Say instead whether more pictures would help, and of which class: heads of a "
            "transfer, or a network from scratch, taught anew by fewer. --to FILE is .html, .svg, "
            "or a table.",
        ),
    ] = False,
    reject: Reject = None,
    least_probability: LeastProbability = None,
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
            help="Draw the pictures that were called wrong here, the highest loss first: a .png "
            "file, with their numbers as .csv beside.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write all of it as one page for a browser here: an .html file.",
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
    if learning_curve:
        check_curve(context)
    from foveal.cli.progress import shown_progress
    from foveal.errors import FovealError
    from foveal.judging.evaluation import evaluate as judged
    from foveal.model.opening import load
    from foveal.progress.events import Decoding

    if learning_curve:
        curve = measured_curve(
            load(model, device=device, threads=threads),
            pictures_of(pictures, label_from, label),
            groups=groups_of(groups),
            to=to,
            name=model.name,
            called=pictures,
        )
        print_answer(curve, curve_lines, as_json=json)
        return
    fitted = load(model, device=device, threads=threads)
    source = pictures_of(pictures, label_from, label)
    together = groups_of(groups)
    with shown_progress() as show:
        found = judged(
            fitted,
            source,
            include_training=include_training,
            training=training and pictures_of(training, label_from, label),
            groups=together,
            with_baselines=baselines,
            reject=reject,
            least_probability=least_probability,
            progress=lambda done, total: show(Decoding(done=done, total=total)),
        )
    if strict:
        _refuse_left_out(found)
    told = _Told(fitted, source, found, model, pictures, together, typed_line(context))
    failed: FovealError | None = None
    written: list[Path] = []
    try:
        for path in told.write(to, sheet, report, worst):
            written.append(path)
    except FovealError as why:
        failed = why  # the answer is told first: it took long, and is whole
    answer = Judged(
        found=found,
        written=tuple(written),
        with_rows=to not in written,
        model=origin(model),
    )
    print_answer(answer, _lines, as_json=json)
    if failed is not None:
        raise failed


@dataclass(frozen=True, eq=False, slots=True)
class _Told:
    """What a model was judged on, and what is written of that."""

    model: FittedModel
    source: Any
    found: Evaluation
    file: Path
    pictures: str
    """Words that name them."""
    groups: Any
    line: str

    def write(
        self, to: Path | None, sheet: Path | None, report: Path | None, worst: int
    ) -> Iterator[Path]:
        """Write what was asked for, and yield each file once it is whole."""
        from foveal.figures.mistakes import mistakes
        from foveal.tables import write_table

        if to is not None:
            write_table(to, self.found.columns, [self.found.rows()])
            yield to
        if sheet is not None:
            yield from mistakes(self.model, self.source, self.found, worst).save(sheet)
        if report is not None:
            yield self._report().save(report)

    def _report(self) -> Report:
        from foveal.cli.progress import shown_progress
        from foveal.cli.reports import told_report

        run = self.file.with_suffix(".run")
        with shown_progress() as show:
            return told_report(
                self.model,
                self.source,
                show,
                run=run if (run / "config.json").is_file() else None,
                file=self.file,
                source=self.pictures,
                evaluation=self.found,
                groups=self.groups,
                judging=self.line,
            )


def _refuse_left_out(found: Evaluation) -> None:
    """Refuse files that are no pictures with a class, which the model was not trained on."""
    from foveal.errors import DataError
    from foveal.judging.held_out import WITHHELD
    from foveal.pictures.ledger import left_out, summary

    unreadable = [entry for entry in left_out(found.ledger) if entry.reason not in WITHHELD]
    if unreadable:
        raise DataError(
            "--strict",
            needed="every file to be a picture with a class",
            came=summary(unreadable),
            remedy="mend or remove these files",
        )


def _lines(answer: Judged) -> list[str]:
    from foveal.judging.lines import lines_of_evaluation

    lines = list(map(in_options, lines_of_evaluation(answer.found)))
    wrote_what = [wrote(answer.written)] if answer.written else []
    return [*lines, "", *wrote_what, f"next: foveal predict {quoted(answer.model)} PICTURES"]
