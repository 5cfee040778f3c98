"""The vectors of an index out of a folder of parts, in which features or codes were written.

Axes: n picture, d number of a vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Floats
from foveal.bulk.folder import MANIFEST
from foveal.bulk.reading import Parts, open_parts
from foveal.errors import DataError
from foveal.model.codes_file import model_of
from foveal.pictures.ledger import Entry
from foveal.search.index_file import Measure
from foveal.search.vectors import measure_of, scaled
from foveal.shapes import volume
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PartVectors:
    """Vectors of pictures, read from parts as often as they are asked for."""

    parts: Parts
    names: tuple[str, ...]
    """The pictures that have one."""
    unreadable: tuple[Entry, ...]
    """Those that have none, with the reason."""
    size: int
    """Numbers of a vector."""
    measure: Measure
    """How they are compared."""
    notes: tuple[str, ...] = ()
    """What a reader should know: nothing."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    def batches(self) -> Iterator[Floats]:
        """Read the vectors part by part, ready to be compared."""
        for rows in self.parts.rows():
            there = [not reason for reason in rows.reasons]
            yield scaled(rows.values[there], self.measure)

    def gathered(self) -> Floats:
        """Read all of them, (n, d)."""
        return np.concatenate([np.empty((0, self.size), np.float32), *self.batches()])


def are_parts(where: Any) -> bool:
    """Whether this names a folder of parts."""
    return isinstance(where, str | Path) and (Path(where) / MANIFEST).is_file()


def vectors_of_parts(model: FittedModel, place: Path, *, force: bool = False) -> PartVectors:
    """Open parts of features or codes as the vectors of an index.

    Raises
    ------
    DataError
        For parts of something else or of another model (taken with `force` if its vectors are as
        long), and where some are missing or damaged.
    """
    parts, size = open_parts(place), volume(model.feature_session().network.shape)
    column = parts.vectors
    if column is None:
        raise DataError(
            str(place),
            needed="parts that 'foveal encode' wrote, to search in",
            came=f"those of the columns {', '.join(parts.schema_arrow.names[:6])}",
            remedy="encode the pictures into a folder of parts, or name the pictures",
        )
    own, whose = model.digest(), model_of(parts.schema_arrow.metadata or {})
    wide = parts.schema_arrow.field(column).type.list_size
    if (whose != own and not force) or wide != size:
        raise DataError(
            str(place),
            needed=f"vectors of this model ({own[:12]}...), of {counted(size, 'number')}",
            came=f"those of another ({(whose or 'none')[:12]}...), of {wide}",
            remedy="use the model that encoded them, or encode the pictures by this one",
        )
    names, unreadable = list[str](), list[Entry]()
    for batch in parts.iter_batches(4_096, ["path", "error"]):
        told = zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
        for name, reason in told:
            if reason:
                unreadable.append(Entry(name, None, "", reason))
            else:
                names.append(name)
    return PartVectors(
        parts=parts,
        names=tuple(names),
        unreadable=tuple(unreadable),
        size=size,
        measure=measure_of(model),
    )
