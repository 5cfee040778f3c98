"""Scales: from numbers to the colours that stand for them, alike in all figures.

Results are (..., 3), uint8: red, green and blue.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from foveal.drawing.colours import FAINT, Colour

Values = np.ndarray[Any, np.dtype[Any]]
Levels = np.ndarray[Any, np.dtype[np.uint8]]

SIGNED: tuple[Colour, ...] = (
    (30, 104, 190),
    (140, 182, 226),
    (247, 247, 245),
    (243, 164, 105),
    (201, 80, 0),
)
"""Blue, near white, orange, in even steps: told apart with any kind of colour blindness, and as
dark at one end roughly as at the other (CIE L* 44 and 50 beside 97)."""


def diverging(values: Values, most: float) -> Levels:
    """Return the colours of signed numbers, such as weights.

    Parameters
    ----------
    values : array of any shape
        The numbers. NaN becomes grey.
    most : float
        The number that is full orange; its negative is full blue, and 0 near white. Beyond both
        ends colours stay as they are. Where it is 0 all is near white.

    Returns
    -------
    array of uint8, (..., 3)
    """
    numbers = np.asarray(values, dtype=np.float64)
    limit = most if np.isfinite(most) and most > 0 else np.inf
    return _interpolated(0.5 + 0.5 * np.clip(numbers / limit, -1, 1), SIGNED)


def ramp(scale: Levels, height: int = 16) -> Image.Image:
    """Draw the colours of a row of numbers, (width, 3), as the bar of a legend."""
    return Image.fromarray(np.repeat(scale[None], height, axis=0))


def _interpolated(shares: Values, stops: tuple[Colour, ...]) -> Levels:
    """Interpolate colours linearly at shares of 0 to 1 of a scale; what is NaN becomes grey."""
    table = np.asarray(stops, dtype=np.float64)
    places = np.linspace(0, 1, len(table))
    found = np.stack([np.interp(shares, places, hue) for hue in table.T], axis=-1)
    found[~np.isfinite(shares)] = FAINT
    levels: Levels = np.rint(found).astype(np.uint8)
    return levels
