"""Whether the values of an array can be what a network was taught, and what they mean if so.

A recipe says which stored values stood for black and white when the network was taught. Arrays of
another kind are converted where that can be said for certain, and else refused.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.depth import MOST, SCALES
from foveal.pictures.ranges import WHOLE
from foveal.pictures.remarks import warn
from foveal.recipe import PictureRecipe

A_TRACE = 0.01
"""Share of values that may lie far beyond the range that was taught: glare, dead pixels."""
FAR = 0.5
"""What far beyond is, as a share of the range."""
WIDE, DEEP = 8.0, 1024.0
"""Extent of ranges in which values of 0 to 1 are all black, and in which bytes are."""
SLACK = 0.05
"""What is allowed below and above the ends of 0 to 1."""


def suited(array: Array, recipe: PictureRecipe) -> PictureRecipe:
    """Return a recipe with the black and the white that the values of an array have.

    That is the recipe as it is, where they can be of the range that was taught. Bytes, and 16 bits
    that reach beyond 14, have ranges of their own: where the recipe is one of 0 to 1, of bytes, or
    of 16 bits, they are converted, and a `PictureWarning` says so.

    Raises
    ------
    DataError
        For values that cannot be of the range that was taught.
    """
    if not array.size or (array.dtype == np.uint8 and (recipe.low, recipe.high) == WHOLE):
        return recipe
    least, most = _ends(array)
    white, taught = _own_white(array, most), _kind_of(recipe)
    fits = _fits(array, (least, most), recipe)
    if not fits and white and taught and white != taught:
        warn([f"{array.dtype} read as 0 to {white}: the model was taught {_of(recipe)}"])
        factor = white / taught
        return replace(recipe, low=recipe.low * factor, high=recipe.high * factor)
    if not fits:
        raise DataError(
            "X",
            needed=f"values as those that taught the model, {_of(recipe)}",
            came=f"{array.dtype} values, {least:.4g} to {most:.4g}",
            remedy=_remedy(least, most, recipe),
        )
    if _half_of_signed(array, least, most, recipe):
        remedy = "if X is 0 to 1, give X * 2 - 1"
        warn([f"no value is below 0, and the model was taught {_of(recipe)}: {remedy}"])
    return recipe


def refuse_channels_first(array: Array, recipe: PictureRecipe) -> None:
    """Refuse as many grey pictures as a network takes channels: they may be one picture.

    Parameters
    ----------
    array : array, (n, h, w, 1)
        Came as (n, h, w).

    Raises
    ------
    DataError
        For three such pictures, where the network takes colours.
    """
    count, height, width = array.shape[:3]
    if recipe.channels == 1 or count != recipe.channels:
        return
    raise DataError(
        "X",
        needed="pictures one after another, channels last, (n, h, w, c)",
        came=f"shape {array.shape[:3]}: one picture of {height}x{width} with its {count} planes "
        f"first, or {count} grey ones",
        remedy="give X.transpose(1, 2, 0)[None] for the one picture, or X[..., None] for the grey "
        "ones",
    )


def _ends(array: Array) -> tuple[float, float]:
    """Find the smallest and the largest finite value; zeros where there is none."""
    least, most = float(array.min()), float(array.max())
    if np.isfinite([least, most]).all():
        return least, most
    finite = array[np.isfinite(array)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _own_white(array: Array, most: float) -> int:
    """Return the white that the type of an array says for certain; 0 where it does not."""
    if array.dtype == np.uint8:
        return 255
    return MOST if array.dtype == np.uint16 and most > SCALES[-2] else 0


def _kind_of(recipe: PictureRecipe) -> int:
    """Return the white of the customary range that a recipe has: 1, 255 or 65,535; 0 for none."""
    if recipe.low < 0:
        return 0
    if recipe.high <= 1:
        return 1
    if 128 <= recipe.high <= 255:
        return 255
    return MOST if SCALES[-2] < recipe.high <= MOST else 0


def _fits(array: Array, ends: tuple[float, float], recipe: PictureRecipe) -> bool:
    """Whether values can be of the range that was taught."""
    low, high = recipe.low, recipe.high
    least, most = ends
    if recipe.low >= 0 and any(ends):
        if array.dtype == np.uint8 and high - low >= DEEP:
            return False
        unit = least >= -1 - SLACK and most <= 1 + SLACK
        if unit and array.dtype != np.uint8 and high - low >= WIDE:
            return False
        deviates = least < -SLACK and max(-least, most) <= WIDE  # less the mean, by the deviation
        if deviates and array.dtype.kind == "f" and high - low >= 4 * WIDE:
            return False
    beyond = FAR * (high - low)
    if low - beyond <= least and most <= high + beyond:
        return True
    far = np.count_nonzero((array < low - beyond) | (array > high + beyond))
    return bool(far <= A_TRACE * array.size)


def _half_of_signed(array: Array, least: float, most: float, recipe: PictureRecipe) -> bool:
    """Whether floats of 0 to 1 may have come to a model that was taught -1 to 1."""
    signed = -1 - SLACK <= recipe.low <= -0.5 and 0.5 <= recipe.high <= 1 + SLACK
    return signed and array.dtype.kind == "f" and least >= 0 and 0 < most <= 1


def _of(recipe: PictureRecipe) -> str:
    return f"{recipe.low:.4g} to {recipe.high:.4g}"


def _remedy(least: float, most: float, recipe: PictureRecipe) -> str:
    """Name the conversion that the values most likely need."""
    below = -1.0 if -1 - SLACK <= least < 0 else 0.0
    if least < below or most > MOST:
        return f"bring them to {_of(recipe)}"
    above = 1.0 if most <= 1 + SLACK else float(next(scale for scale in SCALES if most <= scale))
    white = _kind_of(recipe)
    low, high = (0.0, float(white)) if white else (recipe.low, recipe.high)
    factor = (high - low) / (above - below)
    scaled = "X" if below == 0 else "(X + 1)"
    scaled += f" * {factor:.6g}" if factor >= 1 else f" / {1 / factor:.6g}"
    kind = "of -1 to 1" if below else f"of 0 to {above:g}"
    return f"if they are {kind}, give {scaled}" + (f" + {low:.6g}" if low else "")
