"""The range of an array's values: measured, and brought to black = 0, white = 1 and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foveal.arrays import Array, Rows, RowsOfPictures
from foveal.errors import DataError
from foveal.recipe import PictureRecipe

MOST_VALUES = 2_000_000
"""Values that are at hand at once, in double precision."""
WHOLE = (0.0, 255.0)
"""Black and white of bytes."""


def keeps_bytes(array: Array, recipe: PictureRecipe) -> bool:
    """Whether an array that is brought to a network's size stays bytes."""
    return array.dtype == np.uint8 and (recipe.low, recipe.high) == WHOLE


def in_unit(values: Array, recipe: PictureRecipe) -> Array:
    """Bring values in a recipe's range to black = 0, white = 1, in single precision."""
    wide = values.astype(np.float64)
    unit: Array = ((wide - recipe.low) / (recipe.high - recipe.low)).astype(np.float32)
    return unit


def in_range(unit: Array, recipe: PictureRecipe) -> Array:
    """Bring values with black = 0, white = 1 to a recipe's range: the inverse of `in_unit`."""
    return unit * (recipe.high - recipe.low) + recipe.low


def parts_of(rows: Rows, shape: tuple[int, ...]) -> list[Rows]:
    """Part rows of an array of a shape (n, h, w, c) so that few values are at hand at once."""
    size = max(1, MOST_VALUES // max(math.prod(shape[1:]), 1))
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def measure_range(images: RowsOfPictures, rows: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Find the values that stand for black and white: 0 and 255 in uint8, else the range seen.

    Raises
    ------
    DataError
        For NaN or infinity.
    """
    if images.dtype == np.uint8:
        return WHOLE
    parts = parts_of(rows, images.shape)
    ends = [(np.min(seen), np.max(seen)) for seen in map(images.__getitem__, parts)]
    low, high = float(np.min([low for low, _ in ends])), float(np.max([high for _, high in ends]))
    if not np.isfinite([low, high]).all():
        raise DataError(
            "X",
            needed="finite numbers",
            came="NaN or infinity",
            remedy="replace or leave out the pictures that hold them",
        )
    return low, (high if high > low else low + 1.0)
