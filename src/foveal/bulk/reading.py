"""Reading a folder of parts as one table, part by part, in the memory of a few rows.

The folder lies here or at an address, of whose parts the cache keeps copies.

Axes: n picture, d number of a vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.addresses import is_remote, shown
from foveal.arrays import Floats, Integers
from foveal.bulk.folder import names_in, short
from foveal.bulk.part import Part, mark_of_part
from foveal.bulk.remote_folder import at_hand, manifest_at, part_at, said_by, stamp_of, stamps_at
from foveal.bulk.work import mark_of
from foveal.errors import DataError
from foveal.remote_errors import NoObject
from foveal.vocabulary import MANIFEST
from foveal.wording import counted

ROWS = 1_024
"""Rows that are read at once."""
HASH = "hash"
"""Column of a hash of each picture, by which equal ones are told."""
VECTORS = ("features", "code")
"""Columns that hold a vector a row."""
DAMAGES = (pa.ArrowException, OSError, NoObject)
"""What reading a damaged part raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfVectors:
    """Some rows of parts that hold vectors, in order."""

    names: Sequence[str]
    """The pictures."""
    values: Floats
    """(n, d); NaN where there is none."""
    reasons: Sequence[str]
    """Why a picture has none; empty where it has one."""
    columns: Mapping[str, Sequence[str | None]]
    """What else is known of each: label, group, split, and what the sources said besides."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Parts:
    """A whole folder of parts, opened; it answers as `pyarrow.parquet.ParquetFile` does."""

    place: Path | str
    """The folder, or its address."""
    files: Sequence[Path | str]
    """The parts, in order."""
    lengths: Integers
    """Rows of each."""
    readable: Integers
    """Rows of each that are of pictures that can be read."""
    marks: Sequence[str]
    """What tells each from any other that may take its name, and from itself once it is changed."""
    stamps: Sequence[str]
    """What tells that the bytes of each did not change, see `remote_folder.stamps_at`."""
    engines: Sequence[str]
    """What made each, see `part.Part.engine`."""
    schema_arrow: pa.Schema
    """Columns of the first part: those of the answers are the same in all of them."""

    @property
    def title(self) -> str:
        """How the folder is named in messages."""
        return shown(str(self.place))

    @property
    def num_rows(self) -> int:
        """Rows of all of them."""
        return int(self.lengths.sum())

    @property
    def metadata(self) -> Parts:
        """Return what knows the number of rows: itself."""
        return self

    @property
    def vectors(self) -> str | None:
        """The column that holds a vector a row; None where there is none."""
        return next((name for name in VECTORS if name in self.schema_arrow.names), None)

    def schemas(self) -> Iterator[pa.Schema]:
        """Read the columns of each part: further ones are those of the sources of its pictures."""
        return map(_schema, self.files)

    def part(self, number: int) -> Parts:
        """Return one part by itself."""
        one = slice(number, number + 1)
        return replace(
            self,
            files=self.files[one],
            lengths=self.lengths[one],
            readable=self.readable[one],
            marks=self.marks[one],
            stamps=self.stamps[one],
            engines=self.engines[one],
        )

    def each(self) -> Iterator[Parts]:
        """Return each part by itself, in order."""
        return map(self.part, range(len(self.files)))

    def read(self, columns: list[str]) -> pa.Table:
        """Read some columns whole."""
        fields = [self.schema_arrow.field(name) for name in columns]
        batches = list(self.iter_batches(ROWS, columns))
        return pa.Table.from_batches(batches, schema=pa.schema(fields))

    def iter_batches(self, batch_size: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Read some columns, a few rows at a time; empty where a part has no such column.

        Raises
        ------
        DataError
            Where a part is damaged, or cannot be read.
        """
        for file in self.files:
            for batch in _batches(file, batch_size, columns):
                yield _filled(batch, columns)

    def rows(self, size: int = ROWS) -> Iterator[RowsOfVectors]:
        """Read vectors with all that is known of their pictures, a few rows at a time.

        Raises
        ------
        DataError
            For parts without vectors, and where one is damaged.
        """
        column = self.vectors
        if column is None:
            raise DataError(
                self.title,
                needed="parts that 'foveal encode' wrote",
                came=f"those of the columns {', '.join(self.schema_arrow.names[:6])}",
                remedy="encode the pictures into a folder of parts",
            )
        kind = self.schema_arrow.field(column).type
        for file in self.files:
            for batch in _batches(file, size):
                if column not in batch.schema.names or batch.schema.field(column).type != kind:
                    raise _damaged(file, f"other columns than {column} of {kind}")
                yield _rows(batch, column)

    def check_unchanged(self) -> None:
        """Check that the parts are those that were opened; of an address a copy is read.

        Raises
        ------
        DataError
            Where one was written anew or removed meanwhile.
        """
        for file, stamp in zip(self.files, self.stamps, strict=True):
            if isinstance(file, Path) and stamp_of(file) != stamp:
                raise DataError(
                    shown(str(file)),
                    needed="a part that stays as it is while it is read",
                    came="one that was written anew, or removed",
                    remedy="give the command again once nothing is written there",
                )

    def damaged(self, came: str) -> DataError:
        """Make the error for parts, or one part by itself, in which something does not hold."""
        return _damaged(self.files[0] if len(self.files) == 1 else self.place, came)


