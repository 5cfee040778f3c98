"""Pictures that were found: rows with names, files or an array, labels, parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.errors import DataError, UsageError
from foveal.recipe import PictureRecipe

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pictures that were found, in order, before any is decoded.

    Exactly one of `files` and `array` is given.
    """

    names: Sequence[str]
    """How each row is named in tables and in the ledger."""
    files: tuple[Path, ...] | None = None
    """The files, where the pictures are files."""
    array: Array | None = None
    """The pictures, (n, height, width, channels), any numeric dtype."""
    labels: Array | None = None
    """The class of each row; None in a row stands for an unlabelled picture."""
    parts: Array | None = None
    """"train", "validation", "test" or "" for each row; None where nothing says so."""
    folded: bool = False
    """Whether the array came as (n, pixels)."""

    def __len__(self) -> int:
        return len(self.names)

    def labelled(self, labels: Array) -> Pictures:
        """Return the same pictures under labels given beside them."""
        if len(labels) != len(self):
            raise DataError(
                "y",
                needed=f"{len(self)} labels, one a picture",
                came=str(len(labels)),
                remedy="give X and y of the same length",
            )
        return replace(self, labels=np.asarray(labels))

    def rows(self, part: str) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the indices of the rows of a part."""
        if self.parts is None:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(self.parts == part)


class Numbered(Sequence[str]):
    """Row numbers as names, made only when one asks."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        picked = range(self.length)[index]
        return [str(one) for one in picked] if isinstance(picked, range) else str(picked)


def check_fits(array: Array, recipe: PictureRecipe) -> Array:
    """Hold an array (n, h, w, c) against the size and channels of a recipe.

    Raises
    ------
    DataError
        Where they differ: arrays are not resized, unless the recipe says so.
    """
    height, width, channels = recipe.height, recipe.width, recipe.channels
    if not recipe.adapts and array.shape[1:] != (height, width, channels):
        raise DataError(
            "X",
            needed=f"pictures of {height}x{width} with {channels} channels, as in fit",
            came=f"shape {array.shape}",
            remedy="bring the arrays to that size; files are resized by themselves",
        )
    return array


def refuse_unsupported(labels: Array) -> None:
    """Refuse labels of tasks that are out of scope.

    Raises
    ------
    UsageError
        For labels with more than one column (several labels a picture, boxes, masks).
    """
    if labels.ndim > 1 and labels.shape[1:] != (1,):
        raise UsageError(
            "y",
            needed="one class a picture, shape (n,)",
            came=f"shape {labels.shape}",
            remedy="several labels a picture, detection and segmentation are not supported",
        )
