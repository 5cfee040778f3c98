"""`foveal encode` and `foveal decode`: pictures to codes of a few numbers, and back."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from foveal.cli.options import (
    Device,
    Json,
    Model,
    Strict,
    Threads,
    print_json,
    refuse_unreadable,
    with_whole_names,
)

if TYPE_CHECKING:
    from foveal.model.coding import Codes
    from foveal.training.events import Listener

T = TypeVar("T")


def encode(
    model: Model,
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURES...", help="Files or folders, .npz, or IDX folders."),
    ],
    to: Annotated[
        Path, typer.Option(metavar="FILE", help="Write the codes here: a .parquet file.")
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
    from foveal.cli.progress import shown_progress
    from foveal.model.codes import checked_codes_path, write_codes
    from foveal.model.coding import coding
    from foveal.model.loading import load
    from foveal.pictures.sources import gather

    checked_codes_path(to)
    fitted = load(model, half="encoder", device=device, threads=threads)
    sources = [with_whole_names(gather(source)) for source in pictures]
    began = time.perf_counter()
    with shown_progress() as show:
        lengths = [len(source) for source in sources]
        starts = [sum(lengths[:index]) for index in range(len(sources))]
        batches = (
            batch
            for source, start in zip(sources, starts, strict=True)
            for batch in coding(fitted, source, sample, before=start)
        )
        told = _told(batches, sum(lengths), "the encoder", show)
        rows, missing = write_codes(to, fitted, told)
    seconds = time.perf_counter() - began
    size = fitted.plan.code_size
    if json:
        facts = {"to": str(to), "rows": rows, "unreadable": missing, "code_size": size}
        print_json({**facts, "model": fitted.digest(), "seconds": seconds})
    else:
        typer.echo(f"{rows:,} rows in {to}, {missing} unreadable, {size} numbers a code")
        quoted = shlex.quote(str(model)), shlex.quote(str(to))
        typer.echo(f"next: foveal decode {quoted[0]} {quoted[1]} --to decoded")
    refuse_unreadable(missing, strict)


def decode(
    model: Model,
    codes: Annotated[
        Path, typer.Argument(metavar="CODES", help="A .parquet file that 'foveal encode' wrote.")
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
    from foveal.cli.progress import shown_progress
    from foveal.model.codes import open_codes
    from foveal.model.loading import load
    from foveal.model.writing import checked_folder, write_pictures

    checked_folder(to)
    fitted = load(model, half="decoder", device=device, threads=threads)
    file = open_codes(codes, fitted, force=force)
    began = time.perf_counter()
    with shown_progress() as show:
        told = _told(file.batches(), file.rows, "the decoder", show)
        written, missing = write_pictures(to, fitted, file.names(), told)
    seconds = time.perf_counter() - began
    if json:
        print_json({"to": str(to), "pictures": written, "missing": missing, "seconds": seconds})
    else:
        typer.echo(f"{written:,} pictures in {to}, {missing} rows without a code")
    refuse_unreadable(missing, strict)


def _told(batches: Iterator[Codes], total: int, network: str, show: Listener) -> Iterator[Codes]:
    """Pass batches on, telling how far they are."""
    from foveal.training.events import Extracting

    done = 0
    for batch in batches:
        yield batch
        more = len(batch.reasons)
        done += more
        show(Extracting(done=done, total=total, network=network, more=more))
