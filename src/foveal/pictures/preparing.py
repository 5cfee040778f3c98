"""Pictures one by one, prepared by a recipe, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from foveal.arrays import Array, Hashes, Rows
from foveal.pictures.adaptation import check_fits
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import content_hashes
from foveal.pictures.reading import read_in_order
from foveal.pictures.remarks import Remarks, summed, warn
from foveal.pictures.scaling import scaling
from foveal.recipe import PictureRecipe

MOST_WAITING = 128_000_000
"""Bytes of prepared pictures that wait for whoever takes them, at most."""
MOST_AHEAD = 1_024
"""Pictures that wait, at most."""


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
    content = pictures.content
    depth = 1 if content.gives_bytes(recipe) else 4
    each = recipe.height * recipe.width * recipe.channels * depth
    ahead = max(min(MOST_WAITING // each, MOST_AHEAD), 2 * threads)
    yield from read_in_order(content, rows, recipe, threads, ahead)


def batches(
    pictures: Pictures, recipe: PictureRecipe, threads: int, size: int
) -> Iterator[tuple[int, Array, list[str]]]:
    """Prepare pictures in batches: first row, pictures, reasons; black where there is none."""
    dtype, whole = scaling(pictures, recipe).dtype, pictures.content.in_memory
    if whole is not None and dtype is None:
        array = check_fits(whole, recipe)
        for start in range(0, len(array), size):
            part = array[start : start + size]
            bad = pictures.content.reasons
            yield start, part, [bad.get(start + at, "") for at in range(len(part))]
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
    warn(summed(*_remarked(pictures)))


def hashes_of(
    pictures: Pictures, start: int, images: Array, recipe: PictureRecipe, there: Rows
) -> Hashes:
    """Hash a batch as `batches` prepares it, equal for equal pictures, (n,); 0 for the others.

    Parameters
    ----------
    pictures : Pictures
        All of them.
    start : int
        Row of the first of the batch.
    images : array, (n, h, w, c)
        The batch.
    recipe : PictureRecipe
        Suited to the pictures.
    there : array of int
        Which of the batch are pictures.
    """
    found: Hashes = np.zeros(len(images), np.int64)
    for at in there.tolist():
        known_by = pictures.content.known_by(start + at, images[at], recipe)
        found[at] = content_hashes(known_by[None])[0]
    return found


def _remarked(pictures: Pictures) -> tuple[dict[int, Remarks], Sequence[str]]:
    """Return what a reader should know of single pictures, by row, and the names of all rows."""
    rows, remarks = range(len(pictures)), pictures.content.remarks
    return {row: found for row in rows if (found := remarks(row))}, pictures.names
