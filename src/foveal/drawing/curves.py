"""Curves and points between two axes, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from foveal.drawing.axes import Axis
from foveal.drawing.charts import (
    LINE,
    RIGHT,
    SIZE,
    TICK,
    WIDTH,
    Chart,
    Role,
    cut,
    extent,
    kept_within,
)
from foveal.drawing.svg import Svg, element, joined, path

PLOT = 176
"""Height of the part between the axes."""
LEAST_LEFT = 28
MOST_TICKS = 7
SAMPLE = 20
"""Length of a curve in the legend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values over an axis, with their intervals where they have any."""

    name: str
    role: Role
    x: Sequence[float]
    y: Sequence[float]
    """A value that is not finite leaves a gap."""
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    form: Literal["line", "points", "dots"] = "line"
    """Points bear their intervals as strokes, lines as a band; dots are many, small and faint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place on the x axis that is named."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where values stand between two axes."""

    x: Axis
    y: Axis
    left: float
    top: float

    @property
    def right(self) -> float:
        return float(WIDTH - RIGHT)

    @property
    def bottom(self) -> float:
        return self.top + PLOT

    def across(self, value: float) -> float:
        return self.left + self.x.place(value) * (self.right - self.left)

    def down(self, value: float) -> float:
        return self.bottom - min(max(self.y.place(value), 0.0), 1.0) * PLOT


def curves(
    name: str,
    title: str,
    description: str,
    drawn: Sequence[Curve],
    x: Axis,
    y: Axis,
    marks: Sequence[Mark] = (),
) -> Chart:
    """Draw curves between two axes.

    Parameters
    ----------
    name : str
        Of the file, and the id on a page: letters and hyphens.
    title, description : str
        What a screen reader says.
    drawn : sequence of Curve
        From the bottom to the top.
    x, y : Axis
        The axes.
    marks : sequence of Mark
        Places that are named.
    """
    left = max(LEAST_LEFT, *(extent(y.text(one)) + 2 * TICK for one in y.ticks()))
    keys = _placed_keys(drawn)
    rows = 1 + max((row for _, row, _ in keys), default=-1)
    plot = _Plot(x=x, y=y, left=left, top=LINE * (2.0 + rows + bool(marks)))
    columns = ("curve", x.name, y.name, *["low", "high"] * any(len(one.low) for one in drawn))
    return Chart(
        name=name,
        title=title,
        description=description,
        height=plot.bottom + 2 * LINE + 2 * TICK,
        content=joined(
            element("text", cut(y.name, WIDTH), x=0, y=SIZE, class_="faint"),
            *(_key(one, LINE * (row + 1.75), at) for one, row, at in keys),
            *_axes(plot),
            *(_mark(plot, one) for one in marks),
            *(part for one in drawn for part in _curve(plot, one)),
        ),
        columns=columns,
        rows=tuple(row[: len(columns)] for one in drawn for row in _rows(one)),
    )


def _rows(curve: Curve) -> Iterator[tuple[Any, ...]]:
    nothing = [None] * len(curve.x)
    low, high = curve.low or nothing, curve.high or nothing
    for row in zip(curve.x, curve.y, low, high, strict=True):
        yield curve.name, *row


def _placed_keys(drawn: Sequence[Curve]) -> list[tuple[Curve, int, float]]:
    """Return the row of the legend that each curve is named in, and where in it."""
    keys: list[tuple[Curve, int, float]] = []
    row, left = 0, 0.0
    for one in drawn:
        width = SAMPLE + 2 * TICK + extent(one.name)
        if left and left + width > WIDTH:
            row, left = row + 1, 0.0
        keys.append((one, row, left))
        left += width + SIZE
    return keys


def _key(curve: Curve, y: float, left: float) -> Svg:
    """Draw a sample of a curve, and its name."""
    sample = element("path", d=path([(left, y), (left + SAMPLE, y)]), class_=f"curve {curve.role}")
    if curve.form != "line":
        sample = element("circle", cx=left + SAMPLE / 2, cy=y, r=3.5, class_=f"solid {curve.role}")
    name = element("text", curve.name, x=left + SAMPLE + TICK, y=y, dy="0.32em")
    return joined(sample, name)


