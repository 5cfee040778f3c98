"""Matrices of counts: what was called what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foveal.drawing.charts import LINE, SIZE, TICK, WIDTH, Chart, cut_apart, extent
from foveal.drawing.svg import Svg, element, joined

WIDEST_CELL = 44.0
LONGEST_SIDE, LONGEST_HEAD = 88, 72
"""Room of names, beside rows and above columns."""
FAINTEST = 0.08
"""Opacity of a cell of one picture among many."""
PALE, MIDDLE = 0.6, 0.92
"""Shares up to which a number stands on a pale cell, and on one that is neither pale nor full: each
has the colour that can be read on it, in the light and in the dark."""


def matrix(
    name: str,
    title: str,
    description: str,
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
) -> Chart:
    """Draw how many pictures of each class were called what: rows are true, columns called.

    A cell is the stronger the larger its share of its row.

    Parameters
    ----------
    name : str
        Of the file, and the id on a page: letters and hyphens.
    title, description : str
        What a screen reader says.
    labels : sequence of str
        Names of the k classes.
    counts : sequence of sequences of int
        By true class and class called, (k, k).
    """
    grid = _Grid.of(labels)
    return Chart(
        name=name,
        title=title,
        description=description,
        height=grid.top + grid.cell * len(labels) + 2,
        content=joined(
            element("text", "called", x=grid.left, y=SIZE, class_="faint"),
            *(_named(grid, place) for place in range(len(labels))),
            *(
                _cell(grid, row, column, count, sum(each), labels)
                for row, each in enumerate(counts)
                for column, count in enumerate(each)
            ),
        ),
        columns=("true", "called", "pictures"),
        rows=tuple(
            (labels[row], labels[column], count)
            for row, each in enumerate(counts)
            for column, count in enumerate(each)
            if count
        ),
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the cells stand."""

    left: float
    top: float
    cell: float
    upright: bool
    """Whether the names above the columns must stand on end."""
    beside: list[str]
    above: list[str]
    """Names as there is room for them."""

    @classmethod
    def of(cls, labels: Sequence[str]) -> _Grid:
        beside = cut_apart(labels, LONGEST_SIDE)
        left = max(map(extent, beside), default=0.0) + 2 * TICK
        cell = min((WIDTH - left) / max(len(labels), 1), WIDEST_CELL)
        upright = any(extent(one) > cell - 2 for one in labels)
        above = cut_apart(labels, LONGEST_HEAD) if upright else list(labels)
        head = max(map(extent, above), default=0.0) + 2 * TICK if upright else LINE
        return cls(left, LINE + head, cell, upright, beside, above)


def _named(grid: _Grid, place: int) -> Svg:
    """Name a class beside its row and above its column."""
    middle = (place + 0.5) * grid.cell
    x, y = grid.left - TICK, grid.top + middle
    beside = element("text", grid.beside[place], x=x, y=y, dy="0.32em", text_anchor="end")
    x, y = grid.left + middle, grid.top - TICK
    if not grid.upright:
        return joined(beside, element("text", grid.above[place], x=x, y=y, text_anchor="middle"))
    turned = f"translate({x + TICK:.1f} {y:.1f}) rotate(-90)"
    return joined(beside, element("text", grid.above[place], transform=turned))


def _cell(grid: _Grid, row: int, column: int, count: int, whole: int, labels: Sequence[str]) -> Svg:
    x, y, side = grid.left + column * grid.cell, grid.top + row * grid.cell, grid.cell
    frame = element("rect", x=x, y=y, width=side, height=side, class_="frame")
    if not count:
        return frame
    share = count / whole
    told = f"{labels[row]} called {labels[column]}: {count:,} of {whole:,}"
    within = element(
        "rect",
        x=x + 0.5,
        y=y + 0.5,
        width=side - 1,
        height=side - 1,
        class_="cell",
        opacity=FAINTEST + (1 - FAINTEST) * share,
    )
    number = element(
        "text",
        f"{count:,}",
        x=x + side / 2,
        y=y + side / 2,
        dy="0.32em",
        text_anchor="middle",
        class_="on-pale" if share <= PALE else "on-middle" if share <= MIDDLE else "on-full",
    )
    fits = extent(f"{count:,}") < side - 2
    return element("g", element("title", told), frame, within, number if fits else None)
