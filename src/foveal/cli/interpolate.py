"""`foveal interpolate`: from one picture to another, through the codes between them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foveal.cli.figures import wrote
from foveal.cli.options import Device, Json, Model, Threads, print_json


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
    from foveal.drawing.figure import checked_figure
    from foveal.figures.interpolation import interpolate as interpolated
    from foveal.model.loading import load

    checked_figure(to)
    fitted = load(model, device=device, threads=threads)
    figure = interpolated(fitted, first, second, steps)
    paths = figure.save(to)
    if json:
        rows = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
        print_json({"steps": rows, "written": list(map(str, paths))})
        return
    typer.echo(wrote(paths))
