"""One picture of an array, brought to the size, the channels and the range of a recipe."""

from __future__ import annotations

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.decode import brought_to_size
from foveal.pictures.ranges import in_unit, keeps_bytes
from foveal.recipe import LUMA, PictureRecipe
from foveal.wording import counted


def check_fits(array: Array, recipe: PictureRecipe, *, folded: bool = False) -> Array:
    """Check an array (n, h, w, c) against the size and channels of a recipe.

    Parameters
    ----------
    folded : bool
        Whether it came as rows of pixels, (n, pixels).

    Raises
    ------
    DataError
        Where they differ: arrays are not resized, unless the recipe says so. Rows of pixels have
        no sides, so that they must be as many as those of the recipe, or have taught it.
    """
    wanted = (recipe.height, recipe.width, recipe.channels)
    if array.shape[1:] == wanted or (recipe.adapts and (recipe.folded or not folded)):
        return array
    shape = (len(array), array.shape[1] * array.shape[2]) if folded else array.shape
    sizes = f"of {recipe.height}x{recipe.width}" if not recipe.adapts else "(n, h, w, c)"
    raise DataError(
        "X",
        needed=f"pictures {sizes} with {counted(recipe.channels, 'channel')}, as in fit",
        came=f"shape {shape}",
        remedy=_remedy(shape, recipe),
    )


def _remedy(shape: tuple[int, ...], recipe: PictureRecipe) -> str:
    height, width, channels = recipe.height, recipe.width, recipe.channels
    if len(shape) == 2 and (recipe.adapts or shape == (height, width)):
        return "if it is one grey picture, give X[None]; rows of pixels need their sides"
    if shape[1:] == (height, width, 1) and channels == 3:
        return "for greys in three channels give np.repeat(X.reshape(*X.shape[:3], 1), 3, axis=3)"
    return "bring the arrays to that size; files are resized by themselves"


def adapted(picture_hwc: Array, recipe: PictureRecipe) -> Array:
    """Bring one picture of an array to the range, the size and the channels of a recipe.

    Bytes stay bytes where they have the recipe's range; all else gets black = 0, white = 1.
    """
    kept = keeps_bytes(picture_hwc, recipe)
    return fitted(picture_hwc if kept else in_unit(picture_hwc, recipe), recipe)


def fitted(picture_hwc: Array, recipe: PictureRecipe) -> Array:
    """Bring one picture to the size and the channels of a recipe, its values as they are."""
    planes = _channelled(picture_hwc, recipe.channels)
    if planes.shape[:2] == (recipe.height, recipe.width):
        return planes
    sized = [_resized(planes[:, :, index], recipe) for index in range(planes.shape[2])]
    return np.stack(sized, axis=2)


def _resized(plane_hw: Array, recipe: PictureRecipe) -> Array:
    picture = Image.fromarray(np.ascontiguousarray(plane_hw))
    return np.asarray(brought_to_size(picture, recipe))


def _channelled(picture_hwc: Array, channels: int) -> Array:
    there = picture_hwc.shape[2]
    if there == channels:
        return picture_hwc
    if there == 1:
        return np.repeat(picture_hwc, channels, axis=2)
    if there == 3 and channels == 1:
        grey = picture_hwc @ np.array(LUMA, dtype=np.float32)
        found: Array = np.rint(grey) if picture_hwc.dtype == np.uint8 else grey
        return found.astype(picture_hwc.dtype)[:, :, None]
    raise DataError(
        "X",
        needed="pictures of 1 (grey) or 3 (colour) channels for this network",
        came=counted(there, "channel"),
        remedy="keep the planes that are red, green and blue",
    )
