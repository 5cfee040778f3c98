"""Tiles: small matrices as colours, in rows and columns that are named, some of them marked.

Axes: r row, k column, h height, w width; colours, the last axis, are red, green and blue, uint8.
Lengths are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.colours import FAINT, INK, PALE, WHITE
from foveal.drawing.layout import GRID, WIDEST, abreast, celled, stacked
from foveal.drawing.scales import Levels
from foveal.drawing.text import LABEL, length, words

LINE = 1
"""Thickness of the line around a tile, whose edge may be as white as the sheet."""
MARK = 2
"""Thickness of the frame around a column that is marked."""
LARGEST = 256
"""Longer side of a matrix, in its own numbers, from which on some are left out."""
ROOM = 4
"""Around a tile, for a mark."""


def as_colours(values_chw: Array, most: float) -> Levels:
    """Return signed numbers of three channels as one colour: 0 is middle grey in each.

    Parameters
    ----------
    values_chw : array, (..., 3, h, w)
        The numbers; what is no number is middle grey.
    most : float
        The size of number that is full light, or none, in its channel.

    Returns
    -------
    array of uint8, (..., h, w, 3)
    """
    limit = most if np.isfinite(most) and most > 0 else np.inf
    shares = 0.5 + 0.5 * np.clip(np.nan_to_num(values_chw, nan=0.0) / limit, -1, 1)
    found: Levels = np.rint(255 * np.moveaxis(shares, -3, -1)).astype(np.uint8)
    return found


def tile_grid(
    tiles: Levels,
    side: int,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[Sequence[str]] = (),
    marked: Sequence[bool] = (),
    widest: int = WIDEST,
    dense: bool = False,
) -> Image.Image:
    """Lay tiles out in rows and columns; what is wider than the sheet goes on below.

    Parameters
    ----------
    tiles : array, (r, k, h, w, 3)
        The colours of each tile.
    side : int
        Longer side of a tile, about: each number is enlarged by a whole factor.
    rows : sequence of str
        A name for each row, at its left.
    columns : sequence of sequences of str
        Lines beneath each column.
    marked : sequence of bool
        Columns that get a frame.
    widest : int
        Width at which columns go on below.
    dense : bool
        Whether each number is a quarter as high, without lines between the rows.
    """
    cells = _enlarged(tiles, side, dense)
    names = [words(row, LABEL, FAINT) for row in rows]
    left = max((name.width for name in names), default=0)
    labels = max((length(line, LABEL) for lines in columns for line in lines), default=0)
    pitch = max(cells.shape[3] + 2 * ROOM, int(np.ceil(labels)) + GRID)
    across = max(1, (widest - left - GRID) // pitch)
    blocks = []
    for start in range(0, cells.shape[1], across):
        part = slice(start, start + across)
        grid = _placed(cells[:, part], pitch, marked[part], dense)
        beneath = [_captions(columns[part], pitch)] if columns else []
        blocks.append(_named(stacked([grid, *beneath], 0), names, grid.height, left))
    return stacked(blocks, 2 * GRID)


def _enlarged(tiles: Levels, side: int, dense: bool) -> Levels:
    """Enlarge each tile by whole factors: (r, k, h, w, 3)."""
    step = -(-max(tiles.shape[2:4]) // LARGEST)
    some = tiles[:, :, ::step, ::step]
    factor = max(1, side // max(some.shape[2:4]))
    down = max(1, factor // 8) if dense else factor
    return some.repeat(down, axis=2).repeat(factor, axis=3)


def _placed(cells: Levels, pitch: int, marked: Sequence[bool], dense: bool) -> Image.Image:
    """Set enlarged tiles into their rows and columns, each within a line."""
    rows, columns, high, wide, _ = cells.shape
    edge = 0 if dense else LINE
    step = high if dense else high + 2 * ROOM
    sheet = np.full((rows * step + 2 * ROOM * dense, columns, pitch, 3), WHITE, np.uint8)
    left, top = (pitch - wide) // 2, ROOM
    for row in range(rows):
        above = row * step + top
        sheet[above - edge : above + high + edge, :, left - LINE : left + wide + LINE] = PALE
        inside = cells[row].swapaxes(0, 1)
        sheet[above : above + high, :, left : left + wide] = inside
    for column in np.flatnonzero(np.asarray(marked, bool)):
        _mark(sheet[:, column], slice(left - ROOM, left + wide + ROOM))
    return Image.fromarray(sheet.reshape(len(sheet), columns * pitch, 3))


def _mark(column: Levels, across: slice) -> None:
    """Draw a frame around the tiles of one column, in place."""
    inside = column[:, max(across.start, 0) : across.stop]
    inside[:MARK] = inside[-MARK:] = INK
    inside[:, :MARK] = inside[:, -MARK:] = INK


def _captions(columns: Sequence[Sequence[str]], pitch: int) -> Image.Image:
    return abreast(
        [
            stacked(
                [
                    celled(words(line, LABEL, INK if place else FAINT), pitch, 1)
                    for place, line in enumerate(lines)
                ],
                0,
            )
            for lines in columns
        ],
        0,
    )


def _named(grid: Image.Image, names: Sequence[Image.Image], high: int, left: int) -> Image.Image:
    """Set the names of rows at the left of a grid whose rows are so high in all."""
    if not names:
        return grid
    beside = stacked([celled(name, left, high // len(names), "left") for name in names], 0)
    return abreast([beside, grid])
