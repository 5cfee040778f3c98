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
    thumbnail: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Longer side of a picture on the map; if left out, 128, 96 or 64: the largest "
            "that leaves room for half of them. The others are points.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Draw a map of pictures by their codes; the classes of folders give the colours.

    By the features of a classifier where MODEL is one; 'imagenet' needs no training.
    """
    from foveal.drawing.figure import checked_figure
    from foveal.figures.picture_map import picture_map
    from foveal.looking.projection import checked_method
    from foveal.pictures.sources import gather

    checked_figure(to)
    way = checked_method(method)
    fitted = opened(model, device, threads, whole=True)
    with shown_passage("the network") as tell:
        figure = picture_map(fitted, with_whole_names(gather(pictures)), way, seed, thumbnail, tell)
    paths = figure.save(to)
    found = figure.values
    plane = found.projection
    drawn = sum(row[-1] for row in figure.rows)
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
    lines.append(
        f"{len(plane.rows):,} pictures in the plane, {drawn:,} of them drawn, the others as points"
        if drawn < len(plane.rows)
        else f"{drawn:,} pictures in the plane"
    )
    if plane.shares is not None:
        lines.append(
            f"the plane keeps {100 * sum(plane.shares):.1f} % of the variance of the {plane.of}"
        )
    typer.echo("\n".join([*lines, wrote(paths)]))
