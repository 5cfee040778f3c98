"""Networks as strips, from picture to answer: what is fixed, what is updated, what a code is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from foveal.drawing.charts import LINE, SIZE, TICK, WIDTH, Chart
from foveal.drawing.svg import Svg, element, joined, path

HIGH = 64.0
LEAST_WIDTH, GAP = 20.0, 4.0
"""Width of a stretch of layers, at least, and between two of them."""
ROW = 1.5 * LINE
CODE_BARS = 4
ENDS = {"even": (0.0, 0.0), "encoder": (0.0, HIGH / 4), "decoder": (HIGH / 4, 0.0)}
"""How far the ends of a stretch keep from the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Layers of a network that stand together."""

    name: str
    layers: int
    fixed: bool
    """Whether training left them as they were."""
    facts: str
    """What is written of them, such as how many parameters they have."""
    form: Literal["even", "encoder", "code", "decoder"] = "even"
    """An encoder leans from left to right, a decoder mirrors it, a code is a row of bars."""


def strip(name: str, title: str, description: str, stretches: Sequence[Stretch]) -> Chart:
    """Draw a network as a strip: fixed layers hatched, updated ones solid.

    Parameters
    ----------
    name : str
        Of the file, and the id on a page: letters and hyphens.
    title, description : str
        What a screen reader says.
    stretches : sequence of Stretch
        From the picture to the answer.
    """
    total = sum(one.layers for one in stretches)
    room = WIDTH - GAP * (len(stretches) - 1) - LEAST_WIDTH * len(stretches)
    content: list[Svg] = [_hatch(name)]
    left = 0.0
    for place, one in enumerate(stretches):
        width = LEAST_WIDTH + room * one.layers / total
        content += [_shape(one, left, width, name), _key(one, HIGH + (place + 1) * ROW, name)]
        left += width + GAP
    return Chart(
        name=name,
        title=title,
        description=description,
        height=HIGH + (len(stretches) + 0.5) * ROW,
        content=joined(*content),
        columns=("stretch", "layers", "training", "facts"),
        rows=tuple(
            (one.name, one.layers, "fixed" if one.fixed else "updated", one.facts)
            for one in stretches
        ),
    )


def _hatch(name: str) -> Svg:
    stroke = element("path", d="M0 0V6", class_="hatch")
    side = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    turned = "rotate(45)"
    pattern = element("pattern", stroke, id=f"{name}-hatch", patternTransform=turned, **side)
    return element("defs", pattern)


def _look(stretch: Stretch, name: str) -> dict[str, str]:
    """Return the attributes by which fixed and updated layers differ."""
    if stretch.fixed:
        return {"class_": "hatched", "fill": f"url(#{name}-hatch)"}
    return {"class_": "solid training"}


def _key(stretch: Stretch, y: float, name: str) -> Svg:
    return joined(
        element("rect", x=0, y=y - SIZE + 1, width=SIZE, height=SIZE, **_look(stretch, name)),
        element("text", stretch.name, x=SIZE + 2 * TICK, y=y, class_="strong"),
        element("text", stretch.facts, x=WIDTH, y=y, text_anchor="end"),
    )


def _shape(stretch: Stretch, left: float, width: float, name: str) -> Svg:
    look = _look(stretch, name)
    if stretch.form == "code":
        step = width / CODE_BARS
        size = {"y": HIGH / 4, "width": step - 2, "height": HIGH / 2}
        return joined(
            *(element("rect", x=left + at * step, **size, **look) for at in range(CODE_BARS))
        )
    before, after = ENDS[stretch.form]
    corners = [
        (left, before),
        (left + width, after),
        (left + width, HIGH - after),
        (left, HIGH - before),
    ]
    return element("path", d=path(corners, closed=True), **look)
