"""Frames: tables of pictures in memory, of pandas, polars, pyarrow or whatever answers alike.

None of these libraries is imported: a frame is what names its columns and gives each as a list, or
what gives itself as a stream of Arrow (the PyCapsule interface, `__arrow_c_stream__`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources.cells import encoded_of
from foveal.pictures.sources.columns import PATH, Listed, check_columns, of_paths, told
from foveal.pictures.sources.parquet import USUAL

WHERE = "X"
LISTS = ("to_list", "to_pylist")
"""What columns of pandas and polars, and of pyarrow, give themselves as lists by."""


def takes(given: Any) -> bool:
    """Whether this is a frame with a column of pictures or paths, or one of no numbers."""
    names = names_of(given)
    if PATH in names or set(USUAL) & set(names):
        return True
    return any(isinstance(_first(given, name), str | os.PathLike) for name in names)


def read(given: Any) -> Pictures:
    """Read a frame; relative paths count from the present folder."""
    names = names_of(given)
    picture = next((name for name in USUAL if name in names), None)
    if PATH in names or picture is None:
        check_columns(names, WHERE)
        columns = {name: _values(given, name) for name in names}
        return told([of_paths(columns, WHERE, Path().absolute(), {})], WHERE)
    cells = _values(given, picture)
    numbers = [str(row) for row in range(len(cells))]
    here = Path()
    rows = tuple(encoded_of(one, name, here) for one, name in zip(cells, numbers, strict=True))
    columns = {name: _values(given, name) for name in names if name != picture}
    return told([Listed(rows=rows, names=numbers, columns=columns)], WHERE)


def names_of(given: Any) -> list[str]:
    """Return the names of a frame's columns; none of what is no frame."""
    if isinstance(given, Sequence) or hasattr(given, "__array_interface__"):
        return []
    names = getattr(given, "column_names", None)
    if names is None:
        names = getattr(given, "columns", None)
    if names is None and hasattr(given, "__arrow_c_stream__") and not hasattr(given, "to_numpy"):
        names = pa.table(given).column_names
    try:
        found = list(names) if names is not None else []
    except TypeError:
        return []
    return found if all(isinstance(one, str) for one in found) else []


def _values(given: Any, name: str) -> list[Any]:
    """Return a column as a list.

    Raises
    ------
    DataError
        For two columns of one name.
    """
    if not hasattr(given, "__getitem__"):
        given = pa.table(given)
    column = given[name]
    for method in LISTS:
        if hasattr(column, method):
            return list(getattr(column, method)())
    raise DataError(
        WHERE,
        needed=f"one column named {name}",
        came=type(column).__name__,
        remedy="give a frame of pandas, polars or pyarrow with one column of that name",
    )


def _first(given: Any, name: str) -> Any:
    head = given[name][:1] if hasattr(given, "__getitem__") else pa.table(given)[name][:1]
    for method in LISTS:
        if hasattr(head, method):
            return next(iter(getattr(head, method)()), None)
    return None
