"""Types of arrays, by what their numbers are; of any shape, which names of axes say beside them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
"""Of numbers, or objects, of any type."""
Floats = np.ndarray[Any, np.dtype[np.float32]]
Doubles = np.ndarray[Any, np.dtype[np.float64]]
Truths = np.ndarray[Any, np.dtype[np.bool_]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Hashes = np.ndarray[Any, np.dtype[np.int64]]
"""Hashes of contents."""
Rows = np.ndarray[Any, np.dtype[np.intp]]
"""Which rows of others, or what else numbers them."""


class RowsOfPictures(Protocol):
    """Pixels (n, h, w, c), in memory, on disk, or decoded when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, h, w, c)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Array:
        """Return some rows, (rows, h, w, c), or one, (h, w, c)."""
        ...
