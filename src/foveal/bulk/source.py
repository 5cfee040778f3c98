"""A folder of parts as pictures to learn from, whose features are there.

Of each row its name, its labels and a few bytes are in memory; features are read when they are
asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foveal.arrays import Hashes, Rows
from foveal.bulk.part import TEXTS
from foveal.bulk.reading import HASH, Parts, are_parts, open_parts
from foveal.errors import DataError
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.sources import gather
from foveal.pictures.sources.columns import LABEL, PATH, TRIED, Listed, Named, told
from foveal.pictures.sources.shards import MembersToo
from foveal.pictures.texts import Texts
from foveal.wording import agreeing, counted

FEATURES, REASON = "features", "error"
ROWS = 65_536
"""Rows of names and labels that are read at once."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PartFeatures:
    """Features of pictures that lie in parts."""

    parts: Parts
    rows: Rows
    """Which rows of all parts these are."""
    hashes: Hashes
    """Equal for equal pictures, (n,); 0 where there is none."""
    reasons: Mapping[int, str]
    """Why rows of all parts have none, by row."""

    @property
    def title(self) -> str:
        """How the folder is named in messages."""
        return self.parts.title

    @property
    def width(self) -> int:
        """Numbers of a picture."""
        return int(self.parts.schema_arrow.field(FEATURES).type.list_size)

    def take(self, rows: Sequence[int]) -> PartFeatures:
        """Return those of some rows, in this order."""
        picked = np.asarray(rows, dtype=np.intp)
        return replace(self, rows=self.rows[picked], hashes=self.hashes[picked])


def gather_parts_too(given: Any) -> Pictures:
    """Find pictures as `foveal.pictures.sources.gather` does, or in parts of their features.

    Raises
    ------
    DataError
        Where nothing is found, and for parts that cannot be learned from.
    """
    named = isinstance(given, str | os.PathLike) and bool(os.fspath(given))
    return pictures_of_parts(open_parts(given)) if named and are_parts(given) else gather(given)


def pictures_of_parts(parts: Parts) -> Pictures:
    """Make pictures of the rows of parts: what their sources said of them counts.

    Raises
    ------
    DataError
        For parts of anything but features, and for those that do not tell equal pictures.
    """
    _check(parts)
    columns, texts = _columns(parts)
    names, reasons = Texts(), dict[int, str]()
    values: dict[str, list[str | None]] = {name: [] for name in columns}
    hashes: Hashes = np.zeros(parts.num_rows, np.int64)
    same: dict[str | None, str | None] = {}
    for batch in parts.iter_batches(ROWS, [PATH, REASON, HASH, *columns]):
        start = len(names)
        for name in batch.column(PATH).to_pylist():
            names.append(name)
        why = batch.column(REASON)
        for row in np.flatnonzero(why.is_valid()).tolist():
            reasons[start + row] = str(why[row])
        hashes[start : len(names)] = batch.column(HASH).fill_null(0).to_numpy()
        for name in columns:
            values[name] += _once(batch.column(name), same)
    if len(names) != parts.num_rows:
        wanted = f"{parts.num_rows:,} {agreeing(parts.num_rows, 'was', 'were')} written"
        raise parts.damaged(f"{counted(len(names), 'row')} where {wanted}")
    listed = Listed(
        rows=MembersToo(Named(Path.cwd(), names, {})),
        names=names,
        columns=values,
        folders=texts,
        as_written=True,
    )
    features = PartFeatures(parts=parts, rows=np.arange(len(names)), hashes=hashes, reasons=reasons)
    return replace(told([listed], parts.title), features=features)


def at_hand(pictures: Pictures) -> bool:
    """Whether some of a few pictures, evenly spaced, can be read where their names say."""
    try:
        pictures.content.heads(evenly(len(pictures), TRIED))
    except DataError:
        return False
    return True


def _check(parts: Parts) -> None:
    """Check that parts hold features, and tell equal pictures."""
    schema = parts.schema_arrow
    if parts.vectors != FEATURES:
        raise DataError(
            parts.title,
            needed="parts of features",
            came=f"those of the columns {', '.join(schema.names[:6])}",
            remedy="encode the pictures by 'imagenet' or another model that is no autoencoder",
        )
    if HASH not in schema.names:
        raise DataError(
            parts.title,
            needed="parts that tell equal pictures, by a hash of each",
            came="those of an earlier version, without",
            remedy="encode the pictures again, into another folder",
        )


def _columns(parts: Parts) -> tuple[list[str], bool]:
    """List what sources said of pictures of any part, and whether all labels are texts."""
    found: dict[str, None] = {}
    texts = True
    for schema in parts.schemas():
        found |= dict.fromkeys(schema.names)
        texts &= LABEL not in schema.names or TEXTS in (schema.metadata or {})
    own = {PATH, FEATURES, REASON, HASH}
    return [name for name in found if name not in own], texts


def _once(column: pa.Array, same: dict[str | None, str | None]) -> Iterator[str | None]:
    """Return texts of which equal ones are one."""
    return (same.setdefault(one, one) for one in column.to_pylist())
