"""Layout: blocks, which are images, stacked or set abreast on a white sheet. Lengths are pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image

from foveal.drawing.colours import FAINT, INK, WHITE
from foveal.drawing.text import BODY as LETTERS
from foveal.drawing.text import HEADING, words

GRID = 8
"""Lengths on a sheet are multiples of it."""
MARGIN = 32
MEASURE = 560
"""Width of running text: about 70 characters."""
MADE = "made of"
"""Under this name a sheet of `page` knows, in its `info`, the `Made` that it is."""
WIDEST = 1536
"""Width that a row of blocks takes at most, before it is broken."""


def stacked(blocks: Sequence[Image.Image], gap: int = GRID) -> Image.Image:
    """Set blocks one below the other, at the left."""
    width = max((block.width for block in blocks), default=1)
    height = sum(block.height for block in blocks) + gap * max(len(blocks) - 1, 0)
    sheet = Image.new("RGB", (width, max(height, 1)), WHITE)
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height + gap
    return sheet


def abreast(
    blocks: Sequence[Image.Image], gap: int = GRID, align: Literal["top", "center"] = "top"
) -> Image.Image:
    """Set blocks one beside the other."""
    height = max((block.height for block in blocks), default=1)
    width = sum(block.width for block in blocks) + gap * max(len(blocks) - 1, 0)
    sheet = Image.new("RGB", (max(width, 1), height), WHITE)
    left = 0
    for block in blocks:
        sheet.paste(block, (left, (height - block.height) // 2 if align == "center" else 0))
        left += block.width + gap
    return sheet


def flowing(
    blocks: Sequence[Image.Image], gap: int = GRID, widest: int = WIDEST, between: int = 2 * GRID
) -> Image.Image:
    """Set blocks abreast, in rows as few as the width allows, in order."""
    rows: list[list[Image.Image]] = []
    room = -1
    for block in blocks:
        if block.width > room:
            rows.append([])
            room = widest
        rows[-1].append(block)
        room -= block.width + gap
    return stacked([abreast(row, gap) for row in rows], between)


def celled(
    image: Image.Image, width: int, height: int, align: Literal["left", "center"] = "center"
) -> Image.Image:
    """Set an image in the middle, or at the left, of a cell of at least this size."""
    cell = Image.new("RGB", (max(width, image.width), max(height, image.height)), WHITE)
    left = (cell.width - image.width) // 2 if align == "center" else 0
    cell.paste(image, (left, (cell.height - image.height) // 2))
    return cell


class Made(NamedTuple):
    """What a sheet is made of."""

    title: str
    facts: tuple[str, ...]
    box: tuple[int, int, int, int]
    """Where its blocks lie: left, top, right, bottom."""


def page(
    title: str, facts: Sequence[str], blocks: Sequence[Image.Image], caption: str
) -> Image.Image:
    """Compose a sheet: title, facts in faint lines, blocks, caption.

    What it is made of is under `MADE` in its `info`, for where words are set around its blocks.
    """
    width = max([MEASURE, *(block.width for block in blocks)])
    head = stacked(
        [words(title, HEADING), *(words(one, LETTERS, FAINT, width) for one in facts)], 0
    )
    whole = stacked([head, *blocks, words(caption, LETTERS, INK, MEASURE)], 3 * GRID)
    sides = (-(-(side + 2 * MARGIN) // GRID) * GRID for side in whole.size)
    sheet = Image.new("RGB", tuple(sides), WHITE)  # type: ignore[arg-type]
    sheet.paste(whole, (MARGIN, MARGIN))
    top = MARGIN + head.height + 3 * GRID
    if blocks:
        wide, high = _extent(blocks, 3 * GRID)
        box = (MARGIN, top, MARGIN + wide, top + high)
        sheet.info[MADE] = Made(title=title, facts=tuple(facts), box=box)
    return sheet


def _extent(blocks: Sequence[Image.Image], gap: int) -> tuple[int, int]:
    """Return width and height of blocks that are stacked."""
    high = sum(block.height for block in blocks) + gap * (len(blocks) - 1)
    return max(block.width for block in blocks), high
