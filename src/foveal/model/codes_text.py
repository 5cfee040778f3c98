"""Codes that were written as text, .csv or .jsonl, read back as the table that Parquet gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json

from foveal.errors import DataError

FORMATS = (".parquet", ".csv", ".jsonl")
"""Endings of files of codes; the first alone says whose they are, and checks every bit."""
DAMAGES = (pa.ArrowException, OSError, UnicodeDecodeError, ValueError)
"""What reading text that is no table raises."""


class CodesTable(Protocol):
    """What is asked of a table of codes; `pyarrow.parquet.ParquetFile` has it."""

    @property
    def schema_arrow(self) -> pa.Schema:
        """Names and types of the columns."""
        ...

    @property
    def metadata(self) -> Any:
        """What knows the number of rows."""
        ...

    def read(self, columns: list[str]) -> pa.Table:
        """Read some columns whole."""
        ...

    def iter_batches(self, batch_size: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Read some columns, part by part."""
        ...


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table in memory."""

    table: pa.Table

    @property
    def schema_arrow(self) -> pa.Schema:
        """Names and types of the columns."""
        return self.table.schema

    @property
    def metadata(self) -> pa.Table:
        """What knows the number of rows."""
        return self.table

    def read(self, columns: list[str]) -> pa.Table:
        """Read some columns whole."""
        return self.table.select(columns)

    def iter_batches(self, batch_size: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Read some columns, part by part."""
        yield from self.table.select(columns).combine_chunks().to_batches(batch_size)


def read_text(path: Path) -> TextTable:
    """Read a .csv file, a column a number (code0, code1, ...), or a .jsonl file, a list a code.

    A code of which any number is missing is none.

    Raises
    ------
    DataError
        Where it is no such table.
    """
    try:
        if path.suffix.lower() == ".csv":
            return TextTable(_gathered(pyarrow.csv.read_csv(path)))
        return TextTable(pyarrow.json.read_json(path))
    except DAMAGES as error:
        raise DataError(
            str(path),
            needed="a table that 'foveal encode' wrote",
            came=(str(error).splitlines() or ["nothing"])[0][:120],
            remedy="encode the pictures again",
        ) from error


def _gathered(table: pa.Table) -> pa.Table:
    """Gather the columns code0, code1, ... into one of lists."""
    names = [f"code{number}" for number in range(len(table.schema.names))]
    names = [name for name in names if name in table.schema.names]
    if not names:
        return table
    columns = [table.column(name).cast(pa.float32()).combine_chunks() for name in names]
    absent = np.logical_or.reduce([one.is_null().to_numpy(zero_copy_only=False) for one in columns])
    flat = np.stack([one.to_numpy(zero_copy_only=False) for one in columns], axis=1)
    codes = pa.FixedSizeListArray.from_arrays(
        pa.array(flat.reshape(-1)), len(names), mask=pa.array(absent)
    )
    return table.drop_columns(names).append_column("code", codes)
