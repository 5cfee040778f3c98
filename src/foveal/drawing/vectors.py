"""Rows of numbers as bars, and as a strip of colours. Lengths are pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.colours import CLASSES, ORANGE, PALE, WHITE
from foveal.drawing.scales import viridis

BLUE = CLASSES[0]
"""Of bars below 0; those above are orange, as weights are."""
LEAST = 2
"""Width of a bar."""


def binned(values: Array, most: int) -> tuple[Array, int]:
    """Keep of numbers in a row the one of each bin that is farthest from 0, so that few are left.

    Returns
    -------
    array, int
        The numbers, at most so many, and how many a bin holds; 1 where nothing is left out.
    """
    each = -(-len(values) // most)
    if each == 1:
        return values, 1
    padded = np.concatenate([values, np.zeros(-len(values) % each, values.dtype)])
    bins = padded.reshape(-1, each)
    return bins[np.arange(len(bins)), np.abs(np.nan_to_num(bins)).argmax(axis=1)], each


def bars(values: Array, width: int, height: int) -> Image.Image:
    """Draw numbers as bars from a line at 0: up and orange above it, down and blue below.

    There must be half as many as the width has pixels, at most (`binned`).
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    most, least = max(float(finite.max()), 0.0), min(float(finite.min()), 0.0)
    extent = (most - least) or 1.0
    pitch = max(LEAST, min(width // len(finite), 32))
    gap = 1 if pitch > LEAST else 0
    sheet = np.full((height, pitch * len(finite), 3), WHITE, np.uint8)
    zero = round((height - 1) * most / extent)
    sheet[zero] = PALE
    for place, value in enumerate(finite.tolist()):
        end = round((height - 1) * (most - value) / extent)
        top, bottom = min(zero, end), max(zero, end)
        across = slice(place * pitch, (place + 1) * pitch - gap)
        sheet[top : bottom + 1, across] = ORANGE if value > 0 else BLUE if value < 0 else PALE
    return Image.fromarray(sheet)


def strip(values: Array, width: int, height: int) -> Image.Image:
    """Draw numbers in a row as a strip in viridis, 0 among its limits, no wider than `width`."""
    shown, _ = binned(values, width)
    low, high = min(float(shown.min()), 0.0), max(float(shown.max()), 0.0)
    colours = viridis(shown, low, high)
    wide = np.repeat(colours, max(1, width // len(shown)), axis=0)
    return Image.fromarray(np.repeat(wide[None], height, axis=0))
