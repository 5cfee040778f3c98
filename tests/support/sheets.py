"""Pictures to draw, and what stands on a sheet."""

from __future__ import annotations

import numpy as np
from PIL import Image

from foveal.drawing.colours import INK, Colour
from foveal.drawing.text import LABEL, words
from foveal.model.codec import Reconstructions


def random_pictures(count: int, height: int = 8, width: int = 8, channels: int = 1) -> np.ndarray:
    shape = (count, height, width, channels)
    return np.random.default_rng(count).random(shape, dtype=np.float32)


def batch(count: int, *shape: int, reasons: tuple[str, ...] | None = None) -> Reconstructions:
    pictures = random_pictures(count, *shape)
    return Reconstructions(
        names=[f"p{row}" for row in range(count)],
        originals=pictures,
        reconstructions=pictures[:, ::-1].copy(),
        codes=np.arange(count * 4, dtype=np.float32).reshape(count, 4),
        hashes=np.arange(count),
        reasons=reasons or ("",) * count,
    )


def contains(sheet: Image.Image, block: Image.Image) -> bool:
    """Whether a block stands somewhere on a sheet, pixel for pixel."""
    return find(sheet, block) is not None


def find(sheet: Image.Image, block: Image.Image) -> tuple[int, int] | None:
    """Find a block on a sheet: its left and its top."""
    whole, wanted = np.asarray(sheet), np.asarray(block)
    high, wide = wanted.shape[:2]
    down, across = whole.shape[0] - high + 1, whole.shape[1] - wide + 1
    y, x = np.unravel_index(wanted.sum(axis=2).argmin(), (high, wide))  # paper is white
    there = (whole[y : y + down, x : x + across] == wanted[y, x]).all(axis=2)
    rest = np.argwhere(there)
    for y, x in ((high // 2, wide // 2), (0, 0), (high - 1, wide - 1), (high // 3, wide // 4)):
        rest = rest[(whole[rest[:, 0] + y, rest[:, 1] + x] == wanted[y, x]).all(axis=1)]
    for top, left in rest.tolist():
        if (whole[top : top + high, left : left + wide] == wanted).all():
            return left, top
    return None


def trimmed(block: Image.Image) -> Image.Image:
    """Cut the white around words: what stands there does not depend on it."""
    dark = np.asarray(block).min(axis=2) < 255
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return block.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def says(sheet: Image.Image, text: str, size: int = LABEL, ink: Colour = INK) -> bool:
    """Whether a text stands on a sheet, in this size and colour."""
    return contains(sheet, trimmed(words(text, size, ink)))
