"""Matrices as cells of colour: with their numbers where one can read them. Lengths are pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from foveal.arrays import Array
from foveal.drawing.colours import INK, ORANGE, WHITE
from foveal.drawing.layout import celled
from foveal.drawing.scales import Levels, viridis
from foveal.drawing.text import LABEL, words
from foveal.drawing.thumbnails import LARGE, SMALL, sized
from foveal.recipe import LUMA

BLACK = (0, 0, 0)
MARK = 3
"""Thickness of the line around a cell that is marked."""


def map_tile(
    map_hw: Array, limits: tuple[float, float], side: int = SMALL, most: int = LARGE
) -> Image.Image:
    """Draw a feature map in viridis, in the size of `thumbnails.sized`."""
    return sized(Image.fromarray(viridis(map_hw, *limits)), side, most)


def cells(
    colours: Levels,
    texts: list[list[str]] | None,
    cell: tuple[int, int],
    marked: tuple[int, int] | None = None,
) -> Image.Image:
    """Draw a matrix as cells, each with its text.

    Parameters
    ----------
    colours : array, (h, w, 3)
        Colour of each cell.
    texts : list of lists of str, optional
        What is written in each, in ink or in white, whichever is read better.
    cell : tuple of int
        Width and height of a cell.
    marked : tuple of int, optional
        Row and column of one that gets an outline.
    """
    wide, high = cell
    sheet = Image.fromarray(np.kron(colours, np.ones((high, wide, 1), np.uint8)))
    for row, column in np.ndindex(colours.shape[:2]) if texts else ():
        assert texts is not None
        block = celled(words(texts[row][column], LABEL, BLACK), wide, high).convert("L")
        ink = block.crop((0, 0, wide, high)).point(lambda level: 255 - level)
        light = float(colours[row, column] @ np.array(LUMA)) > 128
        sheet.paste(INK if light else WHITE, (column * wide, row * high), ink)
    if marked is not None:
        left, top = marked[1] * wide, marked[0] * high
        box = (left, top, left + wide - 1, top + high - 1)
        ImageDraw.Draw(sheet).rectangle(box, outline=ORANGE, width=MARK)
    return sheet