def _axes(plot: _Plot) -> Iterator[Svg]:
    for value in plot.y.ticks():
        y = plot.down(value)
        yield element("path", d=path([(plot.left, y), (plot.right, y)]), class_="grid")
        yield _faint(plot.y.text(value), plot.left - TICK, y, "end", dy="0.32em")
    corners = [(plot.left, plot.bottom), (plot.right, plot.bottom)]
    yield element("path", d=path(corners), class_="axis")
    for value in _along(plot):
        x, text = plot.across(value), plot.x.text(value)
        yield _faint(text, kept_within(x, text), plot.bottom + LINE + 2, "middle")
    yield _faint(plot.x.name, plot.right, plot.bottom + 2 * LINE + 2, "end")


def _along(plot: _Plot) -> list[float]:
    """Return as many values along the lower axis as can be read beside one another."""
    for most in range(MOST_TICKS, 2, -1):
        found = plot.x.ticks(most)
        halves = [extent(plot.x.text(one)) / 2 for one in found]
        ends = [(plot.across(one) - half, half) for one, half in zip(found, halves, strict=True)]
        if all(left + 2 * half + SIZE <= after for (left, half), (after, _) in pairwise(ends)):
            return found
    return plot.x.ticks(2)


def _faint(text: str, x: float, y: float, anchor: str, dy: str | None = None) -> Svg:
    return element("text", text, x=x, y=y, dy=dy, text_anchor=anchor, class_="faint")


def _mark(plot: _Plot, mark: Mark) -> Svg:
    x = plot.across(mark.x)
    side = "end" if x > (plot.left + plot.right) / 2 else "start"
    reach = [(x, plot.top - TICK), (x, plot.bottom)]
    return joined(
        element("path", d=path(reach), class_="axis dashed"),
        _faint(mark.text, x, plot.top - 2 * TICK, side),
    )


def _curve(plot: _Plot, curve: Curve) -> Iterator[Svg]:
    points = [
        (plot.across(x), plot.down(y)) if math.isfinite(x) and math.isfinite(y) else None
        for x, y in zip(curve.x, curve.y, strict=True)
    ]
    if curve.form != "line":
        yield from _points(plot, curve, points)
        return
    if curve.low:
        yield _band(plot, curve)
    for run in _runs(points):
        if len(run) == 1:
            ((x, y),) = run
            yield element("circle", cx=x, cy=y, r=3, class_=f"solid {curve.role}")
        else:
            yield element("path", d=path(run), class_=f"curve {curve.role}")


def _points(
    plot: _Plot, curve: Curve, points: Sequence[tuple[float, float] | None]
) -> Iterator[Svg]:
    ends = zip(curve.low or curve.y, curve.high or curve.y, strict=True)
    for point, (low, high) in zip(points, ends, strict=True):
        if point is None:
            continue
        x, y = point
        reach = [(x, plot.down(low)), (x, plot.down(high))]
        many = curve.form == "dots"
        if curve.low:
            yield element("path", d=path(reach), class_=f"{'faint-' * many}reach {curve.role}")
        yield element("circle", cx=x, cy=y, r=2 if many else 3.5, class_=f"solid {curve.role}")


def _band(plot: _Plot, curve: Curve) -> Svg:
    known = [
        (plot.across(x), plot.down(low), plot.down(high))
        for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)
        if math.isfinite(low) and math.isfinite(high)
    ]
    there = [(x, high) for x, _, high in known]
    back = [(x, low) for x, low, _ in reversed(known)]
    return element("path", d=path(there + back, closed=True), class_=f"solid band {curve.role}")


def _runs(
    points: Sequence[tuple[float, float] | None],
) -> Iterator[list[tuple[float, float]]]:
    """Yield the stretches between gaps."""
    run: list[tuple[float, float]] = []
    for point in (*points, None):
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []
