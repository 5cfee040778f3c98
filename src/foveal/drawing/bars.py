"""Values as bars with their intervals, one beneath the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
    kept_within,
)
from foveal.drawing.svg import Svg, element, joined, path

BOLD = 1.1
"""How many times as wide bold letters are."""
STEP = 3.5 * LINE
"""Height of a bar with its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One value with its interval."""

    name: str
    role: Role
    value: float
    low: float
    high: float
    text: str
    """The value as it is written beside."""


def bars(name: str, title: str, description: str, drawn: Sequence[Bar], axis: Axis) -> Chart:
    """Draw values as bars with their intervals, each under its name.

    Parameters
    ----------
    name : str
        Of the file, and the id on a page: letters and hyphens.
    title, description : str
        What a screen reader says.
    drawn : sequence of Bar
        From the top to the bottom.
    axis : Axis
        What the bars are measured by.
    """
    bottom = STEP * len(drawn)

    def across(value: float) -> float:
        return min(max(axis.place(value), 0.0), 1.0) * (WIDTH - RIGHT)

    return Chart(
        name=name,
        title=title,
        description=description,
        height=bottom + 2 * LINE + TICK,
        content=joined(
            *(_tick(across(value), axis.text(value), bottom) for value in axis.ticks()),
            *(_bar(one, place * STEP, across) for place, one in enumerate(drawn)),
            element(
                "text",
                axis.name,
                x=WIDTH - RIGHT,
                y=bottom + 2 * LINE,
                text_anchor="end",
                class_="faint",
            ),
        ),
        columns=("name", axis.name, "low", "high"),
        rows=tuple((one.name, one.value, one.low, one.high) for one in drawn),
    )


def _tick(x: float, text: str, bottom: float) -> Svg:
    middle, y = kept_within(x, text), bottom + LINE
    return joined(
        element("path", d=path([(x, 0.0), (x, bottom)]), class_="grid"),
        element("text", text, x=middle, y=y, text_anchor="middle", class_="faint"),
    )


def _bar(bar: Bar, top: float, across: Callable[[float], float]) -> Svg:
    name = element("text", cut(bar.name, WIDTH / BOLD), x=0, y=top + SIZE, class_="strong")
    text = element("text", bar.text, x=0, y=top + SIZE + LINE)
    return joined(name, text, *_drawn(bar, top + 2.5 * LINE, across))


def _drawn(bar: Bar, middle: float, across: Callable[[float], float]) -> Iterator[Svg]:
    if not math.isfinite(bar.value):
        return
    width, look = max(across(bar.value), 1.0), f"solid band {bar.role}"
    yield element("rect", x=0, y=middle - 5, width=width, height=10, class_=look)
    reach = [(across(bar.low), middle), (across(bar.high), middle)]
    yield element("path", d=path(reach), class_=f"reach {bar.role}")
    yield element("circle", cx=across(bar.value), cy=middle, r=4, class_=f"solid {bar.role}")
