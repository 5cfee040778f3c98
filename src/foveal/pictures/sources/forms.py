"""The forms in which pictures are given in Python: what is none of them is called what it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from foveal.errors import DataError
from foveal.pictures.missing import is_missing
from foveal.wording import counted

NEEDED = "numbers, or paths of files"
NEITHER = (bytes, bytearray, dict, set, frozenset, Iterator, bool, int, float)
"""Types of what holds no pictures, or cannot be gone through twice."""
NAMED = 5
"""Columns of a table that are named, at most."""


def listed(values: Any) -> Any:
    """Return a series of texts or paths, as of pandas, as a list; anything else as it is.

    So is a series of numbers that has a type of its own for those that are missing.
    """
    if isinstance(values, np.ndarray | list | tuple) or not hasattr(values, "to_numpy"):
        return values
    if hasattr(values, "columns"):
        return values
    own = not isinstance(getattr(values, "dtype", None), np.dtype)
    plain = values.to_numpy(dtype=object) if own else values.to_numpy()
    return plain.tolist() if plain.ndim == 1 and plain.dtype.kind in "OUS" else values


def column(y: Any) -> Any:
    """Return labels that are a series, or the only column of a table, as `listed` gives them."""
    columns = getattr(y, "columns", None)
    return listed(y if columns is None or len(columns) != 1 else y[columns[0]])


def check_form(given: Any) -> None:
    """Check that pictures are given as a path, as a sequence of paths, or as numbers.

    Raises
    ------
    DataError
        For tables with texts, for sequences of paths that lack some, and for bytes, mappings and
        what can be gone through but once.
    """
    if hasattr(given, "columns") and hasattr(given, "dtypes"):
        _check_table(given)
    elif hasattr(given, "tocsr"):  # a sparse matrix, some of which are dictionaries too
        return
    elif given is None or isinstance(given, NEITHER):
        raise _other(*_told(given))
    elif isinstance(given, list | tuple):
        _check_sequence(given)
    elif isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype.kind in "OS":
        _check_sequence(given.tolist())


def _check_table(table: Any) -> None:
    """Refuse a table that holds more than numbers: which column holds the paths is not known."""
    kinds = {str(name): getattr(kind, "kind", "O") for name, kind in dict(table.dtypes).items()}
    texts = [name for name, kind in kinds.items() if kind not in "buif"]
    if texts:
        named = ", ".join(list(kinds)[:NAMED]) + ", ..." * (len(kinds) > NAMED)
        raise _other(
            f"a table of the columns {named}",
            f"give the column of paths as X, as in table[{texts[0]!r}], and that of labels as y",
        )


def _check_sequence(values: Sequence[Any]) -> None:
    """Refuse paths among which something else stands; what holds no path is no matter here."""
    if not len(values):
        raise DataError(
            "X", needed="at least one picture", came="none", remedy="leave the call out"
        )
    named = [isinstance(one, str | os.PathLike) for one in values]
    odd = next((row for row, is_path in enumerate(named) if not is_path), None)
    if odd is None:
        return
    value = values[odd]
    missing = sum(map(is_missing, values)) if is_missing(value) else 0
    if missing:
        raise _other(
            f"{counted(missing, 'row')} without a picture, the first of them row {odd}",
            "leave these rows out, and their labels",
        )
    if isinstance(value, bytes):
        raise _other(*_told(value))
    if isinstance(value, list | tuple) and len(value) and isinstance(value[0], str | bytes):
        raise _other(f"lists of texts, {value!r:.40}", "give one list of paths")
    if any(named) or not (isinstance(value, np.generic | int | float) or hasattr(value, "__len__")):
        came = f"{type(value).__name__} in row {odd}"
        raise _other(came, "give paths alone, or numbers alone, as np.asarray(picture)")


def _told(given: object) -> tuple[str, str]:
    """Say what was given, and what to do about it."""
    if given is None:
        return "None", "name a folder, or give an array"
    if isinstance(given, bytes | bytearray):
        return f"bytes, {bytes(given)[:20]!r}", (
            "give a path as text, os.fsdecode(path); an encoded picture as numbers, "
            "np.asarray(PIL.Image.open(io.BytesIO(data)))[None]"
        )
    return type(given).__name__, "give a list of paths, or an array"


def _other(came: str, remedy: str) -> DataError:
    return DataError("X", needed=NEEDED, came=came, remedy=remedy)
