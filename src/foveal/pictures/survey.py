"""From pictures to their recipe: what size, how many channels, which range of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.errors import DataError, UsageError
from foveal.pictures import decode
from foveal.pictures.collection import Array, Pictures
from foveal.recipe import Interpolation, PictureRecipe, Resize

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
    if pictures.array is not None:
        height, width, planes = pictures.array.shape[1:]
        if (size or (height, width)) != (height, width) or (channels or planes) != planes:
            raise DataError(
                "size or channels",
                needed=f"{height}x{width} with {planes} channels, as the array has them",
                came=f"{size or 'no size'}, {channels or 'no number of'} channels",
                remedy="leave size and channels out for arrays, or give files",
            )
        return PictureRecipe(
            height=height, width=width, channels=planes, resize=resize, folded=pictures.folded
        )
    assert pictures.files is not None
    taught = np.delete(np.arange(len(pictures)), pictures.rows("test"))
    files = [pictures.files[row] for row in (taught if len(taught) else range(len(pictures)))]
    if channels not in (None, 1, 3):
        raise UsageError(
            "channels",
            needed="1 (grey) or 3 (colour) for files",
            came=str(channels),
            remedy="leave channels out: the pictures decide",
        )
    heads = _heads(files)
    deep = [file for file, head in heads.items() if head[2] in decode.DEEP_MODES]
    low, high = _deep_range(deep)
    grey = sum(head[2] in decode.GREY_MODES for head in heads.values())
    sides = size or _median_size(list(heads.values()))
    return PictureRecipe(
        height=sides[0],
        width=sides[1],
        channels=channels or (1 if 2 * grey > len(heads) else 3),
        resize=resize,
        interpolation=interpolation,
        deep_low=low,
        deep_high=high,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What pictures are like, before any network sees them."""

    aspect: float
    """Median of width / height."""
    deep: tuple[float, float]
    """Black and white of files of more than 8 bits."""
    span: tuple[float, float]
    """Black and white of arrays; 0 and 255 for files."""
    folded: bool
    """Whether the pictures are rows of pixels."""


def look_over(pictures: Pictures) -> Survey:
    """Find out what pictures are like; those of a named test part are not looked at."""
    taught = np.delete(np.arange(len(pictures)), pictures.rows("test"))
    rows = taught if len(taught) else np.arange(len(pictures))
    if pictures.array is not None:
        height, width = pictures.array.shape[1:3]
        span = measure_range(pictures.array, rows)
        deep = decode.UNMEASURED
        return Survey(aspect=width / height, deep=deep, span=span, folded=pictures.folded)
    assert pictures.files is not None
    heads = _heads([pictures.files[row] for row in rows])
    deep = _deep_range([file for file, head in heads.items() if head[2] in decode.DEEP_MODES])
    aspect = float(np.median([width / height for height, width, _ in heads.values()]))
    return Survey(aspect=aspect, deep=deep, span=(0.0, 255.0), folded=False)


def recipe_for(found: Survey, wanted: PictureRecipe) -> PictureRecipe:
    """Adapt the recipe of a network that is there already to the pictures it is to see.

    Size, channels, mean and deviation stay; arrays of any size are brought to it.
    """
    return replace(
        wanted,
        deep_low=found.deep[0],
        deep_high=found.deep[1],
        low=found.span[0],
        high=found.span[1],
        folded=found.folded,
        adapts=True,
    )


def measure_scaling(
    images: Array, rows: np.ndarray[Any, Any], recipe: PictureRecipe
) -> PictureRecipe:
    """Find the range of values, and mean and deviation of each channel, over training pictures.

    uint8 means 0-255; for any other dtype the range seen becomes black and white.
    """
    picked = rows[_spaced(len(rows), MOST_MEASURED)]
    values = np.asarray(images[picked], dtype=np.float64)
    low, high = measure_range(images, rows)
    extent = high - low
    unit = (values - low) / extent
    mean = unit.mean(axis=(0, 1, 2))
    deviation = unit.std(axis=(0, 1, 2))
    return recipe.scaled(
        low=low,
        high=high,
        mean=tuple(round(float(value), 6) for value in mean),
        std=tuple(max(round(float(value), 6), 1e-3) for value in deviation),
    )


def measure_range(images: Array, rows: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Find the values that stand for black and white: 0 and 255 in uint8, else the range seen.

    Raises
    ------
    DataError
        For NaN or infinity.
    """
    if images.dtype == np.uint8:
        return 0.0, 255.0
    seen = images if len(rows) == len(images) else images[rows]
    low, high = float(np.min(seen)), float(np.max(seen))
    if not np.isfinite([low, high]).all():
        raise DataError(
            "X",
            needed="finite numbers",
            came="NaN or infinity",
            remedy="replace or leave out the pictures that hold them",
        )
    return low, (high if high > low else low + 1.0)


def _heads(files: Sequence[Path]) -> dict[Path, tuple[int, int, str]]:
    heads: dict[Path, tuple[int, int, str]] = {}
    reasons: list[str] = []
    for index in _spaced(len(files), MOST_LOOKED_AT):
        try:
            heads[files[index]] = decode.look(files[index])
        except decode.Unreadable as reason:
            reasons.append(f"{files[index].name}: {reason}")
    if not heads:
        raise DataError(
            "pictures",
            needed="at least one file that is a picture",
            came="; ".join(reasons[:3]) or "no files",
            remedy="name the folder that holds the pictures",
        )
    return heads


def _spaced(length: int, most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    count = min(length, most)
    return np.linspace(0, length - 1, count).round().astype(np.intp) if count else np.arange(0)


def _median_size(heads: list[tuple[int, int, str]]) -> tuple[int, int]:
    height = float(np.median([head[0] for head in heads]))
    width = float(np.median([head[1] for head in heads]))
    longest = max(height, width)
    if longest <= LONGEST_SIDE:
        return max(round(height), 1), max(round(width), 1)
    scale = LONGEST_SIDE / longest
    return _to_grain(height * scale), _to_grain(width * scale)


def _to_grain(side: float) -> int:
    return max(round(side / GRAIN) * GRAIN, GRAIN)


def _deep_range(files: list[Path]) -> tuple[float, float]:
    """Find one range for all pictures of more than 8 bits: black and white of the data set."""
    ranges: list[tuple[float, float]] = []
    for file in files:
        try:
            ranges.append(decode.deep_range(file))
        except decode.Unreadable:
            continue  # the store names it in the ledger
    if not ranges:
        return decode.UNMEASURED
    low, high = min(one[0] for one in ranges), max(one[1] for one in ranges)
    return (low, high) if high > low else (low, low + 1.0)
