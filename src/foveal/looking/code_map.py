"""A map of codes in the plane, drawn as the pictures that they stand for.

Axes: n point, m point that is drawn, h height, w width, c channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image

from foveal.errors import UsageError
from foveal.looking.drawing import (
    COLOURS,
    FAINT,
    GRID,
    LABEL,
    PALE,
    WHITE,
    Colour,
    Floats,
    abreast,
    celled,
    counted,
    drawn,
    framed,
    page,
    shortened,
    stacked,
    words,
)
from foveal.looking.figure import Figure
from foveal.looking.plane import Plane, Rows
from foveal.shapes import written

EXTENT = 1080
"""Longer side of the map, in pixels: 15 roomy cells, or 27 tight ones."""
FEW = 150
"""Points up to which cells may be roomy."""
ROOMY, TIGHT = 72, 40
"""Sides of the cells of the map: each holds one picture, its frame and a gap."""
FRAME = 2
NAME_WIDTH = 160
NO_LABEL = "no label"


class Thumbnails(Protocol):
    """Pictures (h, w, c) by row: an array (n, h, w, c), or a mapping of those that are drawn."""

    def __getitem__(self, row: Any, /) -> Any:
        """Return the picture of one row."""
        ...


def code_map(
    points: Any,
    thumbnails: Thumbnails,
    labels: Sequence[Any] | None = None,
    *,
    plane: Plane,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw codes, or features, in the plane as their pictures, framed in the colour of their class.

    Where pictures would overlap, one is drawn: the one nearest to the middle of its cell.

    Parameters
    ----------
    points : array, (n, 2)
        From `in_plane`.
    thumbnails : array or mapping
        From a row of the points to its picture; only the rows that `uncovered` gives are asked.
    labels : sequence, optional
        Class of each point, None where there is none. More than ten classes have no colours.
    plane : Plane
        From `in_plane`: it says what the axes mean.
    names : sequence of str, optional
        Names of the pictures, for the numbers.
    """
    places = _checked(points)
    given = [None] * len(places) if labels is None else list(labels)
    titles = list(map(str, range(len(places)) if names is None else names))
    for what, several in (("labels", given), ("names", titles)):
        if len(several) != len(places):
            raise UsageError(
                what,
                needed=f"{len(places)}, one a point",
                came=str(len(several)),
                remedy="leave them out, or give as many as points",
            )
    shown, cells, side = _thinned(places)
    pictures = [np.asarray(thumbnails[row]) for row in shown.tolist()]
    colours = class_colours(given)
    frames = [colours.get(str(given[row]), PALE) for row in shown]
    blocks = [_with_axes(_canvas(pictures, cells, side, frames), plane)]
    if any(one is not None for one in given):
        blocks.insert(
            0, _legend(colours, Counter(NO_LABEL if x is None else str(x) for x in given))
        )
    caption, there = _caption(plane), set(shown.tolist())
    return Figure(
        image=page(
            f"A map of the {plane.of}", _facts(len(places), pictures, plane), blocks, caption
        ),
        caption=caption,
        columns=("path", "x", "y", "label", "drawn"),
        rows=tuple(
            (title, float(x), float(y), None if label is None else str(label), row in there)
            for row, (title, (x, y), label) in enumerate(zip(titles, places, given, strict=True))
        ),
    )


def uncovered(points: Any) -> Rows:
    """Choose which points (n, 2) are drawn on a map: one a cell, nearest to its middle."""
    return _thinned(_checked(points))[0]


def class_colours(labels: Sequence[Any]) -> dict[str, Colour]:
    """Return a colour for each class, by order of names; none for more than ten."""
    known = {one for one in labels if one is not None}
    numeric = all(isinstance(one, int | float | np.number) for one in known)
    names = [str(one) for one in (sorted(known) if numeric else sorted(known, key=str))]
    return dict(zip(names, COLOURS, strict=False)) if len(names) <= len(COLOURS) else {}


def _checked(points: Any) -> Floats:
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places) or not np.isfinite(places).all():
        raise UsageError(
            "points",
            needed="at least 1, finite, of shape (n, 2)",
            came=f"shape {places.shape}, {int((~np.isfinite(places)).sum())} not finite",
            remedy="give what in_plane gave",
        )
    return places


def _thinned(points: Floats) -> tuple[Rows, Rows, int]:
    """Choose which points are drawn, (m,), in which cells, (m, 2), and the side of a cell.

    Cells are roomy where the points are few, and at least half of them are drawn then.
    """
    if len(points) <= FEW:
        shown, cells = _occupying(points, ROOMY)
        if 2 * len(shown) >= len(points):
            return shown, cells, ROOMY
    return *_occupying(points, TIGHT), TIGHT


