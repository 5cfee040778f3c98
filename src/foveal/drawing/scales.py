"""Scales of colours: from numbers to red, green and blue, the same in every figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.colours import BLUE, FAINT, Colour

Levels = np.ndarray[Any, np.dtype[np.uint8]]

VIRIDIS: tuple[Colour, ...] = (
    (68, 1, 84),
    (71, 45, 123),
    (59, 82, 139),
    (44, 114, 142),
    (33, 144, 140),
    (39, 173, 129),
    (93, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
"""Anchors of the scale of feature maps, at equal distances, from the least to the greatest."""
SIGNED: tuple[Colour, ...] = (
    BLUE,
    (140, 182, 226),
    (247, 247, 245),
    (243, 164, 105),
    (201, 80, 0),
)
"""Anchors of the scale of weights, from the most negative to the most positive: blue, near white,
orange, which no kind of colour blindness confuses; one end is about as dark as the other."""


def viridis(values: Any, low: float, high: float) -> Levels:
    """Return the colours of numbers on a perceptually uniform scale (van der Walt and Smith, 2015).

    Equal steps of the numbers look like equal steps of lightness, to the colour-blind and in
    print too.

    Parameters
    ----------
    values : array
        Numbers of any shape; those beyond the limits take the colour of the nearer limit, and
        what is no number that of the lower.
    low, high : float
        The numbers at the dark and at the bright end. Where they are equal, all is dark.

    Returns
    -------
    array of uint8
        Of the shape of the numbers with an axis of red, green and blue at its end.

    Examples
    --------
    >>> viridis([0.0, 1.0], 0, 1).tolist()
    [[68, 1, 84], [253, 231, 37]]
    """
    return _between(VIRIDIS, _shares(values, low, high))


def diverging(values: Any, most: float) -> Levels:
    """Return the colours of signed numbers, such as weights: blue, near white at 0, orange.

    Parameters
    ----------
    values : array
        Numbers of any shape; what is no number is grey.
    most : float
        The number at the orange end; its negative is at the blue end. Numbers beyond both take
        the colour of the nearer. Where it is 0, all is near white.

    Returns
    -------
    array of uint8
        Of the shape of the numbers with an axis of red, green and blue at its end.

    Examples
    --------
    >>> diverging([-2.0, 0.0, 2.0], 2).tolist()
    [[30, 104, 190], [247, 247, 245], [201, 80, 0]]
    """
    numbers = np.asarray(values, np.float64)
    limit = most if np.isfinite(most) and most > 0 else np.inf
    shares = 0.5 + 0.5 * np.clip(numbers / limit, -1, 1)
    found = _between(SIGNED, np.nan_to_num(shares, nan=0.5))
    found[np.isnan(numbers)] = FAINT
    return found


def ramp(colours: Levels, height: int = 16) -> Image.Image:
    """Draw a row of colours, (width, 3), as the bar of a legend, so many pixels high."""
    return Image.fromarray(np.repeat(colours[None], height, axis=0))


def _shares(values: Any, low: float, high: float) -> Array:
    """Return how far numbers are from the lower limit to the upper, 0 to 1."""
    given = np.nan_to_num(np.asarray(values, np.float64), nan=low, posinf=high, neginf=low)
    shares: Array = np.clip((given - low) / ((high - low) or 1.0), 0, 1)
    return shares


def _between(anchors: tuple[Colour, ...], shares: Array) -> Levels:
    """Interpolate between anchors that stand at equal distances."""
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(shares, places, channel) for channel in np.array(anchors, float).T]
    found: Levels = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return found
