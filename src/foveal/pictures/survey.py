"""From pictures to their recipe: what size, how many channels, which range of values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveal.arrays import Array, Rows, RowsOfPictures
from foveal.errors import DataError, UsageError
from foveal.pictures import decode
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.content import Head
from foveal.pictures.ranges import measure_range, parts_of
from foveal.recipe import Interpolation, PictureRecipe, Resize
from foveal.wording import counted

MOST_LOOKED_AT = 512
"""Files whose heads are read to learn size and channels, evenly spaced over the source."""
MOST_MEASURED = 4_096
"""Pictures over which mean and standard deviation are taken, evenly spaced."""
LONGEST_SIDE = 64
"""Longest side of files prepared for training from scratch, unless a size is asked for."""
GRAIN = 8
"""Reduced sides are rounded to multiples of this, so that networks can halve them."""


def choose_recipe(
    pictures: Pictures,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    resize: Resize = "stretch",
    interpolation: Interpolation = "bilinear",
) -> PictureRecipe:
    """Choose how pictures are prepared.

    Files take the median height and width of the source, reduced to `LONGEST_SIDE`, and the
    channels of the majority; arrays stay as they are. Files of a named test part are not looked
    at.

    Parameters
    ----------
    pictures : Pictures
        Files or an array.
    size : (height, width), optional
        Size asked for; only for files.
    channels : {1, 3}, optional
        Channels asked for; only for files.
    """
    content = pictures.content
    if content.shape is not None:
        height, width, planes = content.shape
        if (size or (height, width)) != (height, width) or (channels or planes) != planes:
            raise DataError(
                "size or channels",
                needed=f"{height}x{width} with {counted(planes, 'channel')}, as the array has them",
                came=f"{size or 'no size'}, {channels or 'no number of'} channels",
                remedy="leave `size` and `channels` out for arrays, or give files",
            )
        return PictureRecipe(
            height=height, width=width, channels=planes, resize=resize, folded=content.folded
        )
    if channels not in (None, 1, 3):
        raise UsageError(
            "channels",
            needed="1 (grey) or 3 (colour) for files",
            came=str(channels),
            remedy="leave channels out: the pictures decide",
        )
    heads = content.heads(_looked_at(_taught(pictures)))
    low, high = content.deep_range(heads)
    grey = sum(head.mode in decode.GREY_MODES for head in heads)
    sides = size or _median_size(heads)
    return PictureRecipe(
        height=sides[0],
        width=sides[1],
        channels=channels or (1 if 2 * grey > len(heads) else 3),
        resize=resize,
        interpolation=interpolation,
        deep_low=low,
        deep_high=high,
        ground=content.ground(heads),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What pictures are like, before any network sees them."""

    aspect: float
    """Median of width / height."""
    deep: tuple[float, float]
    """Black and white of files of more than 8 bits."""
    ground: int | None
    """What transparent pictures are laid over; None where there are none."""
    span: tuple[float, float]
    """Black and white of arrays; 0 and 255 for files."""
    folded: bool
    """Whether the pictures are rows of pixels."""


def look_over(pictures: Pictures) -> Survey:
    """Find out what pictures are like; those of a named test part are not looked at."""
    rows, content = _taught(pictures), pictures.content
    heads = content.heads(_looked_at(rows))
    return Survey(
        aspect=float(np.median([head.width / head.height for head in heads])),
        deep=content.deep_range(heads),
        ground=content.ground(heads),
        span=content.span(rows),
        folded=content.folded,
    )


def _taught(pictures: Pictures) -> Rows:
    """Leave out the rows of a named test part, unless there are no others."""
    taught = np.delete(np.arange(len(pictures)), pictures.rows("test"))
    return taught if len(taught) else np.arange(len(pictures))


def _looked_at(rows: Rows) -> Rows:
    chosen: Rows = rows[evenly(len(rows), MOST_LOOKED_AT)]
    return chosen


def recipe_for(found: Survey, wanted: PictureRecipe) -> PictureRecipe:
    """Adapt the recipe of a network that is there already to the pictures it is to see.

    Size, channels, mean and deviation stay; arrays of any size are brought to it.
    """
    return replace(
        wanted,
        deep_low=found.deep[0],
        deep_high=found.deep[1],
        ground=found.ground,
        low=found.span[0],
        high=found.span[1],
        folded=found.folded,
        adapts=True,
    )


def measure_scaling(
    images: RowsOfPictures, rows: np.ndarray[Any, Any], recipe: PictureRecipe
) -> PictureRecipe:
    """Find the range of values, and mean and deviation of each channel, over training pictures.

    uint8 means 0-255; for any other dtype the range seen becomes black and white.
    """
    picked = rows[evenly(len(rows), MOST_MEASURED)]
    low, high = measure_range(images, rows)
    mean, deviation = _moments(images, picked, low, high)
    return recipe.scaled(
        low=low,
        high=high,
        mean=tuple(round(float(value), 6) for value in mean),
        std=tuple(max(round(float(value), 6), 1e-3) for value in deviation),
    )


def _moments(images: RowsOfPictures, rows: Rows, low: float, high: float) -> tuple[Array, Array]:
    """Compute mean and deviation of each channel, black = 0 and white = 1, part by part.

    Parts are merged as in Chan, Golub and LeVeque, "Algorithms for computing the sample variance",
    1983: no sum of squares is taken far from its mean.
    """
    channels = images.shape[3]
    count, mean, squares = 0, np.zeros(channels), np.zeros(channels)
    for part in parts_of(rows, images.shape):
        unit = ((images[part].astype(np.float64) - low) / (high - low)).reshape(-1, channels)
        away = unit.mean(axis=0) - mean
        squares += ((unit - unit.mean(axis=0)) ** 2).sum(axis=0)
        squares += away**2 * count * len(unit) / (count + len(unit))
        mean += away * len(unit) / (count + len(unit))
        count += len(unit)
    return mean, np.sqrt(squares / count)


def _median_size(heads: list[Head]) -> tuple[int, int]:
    height = float(np.median([head.height for head in heads]))
    width = float(np.median([head.width for head in heads]))
    longest = max(height, width)
    if longest <= LONGEST_SIDE:
        return max(round(height), 1), max(round(width), 1)
    scale = LONGEST_SIDE / longest
    return _to_grain(height * scale), _to_grain(width * scale)


def _to_grain(side: float) -> int:
    return max(round(side / GRAIN) * GRAIN, GRAIN)
