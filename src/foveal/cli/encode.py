"""`foveal encode`: pictures to codes of a few numbers."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

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


def encode(
    model: Model,
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURES...", help="Files or folders, .npz, or IDX folders."),
    ],
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
    from foveal.pictures.sources import gather
    from foveal.progress.events import passing
    from foveal.tables import checked_table

    checked_table(to, FORMATS)
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
        tell = passing(show, "the encoder")
        rows, missing = write_codes(to, fitted, passed_on(batches, sum(lengths), tell))
    seconds = time.perf_counter() - began
    size = fitted.plan.code_size
    if json:
        facts = {"to": str(to), "rows": rows, "unreadable": missing, "code_size": size}
        print_json({**facts, "model": fitted.digest(), "seconds": seconds})
    else:
        typer.echo(f"{rows:,} rows in {to}, {missing} unreadable, {size} numbers a code")
        if to.suffix.lower() != FORMATS[0]:
            return refuse_unreadable(missing, strict)
        quoted = shlex.quote(str(model)), shlex.quote(str(to))
        typer.echo(f"next: foveal decode {quoted[0]} {quoted[1]} --to decoded")
    refuse_unreadable(missing, strict)
