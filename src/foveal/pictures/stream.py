"""Pictures one by one, prepared by a recipe, whether they come from files or from an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.catalogue import Array, Pictures, check_fits
from foveal.pictures.decode import brought_to_size
from foveal.pictures.store import decoded, in_order
from foveal.recipe import PictureRecipe

MOST_WAITING = 128_000_000
"""Bytes of prepared pictures that wait for whoever takes them, at most."""
MOST_AHEAD = 1_024
"""Pictures that wait, at most."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey picture (ITU-R BT.601)."""


def prepared(
    pictures: Pictures, recipe: PictureRecipe, rows: Sequence[int], threads: int
) -> Iterator[Array | str]:
    """Prepare the pictures of some rows, in order, well ahead of whoever takes them.

    Yields
    ------
    array or str
        (height, width, channels) as the recipe says: uint8 from files and from uint8 arrays;
        from other arrays float32, black = 0, white = 1. A text says why there is no picture.
    """
    if pictures.files is not None:
        files = [pictures.files[row] for row in rows]
        room = MOST_WAITING // (recipe.height * recipe.width * recipe.channels)
        ahead = min(room, MOST_AHEAD)
        decoding = decoded(files, recipe, threads, ahead=max(ahead, 2 * threads))
        yield from (picture for _, picture in decoding)
        return
    assert pictures.array is not None
    array = check_fits(pictures.array, recipe)
    yield from in_order(
        lambda index: adapted(array[rows[index]], recipe), len(rows), threads, 16 * threads
    )


def adapted(picture_hwc: Array, recipe: PictureRecipe) -> Array:
    """Bring one picture of an array to the size and the channels of a recipe.

    Values other than uint8 are brought to black = 0, white = 1 first.
    """
    if picture_hwc.dtype == np.uint8:
        levels = picture_hwc
    else:
        wide = picture_hwc.astype(np.float64)
        levels = ((wide - recipe.low) / (recipe.high - recipe.low)).astype(np.float32)
    planes = _channelled(levels, recipe.channels)
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
        came=f"{there} channels",
        remedy="keep the planes that are red, green and blue",
    )
