"""An index that is a folder of parts, in which features or codes were written; read as it is asked.

However many pictures it is of, what is held of them is two numbers a part, and those without a
vector.

Axes: n picture, q query, d number of a vector, k neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Doubles, Floats, Integers
from foveal.bulk.reading import Parts, are_parts, open_parts
from foveal.errors import DataError
from foveal.model.codes_file import model_of
from foveal.nearest import Nearest
from foveal.pictures.ledger import Entry
from foveal.search.held import finite_squares
from foveal.search.index_file import Measure
from foveal.search.vectors import Progress, measure_of, scaled
from foveal.shapes import volume
from foveal.wording import agreeing, counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

NAMES = 4_096
"""Names that are read at once."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PartVectors:
    """Vectors of pictures, read from parts as often as they are asked for."""

    parts: Parts
    size: int
    """Numbers of a vector."""
    measure: Measure
    """How they are compared."""
    approximate = False
    """Whether a graph is searched."""
    notes: tuple[str, ...] = ()
    """What a reader should know: nothing."""

    def __len__(self) -> int:
        return int(self._ends[-1])

    @cached_property
    def _ends(self) -> Integers:
        """Vectors of each part and of all before it."""
        return np.cumsum(self.parts.readable, dtype=np.int64)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self)

    @cached_property
    def unreadable(self) -> tuple[Entry, ...]:
        """Those that have none, with the reason; only parts that say they have such are read."""
        rows = np.array([part.num_rows for part in self.parts.each()])
        return tuple(
            Entry(name, None, "", reason)
            for number in np.flatnonzero(rows > self.parts.readable).tolist()
            for name, reason in self._told(number)
            if reason
        )

    def names(self) -> Iterator[str]:
        """Read the names of those that have one."""
        for number in range(len(self.parts.files)):
            yield from (name for name, reason in self._told(number) if not reason)

    def _told(self, number: int) -> Iterator[tuple[str, str | None]]:
        """Read name of each picture of a part, and why it has no vector."""
        part = self.parts.part(number)
        for batch in part.iter_batches(NAMES, ["path", "error"]):
            yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)

    def batches(self) -> Iterator[Floats]:
        """Read the vectors part by part, ready to be compared.

        Raises
        ------
        DataError
            Where a part is damaged.
        """
        for part, wanted in zip(self.parts.each(), self.parts.readable, strict=True):
            seen = 0
            for rows in part.rows():
                there = [not reason for reason in rows.reasons]
                seen += sum(there)
                yield scaled(rows.values[there], self.measure)
            if seen != wanted:
                were = agreeing(wanted, "was", "were")
                raise part.damaged(f"{counted(seen, 'vector')} where {wanted:,} {were} written")

    def gathered(self) -> Floats:
        """Read all of them, (n, d)."""
        return np.concatenate([np.empty((0, self.size), np.float32), *self.batches()])

    def nearest(
        self, queries_qd: Floats, k: int, *, threads: int, progress: Progress | None = None
    ) -> tuple[list[Integers], list[Doubles]]:
        """Find the rows nearest to each query, nearest first, and their distances.

        All parts are gone through once, however many queries there are.
        """
        found = Nearest(queries_qd, min(k, len(self)), threads=threads)
        for batch in self.batches() if len(queries_qd) else ():
            found.add(batch, finite_squares(batch, found.count))
            if progress is not None and len(batch):
                progress(found.count, len(self))
        return list(found.rows_qk), list(np.sqrt(found.best_qk))

    def named(self, rows: Integers) -> list[str]:
        """Return the names of some rows; of each part that has one its names are read once."""
        known: dict[int, str] = {}
        wanted = np.unique(rows)
        parts = np.searchsorted(self._ends, wanted, side="right")
        for number in np.unique(parts).tolist():
            names = [name for name, reason in self._told(number) if not reason]
            first = int(self._ends[number]) - len(names)
            some = wanted[parts == number].tolist()
            known.update((row, names[row - first]) for row in some)
        return [known[row] for row in rows.tolist()]


def vectors_of_parts(model: FittedModel, where: Any, *, force: bool = False) -> PartVectors | None:
    """Open parts of features or codes as the vectors of an index; None for anything else.

    Raises
    ------
    DataError
        For parts of something else or of another model (taken with `force` if its vectors are as
        long), and where some are missing or damaged.
    """
    if not are_parts(where):
        return None
    parts, size = open_parts(where), volume(model.feature_session().network.shape)
    column = parts.vectors
    if column is None:
        raise DataError(
            parts.title,
            needed="parts that 'foveal encode' wrote, to search in",
            came=f"those of the columns {', '.join(parts.schema_arrow.names[:6])}",
            remedy="encode the pictures into a folder of parts, or name the pictures",
        )
    own, whose = model.digest(), model_of(parts.schema_arrow.metadata or {})
    wide = parts.schema_arrow.field(column).type.list_size
    if (whose != own and not force) or wide != size:
        raise DataError(
            parts.title,
            needed=f"vectors of this model ({own[:12]}...), of {counted(size, 'number')}",
            came=f"those of another ({(whose or 'none')[:12]}...), of {wide}",
            remedy="use the model that encoded them, or encode the pictures by this one",
        )
    return PartVectors(parts=parts, size=size, measure=measure_of(model))
