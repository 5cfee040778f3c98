"""`foveal map`: the codes of pictures in the plane."""

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
    opened,
    print_json,
    with_whole_names,
)


def draw_map(
    model: Model,
    pictures: AnyPictures,
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Draw the map here: a .png file, with its points as .csv beside."
        ),
    ],
    method: Annotated[str, typer.Option(help="pca or tsne.")] = "pca",
    seed: Annotated[int, typer.Option(help="Of what t-SNE draws at random.")] = 0,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Draw a map of pictures by their codes; the classes of folders give the colours.

    By the features of a classifier where MODEL is one; 'imagenet' needs no training.
    """
    from foveal.looking.figure import checked_figure
    from foveal.looking.pictured import map_of
    from foveal.looking.plane import checked_method
    from foveal.pictures.sources import gather

    checked_figure(to)
    way = checked_method(method)
    fitted = opened(model, device, threads, whole=True)
    with shown_passage("the network") as tell:
        found = map_of(fitted, with_whole_names(gather(pictures)), way, seed, tell)
    paths = found.figure.save(to)
    plane = found.plane
    drawn = sum(row[-1] for row in found.figure.rows)
    if json:
        print_json(
            {
                "pictures": plane.codes,
                "unreadable": plane.missing,
                "points": len(plane.rows),
                "drawn": drawn,
                "method": plane.method,
                "variance": plane.shares,
                "perplexity": plane.perplexity,
                "seed": plane.seed,
                "written": list(map(str, paths)),
            }
        )
        return
    lines = unreadable_line(found.names, found.reasons)
    lines.append(f"{len(plane.rows):,} pictures in the plane, {drawn:,} of them drawn")
    if plane.shares is not None:
        lines.append(
            f"the plane keeps {100 * sum(plane.shares):.1f} % of the variance of the {plane.of}"
        )
    typer.echo("\n".join([*lines, wrote(paths)]))
