"""Receptive fields on a picture: what the pixels of ever deeper layers see of it."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.figure import Figure
from foveal.drawing.layout import celled, page, stacked
from foveal.drawing.outlined import outlined
from foveal.drawing.panel import panel
from foveal.drawing.text import LABEL, length, shortened
from foveal.drawing.thumbnails import drawn
from foveal.figures.one_picture import OnePicture
from foveal.looking.ladder import Rung, ladder
from foveal.parameters import Whole, check, optional
from foveal.shapes import written

RUNGS = 6
"""Layers that are shown where none is named."""
SIDE, PART = 224, 112
"""Longer sides, in pixels, at most: of the picture, and of the portion by itself."""
LARGE, LARGE_PART = 512, 256
"""The same where one pixel is shown alone."""
CAPTION = (
    "One number of a feature map stands for the framed portion of the picture: nothing outside "
    "can change it, and what moves it most glows. The deeper the layer, the more of the picture "
    "a number has seen, and the more of an object it can stand for."
)
OTHERS = "of the last layer the most active pixel; of the others those around what moves it most"
COLUMNS = (
    *("layer", "map", "row", "column", "value", "top", "bottom", "left", "right"),
    *("share of picture", "half of effect within"),
)


def draw_fields(
    model: Any,
    X: Any,
    *,
    layer: str | int | None = None,
    pixel: tuple[int, int] | None = None,
    channel: int | None = None,
    count: int | None = None,
) -> Figure[list[Rung]]:
    """Draw what feature-map pixels see of a picture: their receptive fields.

    The outline is the theoretical field, exact at the edges of the picture too; the glow within
    it is the effective field (Luo et al., 2016).

    Parameters
    ----------
    model : FittedModel, Plan or str
        The network; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures, of which the first is taken.
    layer : str or int, optional
        Number of a layer in the plan; where left out, several that are evenly spaced over the
        depth: see `foveal.looking.ladder.ladder`.
    pixel : tuple of int, optional
        Row and column of a pixel of its maps, from 0; the most active one where left out.
    channel : int, optional
        Number of a map, from 0; the most active one where left out.
    count : int, optional
        How many layers, where none is named; 6 where left out.

    Returns
    -------
    Figure of list of Rung
        Its numbers are the pixels, their values and their fields.

    Raises
    ------
    NothingToSee
        For a layer that gives a vector, and a network without any that gives maps.
    UsageError
        For a layer, a pixel or a map that is not there, and a count below 1.
    """
    check({"count": count}, {"count": optional(Whole(1))})
    shown = OnePicture.of(model, X)
    most = count or RUNGS
    found = ladder(
        shown.subject, shown.inputs, number=layer, pixel=pixel, channel=channel, most=most
    )
    alone = len(found) == 1
    sides = (LARGE, LARGE_PART) if alone else (SIDE, PART)
    tiles = [_tile(shown.image, one, *sides) for one in found]
    height, width = shown.image.shape[:2]
    captions = [[_layer(one, sides[0]), *_numbers(one)] for one in found]
    least = max(ceil(length(line, LABEL)) for lines in captions for line in lines)
    facts = [f"{shown.fact}, {height}x{width} pixels"]
    facts += [] if alone else [OTHERS]
    return Figure(
        values=found,
        image=page(
            "Receptive fields", facts, [panel(tiles, captions, across=6, least=least)], CAPTION
        ),
        caption=CAPTION,
        columns=COLUMNS,
        rows=tuple(_row(one) for one in found),
    )


def _tile(image: Array, rung: Rung, side: int, part: int) -> Image.Image:
    """Draw the picture with the field, and beneath it the portion by itself."""
    field = rung.field
    box = (field.top, field.bottom, field.left, field.right)
    whole = outlined(image, box, side, rung.effective)
    portion = image[field.top : field.bottom, field.left : field.right]
    if not portion.size:
        return whole
    return stacked([whole, celled(drawn(portion, part, part), whole.width, part)])


def _layer(rung: Rung, width: int) -> str:
    """Name a layer; of a long one the end may be cut."""
    return shortened(f"layer {rung.number}, {rung.layer}", width, keep="start")


def _numbers(rung: Rung) -> list[str]:
    """Say what a pixel sees, in lines that are never cut."""
    field = rung.field
    half = ["half of its effect comes", f"from {_share(rung.half)} of the picture"]
    return [
        f"{written(rung.shape)}, map {rung.channel} at {rung.row},{rung.column}",
        "sees: not known" if field.unknown else f"sees {written(field.size)} pixels",
        "" if field.unknown else f"{_share(rung.share)} of the picture",
        *(["nothing moves it"] if np.isnan(rung.half) else half),
    ]


def _share(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else "under 0.1 %"


def _row(rung: Rung) -> tuple[Any, ...]:
    field = rung.field
    place = (rung.number, rung.channel, rung.row, rung.column, rung.value)
    return (*place, field.top, field.bottom, field.left, field.right, rung.share, rung.half)
