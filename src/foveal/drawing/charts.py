"""Charts as SVG, from values alone: what all of them share.

A chart is drawn for a column as narrow as a telephone's, and stands larger on wider pages. Colours
are classes of CSS that a page gives light or dark; a chart saved alone has the light ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from foveal.drawing.svg import Svg, element, joined
from foveal.drawing.text import length
from foveal.visible import visible

Role = Literal["training", "validation", "test", "baseline", "ideal"]
"""What a mark stands for: it has one colour in all charts."""

WIDTH = 360
SIZE, LINE = 12, 16
"""Size of letters and of lines of text."""
ROOMY = 1.7
"""How many times as wide as Pillow's the widest usual font of a page is (DejaVu Sans)."""
RIGHT, TICK = 12, 4
"""Room at the right of axes, and between a mark and its text."""
STYLE = files("foveal.drawing").joinpath("charts.css").read_text(encoding="utf-8")
"""How all charts look; a page has it once, a chart that is saved alone in itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, and the numbers that are in it."""

    name: str
    """What it is called as a file, and as an id on a page."""
    title: str
    description: str
    """What it shows, for whoever cannot see it."""
    height: float
    content: Svg
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    """The numbers, under `columns`."""

    @property
    def svg(self) -> Svg:
        """The element for a page, which has `STYLE`."""
        return self._element(Svg(""))

    @property
    def alone(self) -> str:
        """A file that stands alone."""
        ground = element("rect", width="100%", height="100%", fill="#ffffff")
        return self._element(joined(element("style", Svg(STYLE)), ground))

    def _element(self, before: Svg) -> Svg:
        ids = f"{self.name}-title", f"{self.name}-description"
        return element(
            "svg",
            element("title", self.title, id=ids[0]),
            element("desc", self.description, id=ids[1]),
            before,
            self.content,
            xmlns="http://www.w3.org/2000/svg",
            class_="chart",
            role="img",
            aria_labelledby=" ".join(ids),
            viewBox=f"0 0 {WIDTH} {self.height:.0f}",
            width=WIDTH,
        )


# Text ------------------------------------------------------------------------------------


def extent(text: str) -> float:
    """Measure the room of a text in a chart: a page sets it in a font of its own."""
    return ROOMY * length(visible(text), SIZE)


def cut(text: str, width: float) -> str:
    """Cut a text to a width, keeping its start; the numbers of a chart have it whole."""
    whole = visible(text)
    if extent(whole) <= width:
        return whole
    while whole and extent(f"{whole}...") > width:
        whole = whole[:-1]
    return f"{whole}..."


def cut_apart(texts: Sequence[str], width: float) -> list[str]:
    """Cut texts to a width as `cut` does; those that would read alike keep their ends too."""
    shown = [cut(one, width) for one in texts]
    often = Counter(shown)
    return [
        one if often[one] == 1 else _cut_within(text, width)
        for text, one in zip(texts, shown, strict=True)
    ]


def _cut_within(text: str, width: float) -> str:
    whole = visible(text)
    shown, kept = whole, len(whole)
    while kept > 2 and extent(shown) > width:
        kept -= 1
        shown = f"{whole[: (kept + 1) // 2]}...{whole[-(kept // 2) :]}"
    return shown


def kept_within(x: float, text: str) -> float:
    """Return where the middle of a text stands, as near to x as the chart has room for it."""
    half = extent(text) / 2
    return max(min(x, WIDTH - half), half)
