"""The table of what is left: pictures that may teach, as every command takes it.

Axes: n picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array, Hashes, Rows, Truths
from foveal.checking.findings import Finding
from foveal.checking.together import sets_of
from foveal.errors import UsageError
from foveal.pictures.collection import Pictures
from foveal.pictures.naming import paths_from
from foveal.tables import checked_table, write_table

ENDINGS = (".csv",)
DOUBT = "doubt"
USELESS = ("unreadable", "blank")
"""Kinds of findings that nobody can want to train on."""
DOUBTED = ("label", "far", "outlier", "blurred", "dark", "light", "size", "shape")
"""Kinds of findings that a person should look at: they stay, with a remark."""
HELD_OUT = ("test", "validation")
"""Parts that keep a picture that stands in several, the first first."""


@dataclass(frozen=True, eq=False)
class Cleaning:
    """Which pictures may teach, and how a table names them."""

    pictures: Pictures
    class_ids: Rows
    """Class of each picture, (n,)."""
    hashes: Hashes
    """Equal for equal pictures, (n,)."""
    units: Hashes
    """What may not be torn apart, (n,)."""
    findings: tuple[Finding, ...]

    @cached_property
    def rows(self) -> Rows:
        """Pictures that may teach."""
        kept = np.ones(len(self.pictures), dtype=bool)
        for one in self.findings:
            if one.kind in USELESS:
                kept[list(one.rows)] = False
        for same in sets_of(self.hashes, np.flatnonzero(kept)):
            kept[same] = False
            if len(np.unique(self.class_ids[same])) == 1:
                kept[self._first(same)] = True
        if self.pictures.parts is not None:
            self._untear(kept, self.pictures.parts)
        return np.flatnonzero(kept)

    def _first(self, same: Rows) -> int:
        """Choose which of equal pictures is kept: one that is held out, before one that trains."""
        if self.pictures.parts is None:
            return int(same[0])
        order = {part: place for place, part in enumerate(HELD_OUT)}
        parts = self.pictures.parts[same].tolist()
        return int(same[np.argmin([order.get(part, len(order)) for part in parts])])

    def _untear(self, kept: Truths, parts: Array) -> None:
        """Leave out, of what stands on both sides of a split, what would train or choose."""
        for place, part in enumerate(HELD_OUT):
            held = np.unique(self.units[kept & (parts == part)])
            others = ~np.isin(parts, HELD_OUT[: place + 1])
            kept[others & np.isin(self.units, held)] = False

    def write(self, path: Path) -> None:
        """Write the table, whole or not at all; see `Check.save_cleaned`."""
        checked_table(path, ENDINGS)
        paths = paths_from(self.pictures, path.parent)
        if paths is None:
            raise UsageError(
                "cleaned",
                needed="pictures that are files, which a table can name",
                came="arrays, or pictures within other files",
                remedy="leave it out: each finding names its rows",
            )
        columns = self._columns(paths)
        table = ([values[row] for values in columns.values()] for row in self.rows.tolist())
        write_table(path, list(columns), [table])

    def _columns(self, paths: list[str]) -> dict[str, list[Any]]:
        """Return the columns of the table, (n,) each: those that are known of these pictures."""
        pictures, groups = self.pictures, self._groups(paths)
        known = {
            "path": paths,
            "label": None if pictures.labels is None else pictures.labels.tolist(),
            "group": groups,
            "split": None if pictures.parts is None else pictures.parts.tolist(),
        }
        others = {name: values.tolist() for name, values in pictures.others.items()}
        found = {name: values for name, values in known.items() if values is not None}
        return {**others, **found, DOUBT: self._doubts()}

    def _groups(self, paths: list[str]) -> list[Any] | None:
        """Name what belongs together, by its first picture where it has no name; or None."""
        given, together = self.pictures.groups, sets_of(self.units, self.rows)
        if given is None and not together:
            return None
        groups: list[Any] = [None] * len(paths) if given is None else given.tolist()
        for rows in together:
            named = [groups[row] for row in rows if groups[row] is not None]
            for row in rows.tolist():
                groups[row] = named[0] if named else paths[rows[0]]
        return groups

    def _doubts(self) -> list[str]:
        """Say of each picture why a person should look at it, (n,)."""
        told: list[list[str]] = [[] for _ in range(len(self.pictures))]
        for one in self.findings:
            if one.kind in DOUBTED:
                for row, why in _each(one):
                    told[row].append(f"{one.about.title}: {why}")
        return ["; ".join(one) for one in told]


def _each(one: Finding) -> Iterator[tuple[int, str]]:
    return ((row, item.why) for item in one.items for row in item.rows)
