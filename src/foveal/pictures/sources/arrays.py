"""Arrays: pictures one after another, in memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.array_content import ArrayContent
from foveal.pictures.collection import Numbered, Pictures
from foveal.wording import counted

MOST_CHANNELS = 4


def takes(given: Any) -> bool:
    """Return True: whatever is no path is tried as an array."""
    return True


def read(given: Any) -> Pictures:
    """Make pictures of whatever NumPy makes an array of."""
    return from_array(_as_array(given))


def _as_array(values: Any) -> Array:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(
            "X",
            needed="numbers in one array: pictures of one size",
            came=str(error).splitlines()[0][:100],
            remedy="bring the pictures to one size, or give their files",
        ) from error


def from_array(array: Array) -> Pictures:
    """Make pictures of an array.

    Parameters
    ----------
    array : numpy.ndarray
        (n, h, w) grey, (n, h, w, c), or (n, pixels): a square grey picture where the number
        of pixels is a square, else one row of pixels. Real numbers or booleans.
    """
    content = content_of(array)
    return Pictures(names=Numbered(len(content)), content=content)


def content_of(array: Array) -> ArrayContent:
    """Bring an array to (n, height, width, channels), or refuse it; see `from_array`."""
    _check_dtype(array)
    _check_one_meaning(array)
    folded, plain = array.ndim == 2, array.ndim == 3
    if folded:
        array = _unfolded(array)
    elif plain:
        array = array[..., None]
    if array.ndim != 4:
        raise DataError(
            "X",
            needed="an array (n, h, w), (n, h, w, c) or (n, pixels)",
            came=f"{counted(array.ndim, 'dimension')}, shape {array.shape}",
            remedy="reshape it; video is not supported",
        )
    if array.shape[3] > MOST_CHANNELS:
        if array.shape[1] <= MOST_CHANNELS:
            raise DataError(
                "X",
                needed="channels last, (n, h, w, c)",
                came=f"shape {array.shape}, which looks like channels first",
                remedy="use X.transpose(0, 2, 3, 1)",
            )
        raise DataError(
            "X",
            needed=f"at most {MOST_CHANNELS} channels",
            came=f"{array.shape[3]} in shape {array.shape}",
            remedy="keep the planes that matter; more channels and video are not supported",
        )
    if 0 in array.shape[1:]:
        raise DataError(
            "X",
            needed="at least 1 pixel a picture",
            came=f"shape {array.shape}",
            remedy="leave empty pictures out",
        )
    return ArrayContent(array, folded, plain)


def _check_one_meaning(array: Array) -> None:
    """Refuse what may be one colour picture or many grey ones."""
    if array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[1] > MOST_CHANNELS:
        high, wide, last = array.shape
        raise DataError(
            "X",
            needed="pictures one after another, (n, h, w) or (n, h, w, c)",
            came=f"shape {array.shape}: one picture of {high}x{wide} with "
            f"{counted(last, 'channel')}, or "
            f"{high} grey ones of {wide}x{last}",
            remedy="give X[None] for the one picture, or X[..., None] for the grey ones",
        )


def _check_dtype(array: Array) -> None:
    if array.dtype.kind not in "buif":
        raise DataError(
            "X",
            needed="numbers, or paths of files",
            came=f"dtype {array.dtype}. Complex data not supported"
            if array.dtype.kind == "c"
            else f"dtype {array.dtype}",
            remedy="convert it to uint8 (0-255) or float32",
        )


def _unfolded(array: Array) -> Array:
    pixels = array.shape[1]
    side = math.isqrt(pixels)
    shape = (side, side) if side * side == pixels else (1, pixels)
    return array.reshape(len(array), *shape, 1)
