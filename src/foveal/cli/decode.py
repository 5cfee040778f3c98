"""`foveal decode`: codes of a few numbers to pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from foveal.cli.options import Device, Json, Model, Strict, Threads, path_or_address
from foveal.cli.output import print_answer
from foveal.cli.outputs import folder, writes
from foveal.cli.sources import refuse_unreadable
from foveal.cli.words import noted
from foveal.results import Result
from foveal.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedCodes(Result):
    """What was decoded."""

    to: Path
    """The folder of the pictures."""
    pictures: int
    """How many were written."""
    missing: int
    """Rows without a code."""
    notes: tuple[str, ...]
    """What a reader should know."""
    seconds: float


@writes(to=folder)
def decode(
    model: Model,
    codes: Annotated[
        Path,
        typer.Argument(
            metavar="CODES",
            parser=path_or_address,
            help="What 'foveal encode' wrote: .parquet or a folder of parts, which say whose codes "
            "these are, or .csv or .jsonl; or the address of one.",
        ),
    ],
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the pictures: new, or empty.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Decode codes of another model all the same.")
    ] = False,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Decode codes to pictures: PNG files named after the pictures that were encoded."""
    from foveal.cli.progress import passed_on, shown_progress
    from foveal.model.codec import decoding
    from foveal.model.codes_file import open_codes
    from foveal.model.opening import load
    from foveal.pictures.saving import write_pictures
    from foveal.progress.events import passing

    fitted = load(model, half="decoder", device=device, threads=threads)
    file = open_codes(codes, fitted, force=force)
    began = time.perf_counter()
    with shown_progress() as show:
        told = passed_on(file.batches(), file.rows, passing(show, "the decoder"))
        written, missing = write_pictures(to, file.names(), decoding(fitted, told))
    found = DecodedCodes(
        to=to,
        pictures=written,
        missing=missing,
        notes=file.notes,
        seconds=time.perf_counter() - began,
    )
    print_answer(found, _lines, as_json=json)
    refuse_unreadable(missing, written + missing, strict=strict)


def _lines(found: DecodedCodes) -> list[str]:
    return [
        *noted(found.notes),
        f"{counted(found.pictures, 'picture')} in {found.to}, "
        f"{counted(found.missing, 'row')} without a code",
    ]
