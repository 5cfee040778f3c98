"""Small pictures: enlarged without blur, framed, and overlaid with what differs.

Pictures are (h, w, c), black = 0 and white = 1. Lengths are pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from foveal.arrays import Array
from foveal.drawing.colours import BLUE, ORANGE, PALE, WHITE, Colour
from foveal.recipe import LUMA

DARKEST, LIGHTEST = 0.3, 0.9
"""What black and white become under an overlay, so that its hue shows on both."""
SMALL, LARGE = 128, 256
"""Pictures are enlarged as long as they stay within the first, and reduced beyond the second."""
HAIRLINE = 1
"""Thickness of the line around a picture whose edge may be as white as the sheet."""


def drawn(picture_hwc: Array, side: int = SMALL, most: int = LARGE) -> Image.Image:
    """Draw a picture in the size of `sized`.

    Three channels are red, green and blue; of any other number the mean is drawn in grey.
    """
    values = picture_hwc if picture_hwc.shape[2] == 3 else picture_hwc.mean(axis=2)
    return sized(Image.fromarray(_levels(values)).convert("RGB"), side, most)


def _levels(values: Array) -> np.ndarray[Any, np.dtype[np.uint8]]:
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


def over_grey(
    picture_hwc: Array, shares_hw: Array, side: int = SMALL, most: int = LARGE
) -> Image.Image:
    """Draw shares of -1 to 1 over a picture in soft grey, the farther from 0 the more opaque.

    Orange is above 0, blue below.
    """
    planes = picture_hwc @ np.array(LUMA) if picture_hwc.shape[2] == 3 else picture_hwc.mean(axis=2)
    soft = DARKEST + (LIGHTEST - DARKEST) * np.clip(np.nan_to_num(planes), 0, 1)
    grey = np.repeat(255 * soft[..., None], 3, axis=2)
    shares = np.clip(np.nan_to_num(shares_hw), -1, 1)[..., None]
    opacity, hue = np.abs(shares), np.where(shares < 0, BLUE, ORANGE)
    mixed = (1 - opacity) * grey + opacity * hue
    return sized(Image.fromarray(np.rint(mixed).astype(np.uint8)), side, most)


def framed(image: Image.Image, colour: Colour, thickness: int = 2) -> Image.Image:
    """Set a frame around an image."""
    sides = (image.width + 2 * thickness, image.height + 2 * thickness)
    found = Image.new("RGB", sides, colour)
    found.paste(image, (thickness, thickness))
    return found


def marked(image: Image.Image, down: float, across: float, reach: int = 5) -> Image.Image:
    """Return an image with an orange square around a place, by its shares of height and width."""
    found = image.copy()
    y, x = round(down * image.height), round(across * image.width)
    pen = ImageDraw.Draw(found)
    pen.rectangle((x - reach - 1, y - reach - 1, x + reach + 1, y + reach + 1), outline=WHITE)
    pen.rectangle((x - reach, y - reach, x + reach, y + reach), outline=ORANGE, width=2)
    return found


def hairlined(image: Image.Image) -> Image.Image:
    """Set a hairline around an image, which shows where a white one ends."""
    return framed(image, PALE, HAIRLINE)


def fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size, width and height, of a thumbnail whose longer side comes nearest to `side`.

    Smaller pictures are enlarged by a whole factor, larger ones are reduced to `side`.

    Examples
    --------
    >>> fitted(8, 8, 64), fitted(28, 28, 64), fitted(256, 320, 64)
    ((64, 64), (56, 56), (64, 51))
    """
    longest = max(height, width)
    scale = side / longest if longest > side else max(1, round(side / longest))
    return max(1, round(scale * width)), max(1, round(scale * height))


def thumbnail(picture_hwc: Array, size: tuple[int, int]) -> Image.Image:
    """Draw a picture in a size of `fitted`: enlarged without blur, or reduced smoothly."""
    return resized(drawn(picture_hwc, 1, max(picture_hwc.shape)), size)


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Bring an image to a size of `fitted`: enlarged without blur, or reduced smoothly."""
    if image.size == size:
        return image
    larger = size[0] >= image.width and size[1] >= image.height
    return image.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.BOX)
