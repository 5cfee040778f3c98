"""Tables of rows as CSV, Parquet or JSON lines, whole or absent, in bounded memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foveal.files import checked_output, whole_file

FORMATS = (".csv", ".parquet", ".jsonl")
KINDS = {
    **dict.fromkeys(("path", "true", "predicted"), pa.string()),
    **dict.fromkeys(("part", "reason", "remark", "error"), pa.string()),
    **dict.fromkeys(("probability", "loss", "unfamiliarity"), pa.float64()),
    "fold": pa.int64(),
    **dict.fromkeys(("unfamiliar", "answered"), pa.bool_()),
}
"""Types of columns whatever comes, even where no row has a value; probabilities of classes,
`p:CLASS`, are floats too."""

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
                writer.writerow(["" if value is None else value for value in row])
                count += 1
    return count


def _write_lines(path: Path, columns: Sequence[str], batches: Iterable[Rows]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for rows in batches:
            for row in rows:
                file.write(json.dumps(dict(zip(columns, row, strict=True))) + "\n")
                count += 1
    return count


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
    values = [[valid_text(row[column]) for row in rows] for column in range(len(columns))]
    if writer is None:
        types = [_type_of(name, one, kinds) for name, one in zip(columns, values, strict=True)]
        writer = pq.ParquetWriter(path, pa.schema(list(zip(columns, types, strict=True))))
    arrays = [
        pa.array(one, type=field.type) for one, field in zip(values, writer.schema, strict=True)
    ]
    writer.write_table(pa.Table.from_arrays(arrays, schema=writer.schema))
    return writer


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