def are_parts(where: Any) -> bool:
    """Whether this names a folder of parts, here or at an address.

    Raises
    ------
    DataError
        For a bucket that is not there.
    ResourceError
        Where a server does not answer.
    """
    if is_remote(where):
        return manifest_at(where) is not None
    return isinstance(where, str | Path) and (Path(where) / MANIFEST).is_file()


def open_parts(place: Path | str) -> Parts:
    """Open a folder of parts, all of which are there.

    Raises
    ------
    DataError
        For a folder of something else, and where parts are missing or damaged.
    ResourceError
        Where a server does not answer.
    """
    title, known = shown(str(place)), manifest_at(place)
    if known is None:
        raise DataError(
            title,
            needed=f"a folder of parts, with {MANIFEST}",
            came="one without",
            remedy="name the folder that was written to with a / at its end",
        )
    there, wanted = stamps_at(place), known.get("parts")
    if wanted is None or len(there) != wanted or set(there) != set(range(len(there))):
        raise DataError(
            title,
            needed="all parts" if wanted is None else f"all of {counted(wanted, 'part')}",
            came=f"{len(there):,} of them",
            remedy="give the command again that writes them: it goes on with what is missing",
        )
    if not there:
        raise _damaged(place, "no parts")
    files = [part_at(place, number) for number in sorted(there)]
    said = [_said(file, number, known) for number, file in enumerate(files)]
    lengths = np.array([one.rows for one in said], np.int64)
    if lengths.sum() != known.get("pictures"):
        raise DataError(
            title,
            needed=f"{counted(known.get('pictures', 0), 'row')} in all parts, one a picture",
            came=f"{lengths.sum():,}: one of the parts is of other pictures",
            remedy="give the command again that wrote the parts: it names the one that is",
        )
    return Parts(
        place=place,
        files=files,
        lengths=lengths,
        readable=lengths - np.array([one.unreadable for one in said], np.int64),
        marks=[mark_of_part(one, there[number]) for number, one in enumerate(said)],
        stamps=[there[number] for number in range(len(files))],
        engines=[one.engine for one in said],
        schema_arrow=_schema(files[0]),
    )


def _said(file: Path | str, number: int, known: Mapping[str, Any]) -> Part:
    """Read what a part says of itself, and hold it against what is said of all of them."""
    found = said_by(file)
    if isinstance(found, str):
        raise _damaged(file, found)
    if found.work != mark_of(known["work"]):
        needed = "a part by the model and options that the folder was begun with"
        raise _foreign(file, needed, "one of other work")
    if found.number != number:
        raise _foreign(file, f"part {number}", f"a copy of part {found.number}")
    names = names_in(known, number)
    if names and short(found.names) != names:
        came = f"{counted(found.rows, 'row')} of others, as of another folder of parts"
        raise _foreign(file, "the part of the pictures that were named, in their order", came)
    return found


def _schema(file: Path | str) -> pa.Schema:
    try:
        with at_hand(file) as path:
            return pq.read_schema(path)
    except DAMAGES as error:
        raise _damaged(file, _reason(error)) from error


def _batches(
    file: Path | str, size: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a part, a few rows at a time, of some columns those it has; a flipped bit is noticed."""
    checked = {"memory_map": True, "page_checksum_verification": True}
    try:
        with at_hand(file) as path, pq.ParquetFile(path, **checked) as part:
            names = part.schema_arrow.names
            there = [name for name in columns or names if name in names]
            yield from part.iter_batches(size, columns=there)
    except DAMAGES as error:
        raise _damaged(file, _reason(error)) from error


def _filled(batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    """Add columns that a part does not have, empty."""
    arrays = [
        batch.column(name) if name in batch.schema.names else pa.nulls(len(batch), pa.string())
        for name in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=columns)


def _rows(batch: pa.RecordBatch, column: str) -> RowsOfVectors:
    vectors = batch.column(column)
    absent = vectors.is_null().to_numpy(zero_copy_only=False)
    values = np.full((len(batch), vectors.type.list_size), np.nan, dtype=np.float32)
    values[~absent] = (
        vectors.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(-1, values.shape[1])
    )
    rest = [name for name in batch.schema.names if name not in ("path", column, "error", HASH)]
    return RowsOfVectors(
        names=batch.column("path").to_pylist(),
        values=values,
        reasons=[one or "" for one in batch.column("error").to_pylist()],
        columns={name: batch.column(name).to_pylist() for name in rest},
    )


def _reason(error: BaseException) -> str:
    """Say why a part cannot be read."""
    return "none" if isinstance(error, FileNotFoundError) else str(error)


def _foreign(file: Path | str, needed: str, came: str) -> DataError:
    return DataError(
        shown(str(file)),
        needed=needed,
        came=came,
        remedy="remove it, and give the command again that wrote the parts",
    )


def _damaged(place: Path | str, came: str) -> DataError:
    return DataError(
        shown(str(place)),
        needed="whole parts",
        came=(came.splitlines() or ["nothing"])[0][:120],
        remedy="remove what is damaged, and give the command again that wrote it",
    )
