"""Sheets: white ground, dark text, pictures enlarged without blur, and their numbers beside.

A sheet is made of blocks: images that are stacked, or set abreast. Lengths are pixels, on a grid
of 8. Pictures are (h, w, c), black = 0 and white = 1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from foveal.pictures.adaptation import LUMA

Floats = np.ndarray[Any, np.dtype[Any]]
Colour = tuple[int, int, int]
Side = Literal["start", "end"]

GRID = 8
MARGIN = 32
WHITE: Colour = (255, 255, 255)
INK: Colour = (32, 33, 36)
FAINT: Colour = (95, 99, 104)
"""Text of less weight; contrast on white 6.0, where WCAG AA asks for 4.5."""
PALE: Colour = (218, 220, 224)
"""Frames that mean nothing."""
ORANGE: Colour = (230, 97, 0)
"""The one hue of differences."""
HEADING, BODY, LABEL = 24, 16, 14
"""Sizes of text."""
FINER = 4
"""Text is drawn so many times as large, then reduced: Pillow rounds each letter's place."""
MEASURE = 560
"""Width of running text: about 70 characters."""
WIDEST = 1536
"""Width that a row of pictures takes at most, before it is broken."""
DARKEST, LIGHTEST = 0.3, 0.9
"""What black and white become under an overlay, so that its hue shows on both."""
SMALL, LARGE = 128, 256
"""Pictures are enlarged as long as they stay within the first, and reduced beyond the second."""
COLOURS: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
    (0, 0, 0),
    (136, 34, 85),
    (153, 153, 153),
)
"""Colours of classes: the eight of Okabe and Ito (2008), then Tol's wine, then grey."""


