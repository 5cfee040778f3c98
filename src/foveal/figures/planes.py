"""The planes of a picture, with their numbers where one can read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.drawing.cells import cells
from foveal.drawing.figure import Figure
from foveal.drawing.layout import page
from foveal.drawing.panel import panel
from foveal.drawing.thumbnails import drawn
from foveal.looking.planes import Planes, planes
from foveal.looking.subject import subject_of
from foveal.pictures.sources import gather
from foveal.shapes import written

if TYPE_CHECKING:
    from foveal.arrays import Array

READABLE = 32
"""Longer side of pictures, in pixels, whose numbers are written into them."""
CELL = 28
"""Side of a pixel that holds its number."""
LARGE = 256
CAPTION = (
    "A computer holds a picture as numbers: of a grey one how bright each pixel is, from 0 for "
    "black to 255 for white, and of a colour one three such matrices, for red, green and blue. "
    "The first layer of the network is given the same numbers, only scaled: less their mean, and "
    "divided by their standard deviation, so that they lie about 0."
)


def draw_planes(model: Any, X: Any) -> list[Figure[Planes]]:
    """Draw pictures as the network sees them, each beside its planes.

    Parameters
    ----------
    model : FittedModel, Plan or str
        What sees them; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures.

    Returns
    -------
    list of Figure of Planes
        Of each picture one; its numbers are those of all planes, pixel by pixel, where it is no
        larger than 32x32, and else the least, the mean and the greatest of each plane.
    """
    return [_drawn(one) for one in planes(subject_of(model), gather(X))]


def _drawn(found: Planes) -> Figure[Planes]:
    height, width, channels = found.image.shape
    matrices = [found.brightness(channel) for channel in range(channels)]
    readable = max(height, width) <= READABLE
    shown = [drawn(found.image, LARGE, LARGE)] if channels > 1 else []
    shown += [
        _numbered(matrix) if readable else drawn(matrix[..., None] / 255, LARGE, LARGE)
        for matrix in matrices
    ]
    captions = [(one, f"{height}x{width} numbers") for one in found.colours]
    whole = [("all together", written((channels, height, width)))] if channels > 1 else []
    return Figure(
        values=found,
        image=page(
            "Pictures are tensors",
            (f"{found.name}, {written((channels, height, width))}", _scaled(found)),
            [panel(shown, [*whole, *captions])],
            CAPTION,
        ),
        caption=CAPTION,
        columns=("plane", "row", "column", "value") if readable else _SUMMARY,
        rows=tuple(_pixels(found, matrices) if readable else _summary(found, matrices)),
    )


def _scaled(found: Planes) -> str:
    """Say how a value becomes what the first layer is given."""
    pairs = list(zip(found.mean, found.std, strict=True))
    alike = len(set(pairs)) == 1
    names = [""] if alike else [f" for {one}" for one in found.colours]
    some = pairs[:1] if alike else pairs
    said = [
        f"(value / 255 - {mean:.3g}) / {std:.3g}{name}"
        for name, (mean, std) in zip(names, some, strict=True)
    ]
    return f"the network takes {', '.join(said)}"


_SUMMARY = ("plane", "least", "mean", "greatest")


def _pixels(found: Planes, matrices: list[Array]) -> Iterator[tuple[Any, ...]]:
    for colour, matrix in zip(found.colours, matrices, strict=True):
        for (row, column), value in np.ndenumerate(matrix):
            yield colour, row, column, int(value)


def _summary(found: Planes, matrices: list[Array]) -> Iterator[tuple[Any, ...]]:
    for colour, matrix in zip(found.colours, matrices, strict=True):
        yield colour, int(matrix.min()), float(matrix.mean()), int(matrix.max())


def _numbered(matrix: Array) -> Image.Image:
    """Draw a matrix with the number of each pixel in it."""
    texts = [[str(int(value)) for value in row] for row in matrix]
    return cells(np.repeat(matrix[..., None], 3, axis=2), texts, (CELL, CELL))
