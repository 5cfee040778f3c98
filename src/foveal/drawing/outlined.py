"""A part of a picture outlined, the rest dimmed, with a glow inside. Lengths are pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from foveal.arrays import Array
from foveal.drawing.colours import ORANGE
from foveal.drawing.thumbnails import drawn

Box = tuple[int, int, int, int]
"""Top, bottom, left and right in the picture's own pixels: first and one past the last."""

DIMMED = 0.35
"""Share of its brightness that is left to what lies outside."""
OUTLINE = 2
GLOW = 0.65
"""Opacity of the glow where it is strongest."""
SOFT = 100
"""How many times softer the picture is than its glow."""


def outlined(
    picture_hwc: Array,
    box: Box,
    side: int,
    shares_hw: Array | None = None,
    dimmed: float = DIMMED,
) -> Image.Image:
    """Draw a picture with an outline around a part of it, and the rest dimmed.

    Parameters
    ----------
    picture_hwc : array
        The picture, black = 0 and white = 1.
    box : Box
        The part; empty where top and bottom, or left and right, are equal.
    side : int
        Smaller pictures are enlarged as long as they stay within it, larger ones reduced.
    shares_hw : array, optional
        What glows, from 0 on: the strongest the most.
    dimmed : float
        Share of its brightness that is left to what lies outside.
    """
    image = drawn(picture_hwc, side, side)
    high, wide = picture_hwc.shape[:2]
    top, bottom = (round(line * image.height / high) for line in box[:2])
    left, right = (round(line * image.width / wide) for line in box[2:])
    inside = np.zeros((image.height, image.width), bool)
    inside[top:bottom, left:right] = True
    values = np.asarray(image, np.float64) * np.where(inside, 1.0, dimmed)[..., None]
    if shares_hw is not None:
        opacity = _glow(shares_hw, image.size)[..., None] * inside[..., None]
        values = (1 - opacity) * values + opacity * np.array(ORANGE)
    found = Image.fromarray(np.rint(values).astype(np.uint8))
    if inside.any():
        around = (left - OUTLINE, top - OUTLINE, right + OUTLINE - 1, bottom + OUTLINE - 1)
        _outline(found, around)
    return found


def _outline(image: Image.Image, around: Box) -> None:
    """Draw a line around a part, in place; where that ends with the picture, within it."""
    left, top = max(around[0], 0), max(around[1], 0)
    right, bottom = min(around[2], image.width - 1), min(around[3], image.height - 1)
    ImageDraw.Draw(image).rectangle((left, top, right, bottom), outline=ORANGE, width=OUTLINE)


def _glow(shares_hw: Array, size: tuple[int, int]) -> Array:
    """Return opacities, softened and in the size of an image; (h, w)."""
    levels = Image.fromarray(shares_hw.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    soft = np.asarray(gaussian_filter(np.asarray(levels), max(size) / SOFT))
    greatest = float(np.quantile(soft, 0.999))
    found: Array = GLOW * np.sqrt(np.clip(soft / (greatest or 1.0), 0, 1))
    return found
