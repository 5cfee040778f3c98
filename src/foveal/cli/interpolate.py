"""`foveal interpolate`: from one picture to another, through the codes between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from foveal.cli.options import Device, Json, Model, Threads
from foveal.cli.output import print_answer, table_rows, wrote
from foveal.cli.outputs import figure, writes
from foveal.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolation(Result):
    """What lies between two pictures, and where it was drawn."""

    steps: tuple[dict[str, Any], ...]
    """The numbers of each picture of the strip."""
    written: tuple[Path, ...]


@writes(to=figure)
def interpolate(
    model: Model,
    first: Annotated[str, typer.Argument(metavar="FIRST", help="A picture.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="Another.")],
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Draw the strip here: a .png file, with its numbers as .csv beside.",
        ),
    ],
    steps: Annotated[
        int, typer.Option(min=2, help="Pictures in all, with the reconstructions of both.")
    ] = 9,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Draw what an autoencoder sees between two pictures."""
    from foveal.figures.interpolation import interpolate as interpolated
    from foveal.model.opening import load

    fitted = load(model, device=device, threads=threads)
    figure = interpolated(fitted, first, second, steps)
    found = Interpolation(
        steps=tuple(table_rows(figure.columns, figure.rows)),
        written=figure.save(to),
    )
    print_answer(found, lambda answer: [wrote(answer.written)], as_json=json)
