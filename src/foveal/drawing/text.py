"""Text on figures: measured, shortened, broken into lines, and set. Lengths are pixels."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from foveal.drawing.colours import INK, WHITE, Colour

Side = Literal["start", "end"]

HEADING, BODY, LABEL = 24, 16, 14
"""Sizes of text."""
FINER = 4
"""Text is drawn so many times as large, then reduced: Pillow rounds each letter's place."""
PLAIN = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),  # hyphens, dashes, minus
    **dict.fromkeys("\u201e\u00ab\u00bb", '"'),
    **{
        "\u00df": "ss",
        "\u1e9e": "SS",
        "\u00e6": "ae",
        "\u00c6": "AE",
        "\u0153": "oe",
        "\u0152": "OE",
    },
    **{"\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0141": "L", "\u0111": "d", "\u0110": "D"},
    **{"\u00b5": "u", "\u03bc": "u", "\u00d7": "x", "\u2192": "->", "\u201a": "'", "\u20ac": "EUR"},
}
"""What stands for letters and marks that do not come apart into any that the font has."""
EVEN = 8
"""Lines of a text are made even in steps of so much."""


def number(value: float) -> str:
    """Write a number with three significant digits.

    >>> number(0.012), number(1.5), number(123.4), number(12345), number(float("nan"))
    ('0.0120', '1.50', '123', '12,345', '-')
    """
    if not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font, `FINER` times as large, set alike on every machine."""
    found = ImageFont.load_default(FINER * size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found.font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=8192)
def length(text: str, size: int) -> float:
    """Measure a text of one line, in pixels."""
    return font(size).getlength(text) / FINER


@lru_cache(maxsize=4096)
def _has_letter(letter: str) -> bool:
    drawn, absent = (bytes(font(BODY).getmask(one)) for one in (letter, "\uffff"))
    return letter.isprintable() and drawn != absent


def writable(text: str) -> str:
    r"""Keep what the font has: accents are dropped, other letters become question marks.

    >>> writable("caf\u00e9 \u732b.png"), writable("Gr\u00f6\u00dfe 36\u201342")
    ('cafe ?.png', 'Grosse 36-42')
    """
    letters: list[str] = []
    for letter in text.encode("utf-8", "replace").decode():
        plain = PLAIN.get(letter) or unicodedata.normalize("NFKD", letter)
        kept = "".join(one for one in plain if not unicodedata.combining(one))
        letters += [one if _has_letter(one) else "?" for one in kept]
    return "".join(letters)


def shortened(text: str, width: int, size: int = LABEL, keep: Side = "end") -> str:
    """Cut a text to a width in pixels, keeping its start or its end (which tells files apart)."""
    longest = 4 * width // size + 1  # letters are wider than a quarter of their height
    whole = writable(text[-longest:] if keep == "end" else text[:longest])
    if len(text) <= longest and length(whole, size) <= width:
        return whole
    for count in range(len(whole), 0, -1):
        cut = "..." + whole[-count:] if keep == "end" else whole[:count] + "..."
        if length(cut, size) <= width:
            return cut
    return ""


def words(text: str, size: int = BODY, ink: Colour = INK, width: int | None = None) -> Image.Image:
    """Set a text as a block, 1.5 times as high as its letters; in lines where a width is given."""
    lines = _lines(writable(text), size, width) if width else [writable(text)]
    mask = _set(tuple(lines), size)
    block = Image.new("RGB", mask.size, WHITE)
    block.paste(ink, (0, 0), mask)
    return block


@lru_cache(maxsize=512)
def _set(lines: tuple[str, ...], size: int) -> Image.Image:
    """Set lines as a mask, which nobody may change: figures say the same words again and again."""
    step = round(1.5 * size)
    extent = int(np.ceil(max(length(line, size) for line in lines))) or 1
    mask = Image.new("L", (FINER * extent, FINER * step * len(lines)), 0)
    pen = ImageDraw.Draw(mask)
    for row, line in enumerate(lines):
        top = FINER * (row * step + (step - size) // 2)
        pen.text((0, top), line, 255, font(size), anchor="la")
    return mask.reduce(FINER)


def _lines(text: str, size: int, width: int) -> list[str]:
    """Break a text into as few lines as the width allows, and these as even as they can be."""
    fewest = _broken(text, size, width)
    if len(fewest) == 1:
        return fewest
    while (narrower := _broken(text, size, width - EVEN)) and len(narrower) == len(fewest):
        width -= EVEN
        fewest = narrower
        if width <= EVEN:
            break
    return fewest


def _broken(text: str, size: int, width: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and length(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
