"""`foveal map`: the codes of pictures in the plane."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage
from foveal.cli.options import AnyPictures, Device, Json, Label, LabelFrom, Model, Threads, opened
from foveal.cli.output import print_answer, unreadable_line, wrote
from foveal.cli.outputs import figure, writes
from foveal.cli.sources import pictures_of
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.drawing.figure import Figure
    from foveal.looking.pictures_in_plane import PicturesInPlane


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMap:
    """Pictures in the plane, and where the map was drawn."""

    figure: Figure[PicturesInPlane]
    written: tuple[Path, ...]

    @property
    def drawn(self) -> int:
        """Points that are drawn as their pictures."""
        return sum(row[-1] for row in self.figure.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return how the pictures came to their places, and what was written."""
        plane = self.figure.values.projection
        return {
            "pictures": plane.codes,
            "unreadable": plane.missing,
            "points": len(plane.rows),
            "drawn": self.drawn,
            "method": plane.method,
            "variance": plain(plane.shares),
            "perplexity": plain(plane.perplexity),
            "seed": plane.seed,
            "written": plain(self.written),
        }


@writes(to=figure)
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
    label_from: LabelFrom = None,
    label: Label = None,
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
    from foveal.figures.picture_map import picture_map
    from foveal.looking.projection import checked_method

    way = checked_method(method)
    fitted = opened(model, device, threads, whole=True)
    with shown_passage("the network") as tell:
        figure = picture_map(
            fitted, pictures_of(pictures, label_from, label), way, seed, thumbnail, tell
        )
    answer = DrawnMap(figure=figure, written=figure.save(to))
    print_answer(answer, _lines, as_json=json)


def _lines(answer: DrawnMap) -> list[str]:
    found = answer.figure.values
    plane, others = found.projection, len(found.points) - answer.drawn
    lines = unreadable_line(found.names, found.reasons)
    as_points = f", {answer.drawn:,} of them drawn, the others as points" if others else ""
    lines.append(f"{counted(len(found.points), 'picture')} in the plane{as_points}")
    if plane.shares is not None:
        lines.append(
            f"the plane keeps {100 * sum(plane.shares):.1f} % of the variance of the {plane.of}"
        )
    return [*lines, wrote(answer.written)]
