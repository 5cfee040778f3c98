"""`foveal predict`: a class and its probability for every picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
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
from foveal.cli.output import at_terminal, print_answer
from foveal.cli.outputs import Given, file_of, or_parts, table, with_option, writes
from foveal.cli.parts import Engine, InParts, PartSize, Shards, parts_wanted
from foveal.cli.predicted import UNTOLD, PredictedTable, Tally, first_of
from foveal.cli.sources import all_pictures, refuse_unreadable
from foveal.errors import UsageError
from foveal.remote_copies import origin
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.bulk.kept import KeptColumns
    from foveal.model.fitted import FittedModel
    from foveal.model.predictions import Predictions
    from foveal.model.refusing import Refusal
    from foveal.pictures.collection import Pictures


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
        shown = at_terminal() and not json
        found = _predicted(fitted, all_pictures(pictures), place, refusal, shown=shown)
    print_answer(found, lambda answer: answer.lines(top), as_json=json)
    refuse_unreadable(found.tally.unreadable, found.tally.rows, strict=strict)


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
        tally=Tally(watch.rows, watch.unreadable, watch.unfamiliar, watch.left),
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
    fitted: FittedModel,
    sources: list[Pictures],
    to: Path | None,
    refusal: Refusal | None,
    *,
    shown: bool,
) -> PredictedTable:
    """Predict batch by batch into a table, all at once, or only what a terminal shows."""
    from foveal.bulk.kept import KeptColumns
    from foveal.model.bulk_work import Predicting
    from foveal.model.predictions import Predictions

    worker, tally = Predicting(fitted, None if refusal is None else refusal.least), Tally()
    kept = KeptColumns(sources, worker.schema.names)
    batches = tally.passing(batch for source in sources for batch in worker.answers(source))
    printed: Predictions | None = None
    if to is not None:
        _write(to, worker.schema.names, batches, kept)
    else:
        parts = first_of(batches) if shown else list(batches)
        printed = Predictions.joined(parts, fitted.answering())
    return PredictedTable(
        to=to,
        tally=tally,
        refusal=refusal,
        rate=None if fitted.familiar is None else fitted.familiar.rate,
        found=list(dict.fromkeys(note for source in sources for note in source.notes)),
        predictions=printed,
        kept=kept,
    )


def _write(
    to: Path, columns: Sequence[str], batches: Iterable[Predictions], kept: KeptColumns
) -> None:
    """Write predictions batch by batch, with the columns that are kept beside them."""
    from foveal.tables import write_table

    values = kept.rows()
    rows: Iterator[list[list[Any]]] = (kept.beside(one.rows(), values) for one in batches)
    write_table(to, [*columns, *kept.names], rows, kept.names)
