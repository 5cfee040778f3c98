"""Tables of rows as CSV, Parquet or JSON lines, whole or absent, in bounded memory."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import filelock
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.errors import UsageError
from foveal.files import checked_output, told, whole_file

FORMATS = (".csv", ".parquet", ".jsonl")
GROWING = (".csv", ".jsonl")
"""Formats to which rows can be added."""
KINDS = {
    **dict.fromkeys(("path", "predicted"), pa.string()),
    **dict.fromkeys(("part", "reason", "remark", "error"), pa.string()),
    **dict.fromkeys(("labels", "nearest"), pa.string()),
    **dict.fromkeys(("probability", "loss", "unfamiliarity"), pa.float64()),
    **dict.fromkeys(("number", "low", "high"), pa.float64()),
    **dict.fromkeys(("score", "mse", "distance"), pa.float64()),
    "fold": pa.int64(),
    **dict.fromkeys(("unfamiliar", "answered", "above"), pa.bool_()),
}
"""Types of columns whatever comes, even where no row has a value; probabilities of classes,
`p:CLASS`, are floats too. What is "true" is of the kind that a model answers with."""

Rows = Iterable[list[Any]]


def checked_table(path: Path, formats: tuple[str, ...] = FORMATS) -> Path:
    """Check the name under which a table is to be written.

    Raises
    ------
    UsageError
        For another ending than those of the formats, a folder of that name, or a folder that is
        not there.
    """
    return checked_output(path, formats)


def write_table(
    path: Path, columns: Sequence[str], batches: Iterable[Rows], texts: Collection[str] = ()
) -> int:
    """Write rows as they come; the name appears when all of them are there.

    Parameters
    ----------
    path : Path
        Its ending chooses the format.
    columns : sequence of str
        Names of the columns.
    batches : iterable of rows
        Each a list of values in the order of the columns; None where there is none.
    texts : collection of str
        Columns that hold anything: where a format asks for one type a column, they are texts.

    Returns
    -------
    int
        Rows written.
    """
    ending = checked_table(path).suffix.lower()
    with whole_file(path) as temporary:
        if ending == ".parquet":
            return _write_parquet(temporary, columns, batches, texts)
        return (_write_csv if ending == ".csv" else _write_lines)(temporary, columns, batches)


def _write_csv(path: Path, columns: Sequence[str], batches: Iterable[Rows]) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for rows in batches:
            for row in rows:
                writer.writerow(_cells(row))
                count += 1
    return count


def _write_lines(path: Path, columns: Sequence[str], batches: Iterable[Rows]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for rows in batches:
            for row in rows:
                file.write(_json_line(columns, row))
                count += 1
    return count


def _cells(row: list[Any]) -> list[Any]:
    return ["" if value is None else value for value in row]


def _json_line(columns: Sequence[str], row: list[Any]) -> str:
    return json.dumps(dict(zip(columns, row, strict=True))) + "\n"


def _write_parquet(
    path: Path, columns: Sequence[str], batches: Iterable[Rows], texts: Collection[str]
) -> int:
    count = 0
    any_type = [at for at, name in enumerate(columns) if name in texts]
    kinds = KINDS | dict.fromkeys(texts, pa.string())
    writer: pq.ParquetWriter | None = None
    waiting: list[list[Any]] = []
    try:
        for rows in batches:
            for row in rows:
                for at in any_type:
                    row[at] = None if row[at] is None else str(row[at])
                waiting.append(row)
            # The first batch that has a value in each column tells their types.
            if writer is None and not _typed(waiting, columns, kinds):
                continue
            writer, count = _flush(writer, path, columns, waiting, kinds), count + len(waiting)
            waiting = []
        if waiting or writer is None:
            writer, count = _flush(writer, path, columns, waiting, kinds), count + len(waiting)
    finally:
        if writer is not None:
            writer.close()
    return count


def _typed(rows: list[list[Any]], columns: Sequence[str], kinds: Mapping[str, pa.DataType]) -> bool:
    return all(
        name in kinds or name.startswith("p:") or any(row[column] is not None for row in rows)
        for column, name in enumerate(columns)
    )


def _flush(
    writer: Any,
    path: Path,
    columns: Sequence[str],
    rows: list[list[Any]],
    kinds: Mapping[str, pa.DataType],
) -> pq.ParquetWriter:
    if writer is None:
        writer = pq.ParquetWriter(path, _schema(columns, rows, kinds))
    writer.write_table(table_of(rows, writer.schema))
    return writer


def schema_of(columns: Sequence[str], rows: Sequence[list[Any]]) -> pa.Schema:
    """Decide the types of columns by some rows that have a value wherever `KINDS` says nothing."""
    return _schema(columns, rows, KINDS)


def table_of(rows: Sequence[list[Any]], schema: pa.Schema) -> pa.Table:
    """Make a table of rows, whose values stand in the order of a schema."""
    values = [[valid_text(row[column]) for row in rows] for column in range(len(schema))]
    arrays = [pa.array(one, type=field.type) for one, field in zip(values, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _schema(
    columns: Sequence[str], rows: Sequence[list[Any]], kinds: Mapping[str, pa.DataType]
) -> pa.Schema:
    types = [
        _type_of(name, [row[column] for row in rows], kinds) for column, name in enumerate(columns)
    ]
    return pa.schema(list(zip(columns, types, strict=True)))


def _type_of(name: str, values: list[Any], kinds: Mapping[str, pa.DataType]) -> pa.DataType:
    if name in kinds or name.startswith("p:"):
        return kinds.get(name, pa.float64())
    known = [value for value in values if value is not None]
    return pa.array(known).type if known else pa.string()


def valid_text(value: Any) -> Any:
    """Make odd file names (bytes that are no text) valid UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value


