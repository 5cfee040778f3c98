"""Reading a folder of parts as one table, part by part, in the memory of a few rows.

Axes: n picture, d number of a vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.arrays import Floats
from foveal.bulk.folder import MANIFEST, part_path, parts_there, read_manifest
from foveal.errors import DataError
from foveal.wording import counted

ROWS = 1_024
"""Rows that are read at once."""
VECTORS = ("features", "code")
"""Columns that hold a vector a row."""
DAMAGES = (pa.ArrowException, OSError)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A whole folder of parts, opened; it answers as `pyarrow.parquet.ParquetFile` does."""

    place: Path
    files: Sequence[Path]
    """The parts, in order."""
    num_rows: int
    """Rows of all of them."""
    schema_arrow: pa.Schema
    """Columns of the first part: those of the answers are the same in all of them."""

    @property
    def metadata(self) -> Parts:
        """Return what knows the number of rows: itself."""
        return self

    @property
    def vectors(self) -> str | None:
        """The column that holds a vector a row; None where there is none."""
        return next((name for name in VECTORS if name in self.schema_arrow.names), None)

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
        for path in self.files:
            try:
                with opened(path) as file:
                    there = [name for name in columns if name in file.schema_arrow.names]
                    for batch in file.iter_batches(batch_size, columns=there):
                        yield _filled(batch, columns)
            except DAMAGES as error:
                raise _damaged(path, str(error)) from error

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
                str(self.place),
                needed="parts that 'foveal encode' wrote",
                came=f"those of the columns {', '.join(self.schema_arrow.names[:6])}",
                remedy="encode the pictures into a folder of parts",
            )
        for path in self.files:
            names = opened(path).schema_arrow.names
            for batch in Parts(
                place=self.place,
                files=[path],
                num_rows=0,
                schema_arrow=self.schema_arrow,
            ).iter_batches(size, names):
                yield _rows(batch, column)


def open_parts(place: Path) -> Parts:
    """Open a folder of parts, all of which are there.

    Raises
    ------
    DataError
        For a folder of something else, and where parts are missing or damaged.
    """
    known = read_manifest(place)
    if known is None:
        raise DataError(
            str(place),
            needed=f"a folder of parts, with {MANIFEST}",
            came="one without",
            remedy="name the folder that was written to with a / at its end",
        )
    there, wanted = parts_there(place), known.get("parts")
    if wanted is None or there != set(range(wanted)):
        raise DataError(
            str(place),
            needed="all parts" if wanted is None else f"all of {counted(wanted, 'part')}",
            came=f"{len(there):,} of them",
            remedy="give the command again that writes them: it goes on with what is missing",
        )
    files = [part_path(place, number) for number in sorted(there)]
    try:
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        schema = pq.read_schema(files[0])
    except DAMAGES as error:
        raise _damaged(place, str(error)) from error
    if rows != known["pictures"]:
        raise _damaged(place, f"{counted(rows, 'row')} of {known['pictures']:,}")
    return Parts(place=place, files=files, num_rows=rows, schema_arrow=schema)


def opened(path: Path) -> pq.ParquetFile:
    """Open a part; a flipped bit in what is read of it is noticed."""
    return pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)


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
    rest = [name for name in batch.schema.names if name not in ("path", column, "error")]
    return RowsOfVectors(
        names=batch.column("path").to_pylist(),
        values=values,
        reasons=[one or "" for one in batch.column("error").to_pylist()],
        columns={name: batch.column(name).to_pylist() for name in rest},
    )


def _damaged(path: Path, came: str) -> DataError:
    return DataError(
        str(path),
        needed="whole parts",
        came=(came.splitlines() or ["nothing"])[0][:120],
        remedy="give the command again that wrote them: it writes damaged parts again",
    )