# Words ---------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Write a number with three significant digits.

    >>> number(0.012), number(1.5), number(123.4), number(12345), number(float("nan"))
    ('0.0120', '1.50', '123', '12,345', '-')
    """
    if not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


def counted(count: int, noun: str) -> str:
    """Write how many there are.

    >>> counted(1, "picture"), counted(1797, "picture")
    ('1 picture', '1,797 pictures')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font, `FINER` times as large, set alike on every machine."""
    found = ImageFont.load_default(FINER * size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found.font_variant(layout_engine=ImageFont.Layout.BASIC)


def length(text: str, size: int) -> float:
    """Measure a text of one line, in pixels."""
    return font(size).getlength(text) / FINER


@lru_cache(maxsize=4096)
def _has_letter(letter: str) -> bool:
    drawn, absent = (bytes(font(BODY).getmask(one)) for one in (letter, "\uffff"))
    return letter.isprintable() and drawn != absent


def writable(text: str) -> str:
    r"""Keep what the font has: accents are dropped, other letters become question marks.

    >>> writable("caf\u00e9 \u732b.png")
    'cafe ?.png'
    """
    letters: list[str] = []
    for letter in text.encode("utf-8", "replace").decode():
        plain = unicodedata.normalize("NFKD", letter)
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
    step = round(1.5 * size)
    extent = int(np.ceil(max(length(line, size) for line in lines))) or 1
    mask = Image.new("L", (FINER * extent, FINER * step * len(lines)), 0)
    pen = ImageDraw.Draw(mask)
    for row, line in enumerate(lines):
        top = FINER * (row * step + (step - size) // 2)
        pen.text((0, top), line, 255, font(size), anchor="la")
    block = Image.new("RGB", (extent, step * len(lines)), WHITE)
    block.paste(ink, (0, 0), mask.reduce(FINER))
    return block


def _lines(text: str, size: int, width: int) -> list[str]:
    """Break a text into as few lines as the width allows, and these as even as they can be."""
    fewest = _broken(text, size, width)
    while (narrower := _broken(text, size, width - GRID)) and len(narrower) == len(fewest):
        width -= GRID
        fewest = narrower
        if width <= GRID:
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


# Pictures ------------------------------------------------------------------------------------


def drawn(picture_hwc: Floats, side: int = SMALL, most: int = LARGE) -> Image.Image:
    """Draw a picture in the size of `sized`.

    Three channels are red, green and blue; of any other number the mean is drawn in grey.
    """
    values = picture_hwc if picture_hwc.shape[2] == 3 else picture_hwc.mean(axis=2)
    return sized(Image.fromarray(_levels(values)).convert("RGB"), side, most)


def _levels(values: Floats) -> np.ndarray[Any, np.dtype[np.uint8]]:
    found: np.ndarray[Any, np.dtype[np.uint8]]
    found = np.rint(255 * np.clip(np.nan_to_num(values), 0, 1)).astype(np.uint8)
    return found


def sized(image: Image.Image, side: int, most: int = LARGE) -> Image.Image:
    """Enlarge an image by a whole factor, without blur, as long as it stays within `side`.

    One with a side of more than `most` is reduced by a whole factor.
    """
    longest = max(image.size)
    factor = max(1, side // longest)
    if factor > 1:
        large = (image.width * factor, image.height * factor)
        return image.resize(large, Image.Resampling.NEAREST)
    return image.reduce(-(-longest // most)) if longest > most else image


def over_grey(picture_hwc: Floats, shares_hw: Floats, side: int = SMALL) -> Image.Image:
    """Draw shares of 0 to 1 over a picture in soft grey: one hue, the larger the more opaque."""
    planes = picture_hwc @ np.array(LUMA) if picture_hwc.shape[2] == 3 else picture_hwc.mean(axis=2)
    soft = DARKEST + (LIGHTEST - DARKEST) * np.clip(np.nan_to_num(planes), 0, 1)
    grey = np.repeat(255 * soft[..., None], 3, axis=2)
    opacity = np.clip(np.nan_to_num(shares_hw), 0, 1)[..., None]
    mixed = (1 - opacity) * grey + opacity * np.array(ORANGE)
    return sized(Image.fromarray(np.rint(mixed).astype(np.uint8)), side)


def scale(most: float, unit: str, width: int = 20 * GRID) -> Image.Image:
    """Draw the scale of `over_grey` on middle grey, from 0 to the value that is opaque."""
    shares = np.tile(np.linspace(0, 1, width), (2 * GRID, 1))
    ramp = over_grey(np.full((2 * GRID, width, 1), 0.5), shares, 1)
    middle = [words(text, LABEL, FAINT) for text in (f"{unit} 0", f"{number(most)} and more")]
    return abreast([middle[0], ramp, middle[1]], align="center")


def framed(image: Image.Image, colour: Colour, thickness: int = 2) -> Image.Image:
    """Set a frame around an image."""
    sides = (image.width + 2 * thickness, image.height + 2 * thickness)
    found = Image.new("RGB", sides, colour)
    found.paste(image, (thickness, thickness))
    return found


# Layout --------------------------------------------------------------------------------------


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


def celled(
    image: Image.Image, width: int, height: int, align: Literal["left", "center"] = "center"
) -> Image.Image:
    """Set an image in the middle, or at the left, of a cell of at least this size."""
    cell = Image.new("RGB", (max(width, image.width), max(height, image.height)), WHITE)
    left = (cell.width - image.width) // 2 if align == "center" else 0
    cell.paste(image, (left, (cell.height - image.height) // 2))
    return cell


def page(
    title: str, facts: Sequence[str], blocks: Sequence[Image.Image], caption: str
) -> Image.Image:
    """Compose a sheet: title, facts in faint lines, blocks, caption."""
    width = max([MEASURE, *(block.width for block in blocks)])
    head = stacked([words(title, HEADING), *(words(one, BODY, FAINT, width) for one in facts)], 0)
    body = stacked([head, *blocks, words(caption, BODY, INK, MEASURE)], 3 * GRID)
    sides = (-(-(side + 2 * MARGIN) // GRID) * GRID for side in body.size)
    sheet = Image.new("RGB", tuple(sides), WHITE)  # type: ignore[arg-type]
    sheet.paste(body, (MARGIN, MARGIN))
    return sheet