class GrowingTable:
    """A table to which rows are added: each is on the disk as a whole, whatever ends the process.

    What was cut off by an end in the middle of a row is taken away when it is opened again.

    Parameters
    ----------
    path : Path
        A .csv or .jsonl file, new, or begun with the same columns.
    columns : sequence of str
        Names of the columns; the first one names what a row is about.

    Raises
    ------
    UsageError
        For another format, another table of that name, and where another process adds to it.
    ResourceError
        Where the file cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = checked_table(path, GROWING), list(columns)
        self.known: set[str] = set()
        """What there are rows about."""
        self._as_csv = path.suffix.lower() == ".csv"
        self._lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
        self._begin()

    def _begin(self) -> None:
        """Open the file, for this process alone, and read what it is about."""
        with told(str(self.path)):
            try:
                self._lock.acquire(timeout=0)
            except filelock.Timeout:
                raise self._foreign("one that another process adds to") from None
            try:
                self._file = self.path.open("r+b" if self.path.exists() else "x+b")
                self._read()
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others add to it."""
        with contextlib.suppress(AttributeError):
            self._file.close()
        self._lock.release()

    def add(self, rows: Sequence[list[Any]]) -> None:
        """Add rows; they are on the disk when this returns."""
        if not rows:
            return
        with told(str(self.path)):
            self._put("".join(map(self._line, rows)))
        self.known.update(str(row[0]) for row in rows)

    def _put(self, text: str) -> None:
        self._file.write(text.encode("utf-8", "surrogateescape"))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _line(self, row: list[Any]) -> str:
        if not self._as_csv:
            return _json_line(self.columns, row)
        line = io.StringIO()
        csv.writer(line).writerow(_cells(row))
        return line.getvalue()

    def _read(self) -> None:
        """Read what the rows are about, and take away what is no whole row at the end."""
        end = 0
        for row, (record, stop) in enumerate(_records(self._file, quoted=self._as_csv)):
            name, end = self._name_in(record, is_head=self._as_csv and row == 0), stop
            if name is not None:
                self.known.add(name)
        self._file.truncate(end)
        self._file.seek(end)
        if self._as_csv and end == 0:
            self._put(self._line(list(self.columns)))

    def _name_in(self, record: bytes, *, is_head: bool) -> str | None:
        """Return what a row is about; the head of a table is about nothing."""
        text = record.decode("utf-8", "surrogateescape")
        try:
            if not self._as_csv:
                facts = json.loads(text)
                if not isinstance(facts, dict) or list(facts) != self.columns:
                    raise self._foreign("one of other columns")
                return str(facts[self.columns[0]])
            (cells,) = csv.reader(io.StringIO(text, newline=""), strict=True)
        except (ValueError, csv.Error):
            raise self._foreign("a file that is none") from None
        if len(cells) != len(self.columns) or (is_head and cells != self.columns):
            raise self._foreign("one of other columns")
        return None if is_head else cells[0]

    def _foreign(self, came: str) -> UsageError:
        return UsageError(
            f"`to` {self.path}",
            needed=f"a new table, or one of the columns {', '.join(self.columns[:4])}, ...",
            came=came,
            remedy="choose another name",
        )


def _records(file: BinaryIO, *, quoted: bool) -> Iterator[tuple[bytes, int]]:
    """Yield each whole record of a file with the place where it ends; lines within quotes too."""
    parts: list[bytes] = []
    end = quotes = 0
    for line in file:
        parts.append(line)
        quotes += line.count(b'"') if quoted else 0
        if quotes % 2 == 0 and line.endswith(b"\n"):
            record = b"".join(parts)
            end += len(record)
            yield record, end
            parts, quotes = [], 0
