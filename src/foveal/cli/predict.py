"""`foveal predict`: a class and its probability for every picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import (
    Device,
    Json,
    LeastProbability,
    Model,
    Reject,
    SeveralPictures,
    Strict,
    Threads,
    opened,
)
from foveal.cli.output import path_end, print_answer, table_rows
from foveal.cli.outputs import Given, file_of, or_parts, table, with_option, writes
from foveal.cli.parts import Engine, InParts, PartSize, Shards, parts_wanted
from foveal.cli.sources import all_pictures, refuse_unreadable
from foveal.cli.words import noted
from foveal.errors import UsageError
from foveal.remote_copies import origin
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.bulk.kept import KeptColumns
    from foveal.evaluation.intervals import Estimate
    from foveal.model.fitted import FittedModel
    from foveal.model.predictions import Predictions
    from foveal.model.refusing import Refusal
    from foveal.pictures.collection import Pictures

UNTOLD = "which pictures are unfamiliar is not told: the model keeps none of those that taught it"
WIDEST = 60
"""Columns of a path in the printed table; longer ones keep their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedTable:
    """Predictions, printed or written."""

    to: Path | None
    """Where they were written; None where they are printed."""
    rows: int
    unreadable: int
    """Rows of pictures that cannot be read."""
    unfamiliar: int
    """Rows of pictures that are unlike those that taught the model."""
    left: int
    """Rows of pictures that are left to a person, as the model is not sure enough of them."""
    refusal: Refusal | None
    """From when on it answers; None where it answers everything."""
    rate: Estimate | None
    """Share of pictures like those that taught which are called so; None where none can be."""
    found: Sequence[str]
    """What is known of how the pictures were found, as what was passed over."""
    predictions: Predictions | None
    """All of them; None where they were written."""
    kept: KeptColumns
    """Further columns of the tables that named the pictures."""

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        return [*self.found, *self._refused(), *self._strange()]

    def _refused(self) -> Iterator[str]:
        if self.refusal is not None:
            yield f"{self.left:,} left to a person: {self.refusal.sentence()}"

    def _strange(self) -> list[str]:
        if self.rate is None:
            return [UNTOLD]
        if not self.unfamiliar:
            return []
        return [
            f"{self.unfamiliar:,} unfamiliar: unlike every picture that taught the model, and what "
            f"it calls them says little; so are {self.rate.percent()} of pictures of the usual "
            "kind",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, and the rows that are printed, each under its columns."""
        found = self.predictions
        return {
            "to": plain(self.to),
            "rows": self.rows,
            "unreadable": self.unreadable,
            "unfamiliar": None if self.rate is None else self.unfamiliar,
            "false_alarms": plain(self.rate),
            "left": None if self.refusal is None else self.left,
            "refusal": plain(self.refusal),
            "notes": self.notes,
            "pictures": found
            and table_rows(
                [*found.columns, *self.kept.names],
                self.kept.beside(found.rows(), self.kept.rows()),
            ),
        }


def _growing(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    from foveal.tables import GROWING

    return file_of(*GROWING)(name, what, given)


@writes(to=with_option("watch", _growing, or_parts(table)))
def predict(
    model: Model,
    pictures: SeveralPictures,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR/",
            help="Write the table here: .csv, .parquet or .jsonl. Of many pictures parts of it in "
            "a folder, whose name ends in /: the same line goes on with what is there.",
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Go on: files that arrive in the one folder of PICTURES get rows in --to, each "
            "once, also over restarts.",
        ),
    ] = False,
    top: Annotated[
        int, typer.Option(min=1, help="Classes shown for each picture in the printed table.")
    ] = 1,
    reject: Reject = None,
    least_probability: LeastProbability = None,
    shards: Shards = None,
    part_size: PartSize = None,
    engine: Engine = None,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Predict the class of pictures. Every file has a row; what cannot be read says why.

    Unfamiliar are those unlike every picture that taught the model: it keeps some of them.
    With 'imagenet' for MODEL the 1,000 classes of ImageNet, without any training.
    """
    place = None if to is None else Path(to)
    in_parts = parts_wanted(to, shards, part_size, engine)
    if watch:
        folder, table = _watched(pictures, place)
    fitted = opened(model, device, threads)
    refusal = fitted.refusal(reject=reject, least_probability=least_probability)
    if in_parts and not watch:
        many = InParts(str(to), shards, part_size, engine, strict=strict, json=json)
        _predicted_in_parts(fitted, model, pictures, refusal, (device, threads), many)
        return
    if watch:
        found = watched(fitted, folder, table, refusal)
    else:
        found = _predicted(fitted, all_pictures(pictures), place, refusal)
    print_answer(found, lambda answer: _lines(answer, top), as_json=json)
    refuse_unreadable(found.unreadable, found.rows, strict=strict)


def _watched(pictures: Sequence[str], to: Path | None) -> tuple[Path, Path]:
    """Check what is watched, and where its rows go."""
    if len(pictures) != 1 or not Path(pictures[0]).is_dir():
        raise UsageError(
            "watch",
            needed="one folder of PICTURES",
            came=", ".join(pictures)[:80],
            remedy="name the folder in which files arrive",
        )
    if to is None:
        raise UsageError(
            "watch",
            needed="a table to which rows are added",
            came="none",
            remedy="name a .csv or .jsonl file (`to`)",
        )
    return Path(pictures[0]), to


def watched(fitted: FittedModel, folder: Path, to: Path, refusal: Refusal | None) -> PredictedTable:
    """Predict files as they arrive, until a signal; what was done is the answer."""
    from foveal.bulk.kept import KeptColumns
    from foveal.model.predictions import columns_of
    from foveal.model.watching import Watch
    from foveal.tables import GrowingTable

    rate = None if fitted.familiar is None else fitted.familiar.rate
    columns = columns_of(fitted.answering(), refusing=refusal is not None)
    with GrowingTable(to, columns) as table:
        watch = Watch(fitted, folder, table, least=None if refusal is None else refusal.least)
        typer.echo(f"watching {folder}: {counted(len(table.known), 'row')} in {to}", err=True)
        with contextlib.suppress(KeyboardInterrupt):  # its ordinary end
            for rows in watch.looks():
                typer.echo(f"{counted(rows, 'new row')} in {to}", err=True)
    return PredictedTable(
        to=to,
        rows=watch.rows,
        unreadable=watch.unreadable,
        unfamiliar=watch.unfamiliar,
        left=watch.left,
        refusal=refusal,
        rate=rate,
        found=[],
        predictions=None,
        kept=KeptColumns((), columns),
    )


def _predicted_in_parts(
    fitted: FittedModel,
    model: Path,
    pictures: Sequence[str],
    refusal: Refusal | None,
    machine: tuple[str, int | None],
    many: InParts,
) -> None:
    """Predict into a folder of parts; `machine` is device and threads."""
    from foveal.model.bulk_work import Predicting, PredictWork

    least = None if refusal is None else refusal.least
    work = PredictWork(
        model=origin(model),
        digest=fitted.digest(),
        device=machine[0],
        threads=machine[1],
        least=least,
    )
    notes = [UNTOLD] * (fitted.familiar is None)
    many.answer(work, Predicting(fitted, least, True), pictures, notes)


def _predicted(
    fitted: FittedModel, sources: list[Pictures], to: Path | None, refusal: Refusal | None
) -> PredictedTable:
    """Predict batch by batch into a table, or all at once."""
    from foveal.bulk.kept import KeptColumns
    from foveal.model.bulk_work import Predicting
    from foveal.model.predictions import Predictions
    from foveal.tables import write_table

    told = list(dict.fromkeys(note for source in sources for note in source.notes))
    rate = None if fitted.familiar is None else fitted.familiar.rate
    worker = Predicting(fitted, None if refusal is None else refusal.least)
    columns = worker.schema.names
    kept = KeptColumns(sources, columns)
    batches = (batch for source in sources for batch in worker.answers(source))
    if to is None:
        whole = Predictions.joined(list(batches), fitted.answering())
        unreadable = sum(map(bool, whole.reasons))
        return PredictedTable(
            to=to,
            rows=len(whole.names),
            unreadable=unreadable,
            unfamiliar=int(whole.unfamiliar.sum()),
            left=int(whole.left.sum()),
            refusal=refusal,
            rate=rate,
            found=told,
            predictions=whole,
            kept=kept,
        )
    reasons: list[str] = []
    unfamiliar = left = 0
    values = kept.rows()

    def rows() -> Iterator[list[list[Any]]]:
        for batch in batches:
            nonlocal unfamiliar, left
            reasons.extend(filter(None, batch.reasons))
            unfamiliar += int(batch.unfamiliar.sum())
            left += int(batch.left.sum())
            yield kept.beside(batch.rows(), values)

    count = write_table(to, [*columns, *kept.names], rows(), kept.names)
    return PredictedTable(
        to=to,
        rows=count,
        unreadable=len(reasons),
        unfamiliar=unfamiliar,
        left=left,
        refusal=refusal,
        rate=rate,
        found=told,
        predictions=None,
        kept=kept,
    )


def _lines(found: PredictedTable, top: int) -> list[str]:
    if found.predictions is None:
        said = f"{counted(found.rows, 'row')} in {found.to}, {found.unreadable} unreadable"
        return [said, *noted(found.notes)]
    predictions, head = found.predictions, found.predictions.target.headings
    answers = list(predictions.written(top))
    paths = [path_end(name, WIDEST) for name in predictions.names]
    width = max([len("path"), *map(len, paths)])
    wide = max([len(head[0]), *(len(label) for label, _, _ in answers)])
    lines = [f"{'path':<{width}}  {head[0]:<{wide}}  {head[1]}".rstrip()]
    strange, left = predictions.unfamiliar.tolist(), predictions.left.tolist()
    for path, (label, sure, more), reason, refused, unlike in zip(
        paths, answers, predictions.reasons, left, strange, strict=True
    ):
        told = f"no answer: {reason}" if reason else f"{sure:>{len(head[1])}}"
        told += (
            f"  left to a person: {label}?" * refused
            + "  unfamiliar" * unlike
            + f"  then {more}" * bool(more)
        )
        shown = "" if refused else label
        lines.append(f"{path:<{width}}  {shown:<{wide}}  {told}".rstrip())
    return [*lines, *noted(found.notes)]
