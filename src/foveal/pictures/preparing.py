"""Pictures one by one, prepared by a recipe, whether they come from files or from an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.collection import Array, Pictures, check_fits
from foveal.pictures.decode import brought_to_size
from foveal.pictures.scaling import in_unit, keeps_bytes, scaling
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
        where they have the recipe's range; from other arrays float32, black = 0, white = 1. A text
        says why there is no picture.
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


def batches(
    pictures: Pictures, recipe: PictureRecipe, threads: int, size: int
) -> Iterator[tuple[int, Array, list[str]]]:
    """Prepare pictures in batches: first row, pictures, reasons; black where there is none."""
    dtype = scaling(pictures, recipe).dtype
    if pictures.array is not None and dtype is None:
        array = check_fits(pictures.array, recipe)
        for start in range(0, len(array), size):
            part = array[start : start + size]
            yield start, part, [""] * len(part)
        return
    shape = (recipe.height, recipe.width, recipe.channels)
    images: list[Array] = []
    reasons: list[str] = []
    for row, picture in enumerate(prepared(pictures, recipe, range(len(pictures)), threads)):
        unreadable = isinstance(picture, str)
        images.append(np.zeros(shape, dtype) if isinstance(picture, str) else picture)
        reasons.append(str(picture) if unreadable else "")
        if len(images) == size or row + 1 == len(pictures):
            yield row + 1 - len(images), np.stack(images), reasons
            images, reasons = [], []


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
        came=f"{there} channels",
        remedy="keep the planes that are red, green and blue",
    )
