"""Panels of small pictures with captions, legends and colour bars: the pieces of most figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from foveal.drawing.colours import FAINT, INK, Colour
from foveal.drawing.layout import GRID, WIDEST, abreast, celled, stacked
from foveal.drawing.text import LABEL, number, shortened, words
from foveal.drawing.thumbnails import hairlined, over_grey

NAME_WIDTH = 160
"""Width that a name in a legend takes at most."""


def panel(
    images: Sequence[Image.Image],
    captions: Sequence[Sequence[str]],
    *,
    across: int | None = None,
    least: int = 6 * LABEL,
    widest: int = WIDEST,
) -> Image.Image:
    """Lay small pictures out in rows, each with a hairline and its caption beneath.

    Parameters
    ----------
    images : sequence of Image
        The pictures, drawn (`thumbnails.drawn`); all cells are as large as the largest.
    captions : sequence of sequences of str
        Lines beneath each: the first in ink, those after it fainter. What is wider than the cell
        loses its start, since ends tell files apart.
    across : int, optional
        Pictures of a row; as many as fit where left out.
    least : int
        Width of a cell, in pixels, at least.
    widest : int
        Width of the panel, in pixels, at most, where `across` is left out.

    Returns
    -------
    Image
        The panel, on white.
    """
    outlined = [hairlined(image) for image in images]
    width = max(least, *(image.width for image in outlined))
    height = max(image.height for image in outlined)
    cells = [
        stacked([celled(image, width, height), *_captioned(lines, width)], GRID // 2)
        for image, lines in zip(outlined, captions, strict=True)
    ]
    row = across or max(1, (widest + GRID) // (width + GRID))
    rows = [abreast(cells[start : start + row]) for start in range(0, len(cells), row)]
    return stacked(rows, 2 * GRID)


def _captioned(lines: Sequence[str], width: int) -> list[Image.Image]:
    inks = [INK, *[FAINT] * len(lines)]
    return [
        celled(words(shortened(line, width), LABEL, ink), width, 1)
        for line, ink in zip(lines, inks, strict=False)
    ]


def legend(entries: Sequence[tuple[str, Colour, str]], widest: int = WIDEST) -> Image.Image:
    """Lay out what colours mean: a square, a name, and a fainter word, such as a count.

    Parameters
    ----------
    entries : sequence of tuples
        Name, colour and further word of each, in order.
    widest : int
        Width in pixels at which a row is broken.
    """
    blocks = [
        abreast(
            [
                Image.new("RGB", (LABEL, LABEL), colour),
                words(shortened(name, NAME_WIDTH, keep="start"), LABEL),
                words(more, LABEL, FAINT),
            ],
            align="center",
        )
        for name, colour, more in entries
    ]
    width = max(block.width for block in blocks) + 2 * GRID
    across = max(1, widest // width)
    even = [celled(block, width, 1, "left") for block in blocks]
    return stacked(
        [abreast(even[start : start + across], 0) for start in range(0, len(even), across)]
    )


def colour_bar(ramp: Image.Image, low: str, high: str) -> Image.Image:
    """Set a ramp of colours between the words for its ends.

    Parameters
    ----------
    ramp : Image
        From the colour of the least value, at the left, to that of the greatest.
    low, high : str
        What the ends stand for, with their numbers.
    """
    ends = [words(text, LABEL, FAINT) for text in (low, high)]
    return abreast([ends[0], ramp, ends[1]], align="center")


def difference_bar(most: float, unit: str, width: int = 20 * GRID) -> Image.Image:
    """Draw the colour bar of `over_grey` on middle grey, from 0 to the value that is opaque."""
    return strength_bar(f"{unit} 0", f"{number(most)} and more", width=width)


def strength_bar(low: str, high: str, *, least: float = 0.0, width: int = 20 * GRID) -> Image.Image:
    """Draw the colour bar of `over_grey` on middle grey between the words for its ends.

    It begins at a share of `least`, -1 where there are two hues, and ends at 1.
    """
    shares = np.tile(np.linspace(least, 1, width), (2 * GRID, 1))
    return colour_bar(over_grey(np.full((2 * GRID, width, 1), 0.5), shares, 1), low, high)
