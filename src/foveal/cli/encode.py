"""`foveal encode`: pictures to codes of a few numbers."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from foveal.cli.options import Device, Json, Model, SeveralPictures, Strict, Threads
from foveal.cli.output import print_answer
from foveal.cli.sources import all_pictures, refuse_unreadable
from foveal.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPictures(Result):
    """What was encoded."""

    to: Path
    """The table of the codes."""
    rows: int
    unreadable: int
    """Rows of pictures that cannot be read."""
    code_size: int
    """Numbers of a code."""
    model: str
    """Hash of the model that encoded."""
    seconds: float


def encode(
    model: Model,
    pictures: SeveralPictures,
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Write the codes here: .parquet, which decode reads, or .csv or .jsonl for "
            "other programs.",
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            help="Draw codes of a variational autoencoder by this seed; means if left out."
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Encode pictures by an autoencoder: path, code, and why there is none where there is none."""
    from foveal.cli.progress import passed_on, shown_progress
    from foveal.model.codec import coding
    from foveal.model.codes_file import FORMATS, write_codes
    from foveal.model.loading import load
    from foveal.progress.events import passing
    from foveal.tables import checked_table

    checked_table(to, FORMATS)
    fitted = load(model, half="encoder", device=device, threads=threads)
    sources = all_pictures(pictures)
    began = time.perf_counter()
    with shown_progress() as show:
        lengths = [len(source) for source in sources]
        starts = [sum(lengths[:index]) for index in range(len(sources))]
        batches = (
            batch
            for source, start in zip(sources, starts, strict=True)
            for batch in coding(fitted, source, sample, before=start)
        )
        tell = passing(show, "the encoder")
        rows, missing = write_codes(to, fitted, passed_on(batches, sum(lengths), tell))
    found = EncodedPictures(
        to=to,
        rows=rows,
        unreadable=missing,
        code_size=fitted.plan.code_size,
        model=fitted.digest(),
        seconds=time.perf_counter() - began,
    )
    print_answer(found, lambda answer: _lines(answer, model), as_json=json)
    refuse_unreadable(missing, rows, strict=strict)


def _lines(found: EncodedPictures, model: Path) -> Iterator[str]:
    from foveal.model.codes_file import FORMATS

    size = found.code_size
    yield f"{found.rows:,} rows in {found.to}, {found.unreadable} unreadable, {size} numbers a code"
    if found.to.suffix.lower() == FORMATS[0]:
        quoted = shlex.quote(str(model)), shlex.quote(str(found.to))
        yield f"next: foveal decode {quoted[0]} {quoted[1]} --to decoded"
