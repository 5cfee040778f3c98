"""Rows of answers under their columns, as plain values of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foveal.model.predictions import Predictions
from foveal.results import plain

Row = dict[str, Any]


def rows_of(columns: Sequence[str], rows: Any) -> list[Row]:
    """Return the rows of a table under its columns, as plain values."""
    return [dict(zip(columns, map(plain, row), strict=True)) for row in rows]


def rows_of_most(found: Predictions, top: int) -> tuple[list[Row], int]:
    """Return the rows of predictions, of each no more than the `top` most probable classes.

    Returns
    -------
    tuple of rows and int
        How many classes each row leaves out: with fewer than `top` none.
    """
    rows, (_, classes) = rows_of(found.columns, found.rows()), found.target.columns()
    if len(classes) <= top:
        return rows, 0
    return [_without_the_least(row, classes, top) for row in rows], len(classes) - top


def _without_the_least(row: Row, classes: Sequence[str], top: int) -> Row:
    told = [name for name in classes if row[name] is not None]
    kept = set(sorted(told, key=lambda name: -row[name])[:top])
    gone = set(classes) - kept
    return {name: value for name, value in row.items() if name not in gone}