def _occupying(points: Floats, side: int) -> tuple[Rows, Rows]:
    """Of each cell find the point nearest to its middle; cells are column and row from above."""
    low, reach = points.min(axis=0), float(np.ptp(points, axis=0).max()) or 1.0
    within = (points - low) * ((EXTENT - side) / reach) + side / 2  # pixels, one scale for both
    within[:, 1] = within[:, 1].max() + side / 2 - within[:, 1]
    cells = (within // side).astype(np.intp)
    off = np.square(within - (cells + 0.5) * side).sum(axis=1)
    order = np.lexsort((off, cells[:, 0], cells[:, 1]))
    _, first = np.unique(cells[order], axis=0, return_index=True)
    shown = np.sort(order[first])
    return shown, cells[shown]


def _canvas(
    pictures: Sequence[Any], cells: Rows, side: int, frames: Sequence[Colour]
) -> Image.Image:
    room = side - 2 * FRAME - GRID // 2
    wide, high = ((cells.max(axis=0) + 1) * side).tolist()
    canvas = Image.new("RGB", (wide, high), WHITE)
    for picture, frame, (column, line) in zip(pictures, frames, cells.tolist(), strict=True):
        image = framed(drawn(np.asarray(picture), room, room), frame, FRAME)
        canvas.paste(celled(image, side, side), (column * side, line * side))
    return canvas


def _with_axes(canvas: Image.Image, plane: Plane) -> Image.Image:
    if plane.shares is None:
        return canvas
    first, second = (f"{100 * share:.1f} % of the variance" for share in plane.shares)
    across = words(f"first component: {first}", LABEL, FAINT)
    up = words(f"second component: {second}", LABEL, FAINT).rotate(90, expand=True)
    right = stacked([canvas, celled(across, canvas.width, 1)])
    return abreast([celled(up, up.width, canvas.height), right])


def _legend(colours: dict[str, Colour], counts: Counter[str]) -> Image.Image:
    if not colours:
        several = len(counts) - (NO_LABEL in counts)
        text = f"{several} classes: more than the ten colours that can be told apart, so none"
        return words(text, LABEL, FAINT)
    known = [name for name in (*colours, NO_LABEL) if counts[name]]
    entries = [
        abreast(
            [
                Image.new("RGB", (LABEL, LABEL), colours.get(name, PALE)),
                words(shortened(name, NAME_WIDTH, keep="start"), LABEL),
                words(f"{counts[name]:,}", LABEL, FAINT),
            ],
            align="center",
        )
        for name in known
    ]
    width = max(entry.width for entry in entries) + 2 * GRID
    across = max(1, EXTENT // width)
    even = [celled(entry, width, 1, "left") for entry in entries]
    return stacked(
        [abreast(even[start : start + across], 0) for start in range(0, len(even), across)]
    )


def _facts(count: int, pictures: Sequence[Floats], plane: Plane) -> tuple[str, str]:
    high, wide, channels = pictures[0].shape
    size = f" of {written((channels, high, wide))}" if plane.of == "codes" else ""
    return (
        f"{counted(count, 'picture')}{size}, {plane.of} of "
        f"{counted(plane.code_size, 'number')}, {_how(plane)}",
        "; ".join([f"{len(pictures):,} drawn", *_left(plane)]),
    )


def _how(plane: Plane) -> str:
    if plane.shares is not None:
        return f"two principal components: {100 * sum(plane.shares):.1f} % of their variance"
    return f"t-SNE of perplexity {plane.perplexity:.3g}, seed {plane.seed}"


def _left(plane: Plane) -> list[str]:
    others = plane.codes - plane.missing - len(plane.rows)
    told = [f"{others:,} between them left out"] * bool(others)
    what = "a code" if plane.of == "codes" else plane.of
    return [*told, *[f"{counted(plane.missing, 'picture')} without {what}"] * bool(plane.missing)]


def _caption(plane: Plane) -> str:
    drawn_once = "where several would overlap, one of them is drawn"
    if plane.method == "pca":
        lies = "code lies" if plane.of == "codes" else "features lie"
        return (
            f"Each picture stands where its {lies} in the two directions in which the {plane.of} "
            f"vary most, to half a picture; {drawn_once}. Near pictures that look different "
            f"differ in the other directions; groups and outsiders show what the {plane.of} know."
        )
    return (
        f"Each picture stands beside those with {plane.of} most like its own; {drawn_once}. Groups "
        f"show what the {plane.of} know, while the sizes of groups and the distances between them "
        "mean nothing."
    )
