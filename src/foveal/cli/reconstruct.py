"""`foveal reconstruct`: pictures beside what an autoencoder makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foveal.cli.figures import shown_passage, unreadable_line, wrote
from foveal.cli.options import (
    AnyPictures,
    Device,
    Json,
    Model,
    Threads,
    print_json,
    with_whole_names,
)


def reconstruct(
    model: Model,
    pictures: AnyPictures,
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Draw a gallery here: a .png file, with its numbers as .csv beside.",
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="Pictures drawn, evenly spaced over all.")] = 12,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Reconstruct pictures by an autoencoder: how well it does, and a gallery to look at."""
    from dataclasses import asdict

    import numpy as np

    from foveal.drawing.figure import checked_figure
    from foveal.evaluation.reconstruction import kept_line
    from foveal.figures.gallery import gallery
    from foveal.model.loading import load
    from foveal.pictures.sources import gather

    checked_figure(to)
    fitted = load(model, device=device, threads=threads)
    with shown_passage() as tell:
        figure = gallery(fitted, with_whole_names(gather(pictures)), count, tell)
    paths = figure.save(to)
    found = figure.values
    worst = int(np.nanargmax(found.errors))
    largest, median = float(found.errors[worst]), float(np.nanmedian(found.errors))
    unreadable = sum(map(bool, found.reasons))
    if json:
        print_json(
            {
                "pictures": len(found.reasons),
                "unreadable": unreadable,
                "mse": asdict(found.mse),
                "median": median,
                "kept": found.variance.kept,
                "colour_kept": found.variance.colour_kept,
                "worst": {"path": found.names[worst], "mse": largest},
                "written": list(map(str, paths)),
            }
        )
        return
    lines = [
        *unreadable_line(found.names, found.reasons),
        f"{len(found.reasons) - unreadable:,} pictures, black = 0 and white = 1",
        f"mean MSE    {found.mse.plain()}",
        f"median MSE  {median:#.3g}",
        f"worst MSE   {largest:#.3g}  {found.names[worst]}",
        f"variance kept, about the mean training picture  {kept_line(found.variance)}",
        wrote(paths),
    ]
    typer.echo("\n".join(lines))
