"""What a report is made of: sections of blocks. Values alone; the template draws them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from PIL import Image

from foveal.drawing.charts import Chart
from foveal.drawing.figure import Figure
from foveal.pages.shell import data_uri
from foveal.wording import counted

MOST_ROWS = 200
"""Rows of the numbers behind a chart that a page shows; its CSV has all of them."""
MOST_SHEET_BYTES = 700_000
"""Bytes of a sheet on a page: a larger one is written with loss."""
EFFORT = 20
"""Of encoding without loss, 0 to 100: half the seconds of 75 for a tenth more bytes."""
MOST_SIDE = 2048
"""Longer side of a sheet on a page, in pixels: what lies beyond is cut off, and said so."""
MOST_NUMBERS_BYTES = 200_000
"""Bytes of the numbers of a figure that a page carries; of more it says where they are."""


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    kind: ClassVar[str] = "words"
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names, each with what is known under it."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Sentences, one beneath the other."""

    kind: ClassVar[str] = "listing"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be typed, in letters of one width."""

    kind: ClassVar[str] = "code"
    text: str
    folded: str = ""
    """What is written where the text opens; it lies open where this is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is read."""

    kind: ClassVar[str] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    """Columns that are set at the right."""
    beneath: str = ""
    """Name of the last cell of each row, which stands under the others; none does where empty."""
    caption: str = ""
    folded: str = ""
    """What is written where the table opens; it lies open where this is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart with its caption, each of which can be saved alone."""

    chart: Chart
    caption: str

    @property
    def file(self) -> str:
        """The chart as an address that holds it."""
        return data_uri(self.chart.alone.encode(), "image/svg+xml")

    @property
    def numbers(self) -> str:
        """Its numbers as CSV, as an address that holds them."""
        return data_uri(as_csv(self.chart.columns, self.chart.rows), "text/csv")

    @property
    def shown(self) -> list[list[str]]:
        """The first rows of its numbers, as they are read."""
        return [[_read(cell) for cell in row] for row in self.chart.rows[:MOST_ROWS]]

    @property
    def more(self) -> str:
        """Say how many rows are not shown."""
        left = len(self.chart.rows) - MOST_ROWS
        return f"{counted(left, 'row')} more in the CSV file" if left > 0 else ""


@dataclass(frozen=True, slots=True)
class Plots:
    """Charts that stand abreast where there is room."""

    kind: ClassVar[str] = "plots"
    plots: tuple[Plot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A figure of pictures, at its own size."""

    kind: ClassVar[str] = "sheet"
    name: str
    title: str
    facts: tuple[str, ...]
    image: str
    """An address that holds it."""
    width: int
    height: int
    caption: str
    numbers: str
    """An address that holds its numbers; empty where these are too many for a page."""
    note: str = ""

    @classmethod
    def of(cls, name: str, figure: Figure[Any], *, captioned: bool = True) -> Sheet:
        """Embed a figure: pixel for pixel, without loss where that is small enough.

        Its caption may be left out where the next one says the same.
        """
        image, note = _bounded(figure.body)
        numbers = as_csv(figure.columns, figure.rows)
        return cls(
            name=name,
            title=figure.made.title,
            facts=figure.made.facts,
            image=data_uri(_encoded(image), "image/webp"),
            width=image.width,
            height=image.height,
            caption=figure.caption if captioned else "",
            numbers=data_uri(numbers, "text/csv") if len(numbers) < MOST_NUMBERS_BYTES else "",
            note=note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A small picture with what is said of it."""

    image: str
    """An address that holds it; empty where the picture cannot be read."""
    width: int
    height: int
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """A row of small pictures."""

    kind: ClassVar[str] = "tiles"
    title: str
    caption: str
    tiles: tuple[Tile, ...]


Block = Words | Facts | Listing | Code | Table | Plots | Sheet | Tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report."""

    id: str
    title: str
    blocks: tuple[Block, ...]


def section(id: str, title: str, blocks: Sequence[Block | None]) -> Section:
    """Make a section of what there is to say."""
    return Section(id=id, title=title, blocks=tuple(one for one in blocks if one is not None))


def tile(image: Image.Image, name: str, lines: Sequence[str]) -> Tile:
    """Embed a small picture."""
    return Tile(
        image=data_uri(_small(image), "image/webp"),
        width=image.width,
        height=image.height,
        name=name,
        lines=tuple(lines),
    )


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Write numbers as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([columns, *rows])
    return text.getvalue().encode("utf-8", "surrogateescape")


def _read(cell: Any) -> str:
    if cell is None or cell != cell:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _bounded(image: Image.Image) -> tuple[Image.Image, str]:
    """Cut off what a page has no room for."""
    if max(image.size) <= MOST_SIDE:
        return image, ""
    kept = min(image.width, MOST_SIDE), min(image.height, MOST_SIDE)
    note = f"The first {kept[0]}x{kept[1]} of {image.width}x{image.height} pixels"
    return image.crop((0, 0, *kept)), f"{note}; 'foveal look' draws all of it"


def _encoded(image: Image.Image) -> bytes:
    found = _saved(image, lossless=True, method=1, quality=EFFORT)
    return found if len(found) <= MOST_SHEET_BYTES else _saved(image, quality=80, method=2)


def _small(image: Image.Image) -> bytes:
    """Encode a picture, the smaller ones without loss."""
    lossless = image.width * image.height <= 64 * 64
    return _saved(image, lossless=True) if lossless else _saved(image, quality=85)


def _saved(image: Image.Image, **how: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, "WEBP", **how)
    return content.getvalue()
