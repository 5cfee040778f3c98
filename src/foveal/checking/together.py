"""Pictures that are one: equal ones and near copies, under several labels, in several parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from foveal.arrays import Hashes, Rows
from foveal.checking.balance import ClassIds
from foveal.checking.findings import Finding, finding
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import NearCopies
from foveal.pictures.groups import group_ids
from foveal.pictures.units import units_of


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Together:
    """Which pictures belong together."""

    pictures: Pictures
    classes: ClassIds
    hashes: Hashes
    """Equal for equal pictures, (n,)."""
    rows: Rows
    """Pictures that are compared: those in which there is something to see."""
    copies: NearCopies
    """Near copies among pictures that differ."""
    distinct: int
    """Pictures that differ."""

    @property
    def equal(self) -> list[Rows]:
        """Sets of equal pictures."""
        return sets_of(self.hashes, self.rows)

    @property
    def near(self) -> list[Rows]:
        """Sets of near copies, of each picture one."""
        own = np.arange(len(self.pictures), dtype=np.int64)
        return sets_of(units_of(own, self.rows, None, self.copies.pairs), self.rows)

    def units(self, *, grouped: bool = True) -> Hashes:
        """Number what may not be torn apart, (n,): equal pictures, near copies, and groups."""
        groups = self.pictures.groups if grouped else None
        return units_of(self.hashes, self.rows, groups, self.copies.pairs)

    def findings(self) -> Iterator[Finding | None]:
        """Find what belongs together; each set is told once, by the worst that is wrong with it.

        Yields
        ------
        Finding or None
            None where nothing of a kind was found.
        """
        names = self.pictures.names
        worse = [
            finding("contradiction", self._contradictions(), names),
            finding("leak", self._leaks(), names),
        ]
        yield from worse
        told = {row for one in worse if one is not None for row in one.rows}
        equal = ((rows, f"equal: {len(rows)}") for rows in self.equal if not told.issuperset(rows))
        yield finding("equal", equal, names)
        near = ((rows, self._alike(rows)) for rows in self.near if not told.issuperset(rows))
        yield finding("near", near, names)

    def _contradictions(self) -> Iterator[tuple[Rows, str]]:
        for word, sets in (("equal", self.equal), ("near copies", self.near)):
            for rows in sets:
                labels = sorted(
                    {self.classes.name(row) for row in rows if self.classes.ids[row] >= 0}
                )
                if len(labels) > 1:
                    yield rows, f"{word} under {' and '.join(labels)}"

    def _leaks(self) -> Iterator[tuple[Rows, str]]:
        """Name sets that stand in several parts, each once, by the closest tie that tears."""
        parts = self.pictures.parts
        if parts is None:
            return
        alike = self.units(grouped=False)
        for rows in sets_of(alike, self.rows):
            if len(set(parts[rows])) > 1:
                word = "equal" if len(set(self.hashes[rows])) == 1 else "near copies"
                yield rows, f"{word} in {_listed(parts[rows])}"
        if self.pictures.groups is None:
            return
        numbers = group_ids(self.pictures.groups)
        grouped = self.rows[numbers[self.rows] >= 0]
        for rows in sets_of(numbers, grouped):
            if len(set(parts[rows])) > 1:
                yield rows, f"group {self.pictures.groups[rows[0]]} in {_listed(parts[rows])}"

    def _alike(self, rows: Rows) -> str:
        inside = np.isin(self.copies.pairs[:, 0], rows)
        alike = self.copies.alike[inside]
        return f"edges correlate {alike.min():.2f} and more" if len(alike) else "near copies"


def _listed(parts: Iterable[str]) -> str:
    return " and ".join(sorted(part or "no part" for part in set(parts)))


def sets_of(ids: Hashes | Rows, rows: Rows) -> list[Rows]:
    """Gather rows that share an id, two and more, by their first rows."""
    order = rows[np.argsort(ids[rows], kind="stable")]
    ends = np.flatnonzero(np.diff(ids[order])) + 1
    found = [np.sort(one) for one in np.split(order, ends) if len(one) > 1]
    return sorted(found, key=lambda one: int(one[0]))
