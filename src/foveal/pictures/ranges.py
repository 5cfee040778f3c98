"""The range of an array's values: measured, and brought to black = 0, white = 1 and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal.arrays import Array, RowsOfPictures
from foveal.errors import DataError
from foveal.recipe import PictureRecipe

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


def measure_range(images: RowsOfPictures, rows: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Find the values that stand for black and white: 0 and 255 in uint8, else the range seen.

    Raises
    ------
    DataError
        For NaN or infinity.
    """
    if images.dtype == np.uint8:
        return WHOLE
    seen = images[:] if len(rows) == len(images) else images[rows]
    low, high = float(np.min(seen)), float(np.max(seen))
    if not np.isfinite([low, high]).all():
        raise DataError(
            "X",
            needed="finite numbers",
            came="NaN or infinity",
            remedy="replace or leave out the pictures that hold them",
        )
    return low, (high if high > low else low + 1.0)
