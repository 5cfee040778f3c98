"""Prepared pictures, whatever they were made into: pixels, or features of a frozen network.

Axes: n picture; what follows is the shape of a row, (h, w, c), (features,) or (c, h, w).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from foveal.arrays import Array, Hashes, Rows, RowsOfPictures
from foveal.pictures.remarks import Remarks
from foveal.pictures.scaling import Scaling
from foveal.recipe import PictureRecipe


class RowsOfArrays(Protocol):
    """What belongs to each picture, by row, in memory or on disk."""

    def __getitem__(self, rows: Rows, /) -> Array:
        """Return some rows, (rows, ...)."""
        ...


class Prepared(Protocol):
    """Pictures made ready for a network, one row each, in the order of their source."""

    @property
    def views(self) -> Sequence[RowsOfArrays]:
        """The rows of the pictures as they are, and of each variation that was kept."""

    @property
    def images(self) -> RowsOfPictures | None:
        """The pixels (n, h, w, c), where no network came before."""

    @property
    def reasons(self) -> Sequence[str]:
        """Why a row could not be read; empty where it could."""

    @property
    def readable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for each row that could be read."""

    @property
    def hashes(self) -> Hashes:
        """64-bit hash of each picture: equal for equal pictures."""

    @property
    def fingerprint(self) -> str:
        """Says which pictures these are and how they were prepared."""

    @property
    def warm(self) -> bool:
        """Whether they were there already."""

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader should know of how they were prepared."""

    @property
    def remarked(self) -> Mapping[int, Remarks]:
        """What a reader should know of single pictures, by row."""

    def scaled_by(self, by: Scaling) -> Scaling | None:
        """Return how rows become a network's input; None where they are it already."""

    def measured(self, recipe: PictureRecipe, rows: Rows) -> PictureRecipe:
        """Return the recipe with the scaling of these rows, where it is still to be measured."""
