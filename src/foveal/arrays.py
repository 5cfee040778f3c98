"""Types of arrays, by what their numbers are; of any shape, which names of axes say beside them."""

from __future__ import annotations

from typing import Any

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
