"""A mosaic of pictures over a plane: of each cell one picture, and a point for each other one.

Axes: n point, m cell with a picture. Lengths are pixels, from above and from the left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from foveal.arrays import Array, Rows
from foveal.drawing.colours import WHITE, Colour
from foveal.drawing.text import FINER
from foveal.drawing.thumbnails import fitted, framed
from foveal.errors import UsageError

EXTENT = 1440
"""Longer side of the plane, about."""
FRAME = 2
"""Thickness of the frame that tells the class of a picture."""
GAP = 4
"""Between two cells."""
SIDES = (128, 96, 64)
"""Longer sides of pictures that are tried: the largest by which `SHARE` of them is drawn."""
SHARE = 0.5
SMALLEST, LARGEST = 8, 512
"""Longer sides of pictures that may be asked for."""
PITCHES = (7, 5, 3)
"""Room of a point, across and down: the largest by which all points have room."""
MOST_ROOM = 0.5
"""Height that the points beneath a picture take at most, as a share of the picture's."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Arrangement:
    """In which cells of a plane points stand, and which of them are drawn as their pictures."""

    cells: Rows
    """Column and line of the cell of each point, (n, 2), from 0."""
    rows: Rows
    """Points drawn as pictures, (m,), ascending: of each cell the one nearest to its middle."""
    size: tuple[int, int]
    """Width and height of a picture, without its frame."""
    pitch: int
    """Room of a point, across and down."""
    lines: int
    """Lines of points beneath each picture."""
    each: int
    """Pictures that a point stands for, at most: 1 unless a cell holds too many."""


def arranged(points: Any, height: int, width: int, side: int | None = None) -> Arrangement:
    """Decide in which cells points stand, and which of them are drawn as pictures.

    One scale serves both axes, and up is up.

    Parameters
    ----------
    points : array, (n, 2)
        Their places in the plane, finite.
    height, width : int
        Sides of a picture, in its own pixels: all are alike.
    side : int, optional
        Longer side of a picture as it is drawn. Where left out, the largest of `SIDES` with which
        at least half of the points are pictures.

    Raises
    ------
    UsageError
        For points of another shape or not finite, and a side out of range.
    """
    places = _checked(points)
    if side is not None and not SMALLEST <= side <= LARGEST:
        raise UsageError(
            "thumbnail",
            needed=f"{SMALLEST} to {LARGEST} pixels",
            came=str(side),
            remedy="write 64, or leave it out",
        )
    for longest in SIDES if side is None else (side,):
        found = _arranged(places, fitted(height, width, longest))
        if len(found.rows) >= SHARE * len(places):
            break
    return found


def _arranged(points: Array, size: tuple[int, int]) -> Arrangement:
    """Arrange points with pictures of one size, and as little room for points as they need."""
    for pitch, lines in _rooms(size):
        cells, off = _celled(points, _box(size, lines * pitch))
        fullest = int(np.unique(cells, axis=0, return_counts=True)[1].max()) - 1
        room = lines * _across(size, pitch)
        if fullest <= room:
            break
    return Arrangement(
        cells=cells,
        rows=_nearest(cells, off),
        size=size,
        pitch=pitch,
        lines=lines,
        each=max(1, -(-fullest // max(room, 1))),
    )


def _rooms(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """List rooms for points beneath a picture, the best first: pitch, and lines."""
    for pitch in PITCHES:
        for lines in range(max(2, 1 + int(MOST_ROOM * size[1] / pitch))):
            yield pitch, lines


def _box(size: tuple[int, int], room: int) -> tuple[int, int]:
    """Return width and height of a cell: picture, frame, points beneath, and gap."""
    return size[0] + 2 * FRAME + GAP, size[1] + 2 * FRAME + room + GAP


def _across(size: tuple[int, int], pitch: int) -> int:
    """Count the points of a line."""
    return (size[0] + 2 * FRAME) // pitch


def _celled(points: Array, box: tuple[int, int]) -> tuple[Rows, Array]:
    """Find the cell of each point, (n, 2), and its squared distance from the middle, (n,)."""
    sides = np.array(box)
    low, reach = points.min(axis=0), float(np.ptp(points, axis=0).max()) or 1.0
    within = (points - low) * ((EXTENT - sides.max()) / reach)
    within[:, 1] = within[:, 1].max() - within[:, 1]
    within += sides / 2
    cells = (within // sides).astype(np.intp)
    return cells, np.square(within - (cells + 0.5) * sides).sum(axis=1)


def _nearest(cells: Rows, off: Array) -> Rows:
    """Of each cell find the point nearest to its middle, ascending."""
    order = np.lexsort((off, cells[:, 0], cells[:, 1]))
    _, first = np.unique(cells[order], axis=0, return_index=True)
    return np.sort(order[first])


def mosaic(
    arrangement: Arrangement, pictures: Mapping[int, Image.Image], colours: Sequence[Colour]
) -> Image.Image:
    """Draw the plane: pictures in frames of their colour, the other points of a cell beneath.

    Parameters
    ----------
    arrangement : Arrangement
        From `arranged`.
    pictures : mapping
        From each row of `arrangement.rows` to its picture, drawn in `arrangement.size`.
    colours : sequence of Colour
        Colour of each point, (n,). Points of a cell stand in the order of their colours.
    """
    wide, high = _box(arrangement.size, arrangement.lines * arrangement.pitch)
    columns, lines = (arrangement.cells.max(axis=0) + 1).tolist()
    canvas = Image.new("RGB", (columns * wide, lines * high), WHITE)
    cells = arrangement.cells.tolist()
    others: dict[tuple[int, int], list[Colour]] = {}
    drawn = set(arrangement.rows.tolist())
    for row, (column, line) in enumerate(cells):
        if row in drawn:
            canvas.paste(framed(pictures[row], colours[row], FRAME), (column * wide, line * high))
        else:
            others.setdefault((column, line), []).append(colours[row])
    top = arrangement.size[1] + 2 * FRAME + GAP // 2
    for (column, line), hues in others.items():
        _put(canvas, (column * wide, line * high + top), sorted(hues), arrangement)
    return canvas


def _put(
    canvas: Image.Image, corner: tuple[int, int], hues: Sequence[Colour], arrangement: Arrangement
) -> None:
    """Put the points of one cell, line by line, below and right of a corner."""
    pitch, across = arrangement.pitch, _across(arrangement.size, arrangement.pitch)
    disc = _disc(pitch - 1 - (pitch > PITCHES[-1]))
    for place, hue in enumerate(hues[:: arrangement.each]):
        at = corner[0] + place % across * pitch, corner[1] + place // across * pitch
        canvas.paste(hue, at, disc)


@lru_cache(maxsize=8)
def _disc(diameter: int) -> Image.Image:
    """Draw a disc as a mask, smooth at its edge."""
    mask = Image.new("L", (FINER * diameter, FINER * diameter), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, FINER * diameter - 1, FINER * diameter - 1), 255)
    return mask.reduce(FINER)


def _checked(points: Any) -> Array:
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places) or not np.isfinite(places).all():
        raise UsageError(
            "points",
            needed="at least 1, finite, of shape (n, 2)",
            came=f"shape {places.shape}, {int((~np.isfinite(places)).sum())} not finite",
            remedy="give what project gave",
        )
    return places
