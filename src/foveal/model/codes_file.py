"""Codes in a table: path, code, error, and in Parquet the hash of the model they belong to.

Features of a model that is no autoencoder are written alike, in a column named features.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.addresses import shown
from foveal.bulk.reading import HASH, are_parts, open_parts
from foveal.errors import DataError
from foveal.files import whole_file
from foveal.model.codec import Codes
from foveal.model.codes_text import FORMATS, CodesTable, TextTable, read_text
from foveal.remote_copies import local_path
from foveal.remote_errors import NoObject, missing
from foveal.tables import checked_table, valid_text, write_table
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

KEY = b"foveal"
"""The one key of the file's metadata; JSON."""
ROWS = 1_024
"""Rows that are read at once."""
DAMAGES = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What reading a damaged file raises."""


def write_codes(
    path: Path, model: FittedModel, batches: Iterable[Codes], size: int | None = None
) -> tuple[int, int]:
    """Write codes as they come; the name appears when all of them are there.

    A .csv file has a column for each number of the code, and a .jsonl file a list of them.

    Parameters
    ----------
    size : int, optional
        Numbers of a picture's features, where these are written instead of codes.

    Returns
    -------
    tuple of int
        Rows written, and those of them without a code.
    """
    rows = missing = 0
    if checked_table(path, FORMATS).suffix.lower() != FORMATS[0]:
        word = "code" if size is None else "features"
        return _exported(path, word, model.plan.code_size if size is None else size, batches)
    schema = codes_schema(model, size)
    checked = {"write_page_checksum": True}  # else a flipped bit would be another picture
    with whole_file(path) as place, pq.ParquetWriter(place, schema, **checked) as writer:
        for batch in batches:
            writer.write_table(codes_table(batch, schema))
            rows += len(batch.reasons)
            missing += sum(map(bool, batch.reasons))
    return rows, missing


def _exported(path: Path, word: str, size: int, batches: Iterable[Codes]) -> tuple[int, int]:
    """Write codes or features for programs that do not read Parquet."""
    missing = 0
    wide = path.suffix.lower() == ".csv"
    columns = [f"{word}{number}" for number in range(size)] if wide else [word]

    def rows(batch: Codes) -> Iterator[list[Any]]:
        nonlocal missing
        for name, code, error in batch.rows():
            missing += error is not None
            numbers = [None] * size if code is None else code.tolist()
            whole = None if code is None else numbers
            yield [name, *(numbers if wide else [whole]), error]

    written = write_table(path, ["path", *columns, "error"], map(rows, batches))
    return written, missing


def codes_schema(model: FittedModel, size: int | None = None, *, hashed: bool = False) -> pa.Schema:
    """Describe the columns of codes, or of features of this size, and whose they are.

    With `hashed` a hash of each picture stands beside its features.
    """
    word = "code" if size is None else "features"
    size = model.plan.code_size if size is None else size
    facts = {"model": model.digest(), "code_size" if word == "code" else word: size}
    fields = [
        ("path", pa.string()),
        (word, pa.list_(pa.float32(), size)),
        ("error", pa.string()),
        *[(HASH, pa.int64())] * hashed,
    ]
    return pa.schema(fields, metadata={KEY: json.dumps(facts, sort_keys=True).encode()})


def codes_table(batch: Codes, schema: pa.Schema) -> pa.Table:
    """Make a table of codes under the columns of `codes_schema`."""
    absent = np.array([bool(reason) for reason in batch.reasons], dtype=bool)
    flat = pa.array(np.ascontiguousarray(batch.values, dtype=np.float32).reshape(-1))
    size = schema.field(1).type.list_size
    codes = pa.FixedSizeListArray.from_arrays(flat, size, mask=pa.array(absent))
    names = pa.array([valid_text(name) for name in batch.names], pa.string())
    reasons = pa.array([valid_text(reason) or None for reason in batch.reasons], pa.string())
    hashes = [] if batch.hashes is None else [pa.array(batch.hashes, pa.int64(), mask=absent)]
    return pa.Table.from_arrays([names, codes, reasons, *hashes], schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesFile:
    """A file of codes, opened and held against what a decoder takes."""

    title: str
    """How it is named in messages."""
    table: CodesTable
    rows: int
    model: str | None
    """Hash of the model they belong to, where the file says it."""
    size: int
    """Numbers of a code."""
    is_text: bool = False
    """Whether it is text, which does not say whose codes it holds."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know."""
        told = "text does not say whose codes it holds: they are taken for codes of this model"
        return (told,) if self.is_text else ()

    def names(self) -> list[str]:
        """Read the names of all rows."""
        try:
            found = self.table.read(columns=["path"]).column("path").to_pylist()
        except DAMAGES as error:
            raise _not_parquet(self.title, str(error)) from error
        self._check_rows(len(found))
        if None in found:
            raise DataError(
                self.title,
                needed="a path in every row",
                came=f"{found.count(None)} without",
                remedy="give each row a name of its own",
            )
        return [str(name) for name in found]

    def batches(self) -> Iterator[Codes]:
        """Read batch by batch, in order.

        Raises
        ------
        DataError
            For codes of another length, for NaN, and where the file is damaged.
        """
        start = 0
        names = self.table.schema_arrow.names
        columns = [name for name in ("path", "code", "error") if name in names]
        try:
            for batch in self.table.iter_batches(ROWS, columns=columns):
                yield self._codes(batch, start)
                start += len(batch)
        except DAMAGES as error:
            raise _not_parquet(self.title, str(error)) from error
        self._check_rows(start)

    def _check_rows(self, found: int) -> None:
        """Refuse a file whose pages hold other rows than its footer counts."""
        if found != self.rows:
            raise _not_parquet(
                self.title, f"{counted(found, 'row')} where its footer counts {self.rows}"
            )

    def _codes(self, batch: pa.RecordBatch, start: int) -> Codes:
        column = batch.column("code")
        absent = column.is_null().to_numpy(zero_copy_only=False)
        values = np.full((len(batch), self.size), np.nan, dtype=np.float32)
        lengths = pa.compute.list_value_length(column).drop_null().to_numpy(zero_copy_only=False)
        wrong = lengths[lengths != self.size]
        if len(wrong):
            raise DataError(
                self.title,
                needed=f"codes of {counted(self.size, 'number')}",
                came=f"one of {wrong[0]}",
                remedy="give codes of this model",
            )
        flat = column.drop_null().flatten().to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):  # what single precision cannot hold becomes infinity
            values[~absent] = flat.reshape(-1, self.size)
        bad = np.flatnonzero(~absent & ~np.isfinite(values).all(axis=1))
        if len(bad):
            raise DataError(
                self.title,
                needed="finite numbers in every code",
                came=f"NaN or infinity in row {start + bad[0]}",
                remedy="leave the row's code empty, or encode its picture again",
            )
        reasons = ["no code" if gone else "" for gone in absent]
        if "error" in batch.schema.names:
            told = batch.column("error").to_pylist()
            reasons = [
                str(said or "no code") if gone else ""
                for gone, said in zip(absent, told, strict=True)
            ]
        return Codes(
            names=[str(name) for name in batch.column("path").to_pylist()],
            values=values,
            reasons=reasons,
        )


def open_codes(where: Path | str, model: FittedModel, *, force: bool = False) -> CodesFile:
    """Open a file of codes that `write_codes` or anyone left, or a folder of parts.

    Text, .csv and .jsonl, cannot say whose codes it holds: these are taken for the model's.

    Parameters
    ----------
    where : Path or str
        The file or folder, or its address, of which the cache keeps copies.
    force : bool
        Whether codes of another model, or of one that is not named, are taken all the same.

    Raises
    ------
    DataError
        Where the file is no such table, holds no rows, lacks the columns `path` and `code`, or
        has codes of another length or of another model.
    """
    title, table = shown(str(where)), _opened(where)
    is_text = isinstance(table, TextTable)
    belongs = model.digest() if is_text else model_of(table.schema_arrow.metadata or {})
    schema, size = table.schema_arrow, model.plan.code_size
    missing = [name for name in ("path", "code") if schema.names.count(name) != 1]
    if missing:
        raise DataError(
            title,
            needed="one of each of the columns named path and code",
            came=", ".join(schema.names[:10]) or "no columns",
            remedy="give a file that 'foveal encode' wrote",
        )
    kind = schema.field("code").type
    if not _holds_numbers(kind) or (pa.types.is_fixed_size_list(kind) and kind.list_size != size):
        raise DataError(
            title,
            needed=f"lists of {counted(size, 'number')} in the column code",
            came=str(kind),
            remedy="give codes of this model",
        )
    if not table.metadata.num_rows:
        raise DataError(
            title,
            needed="at least one row",
            came="an empty table",
            remedy="encode some pictures",
        )
    if belongs != model.digest() and not force:
        raise DataError(
            title,
            needed=f"codes of this model ({model.digest()[:12]}...)",
            came="codes of another"
            + (f" ({belongs[:12]}...)" if belongs else ", or of none that is named"),
            remedy="decode them with the model that encoded them, or use `force`",
        )
    return CodesFile(
        title=title,
        table=table,
        rows=table.metadata.num_rows,
        model=belongs,
        size=size,
        is_text=is_text,
    )


def _opened(where: Path | str) -> CodesTable:
    """Open a table, or a folder of parts, by whatever names it."""
    title = shown(str(where))
    if are_parts(where):
        return open_parts(where)
    try:
        path = local_path(where)
    except NoObject as reason:
        raise missing(title, str(reason)) from reason
    if path.is_dir():
        return open_parts(path)
    if path.exists() and not path.is_file():
        raise _not_parquet(title, "no regular file")
    return read_text(path) if path.suffix.lower() in FORMATS[1:] else _parquet(path, title)


def _parquet(path: Path, title: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
        str(file.schema_arrow)  # decodes what the schema names
    except DAMAGES as error:
        raise _not_parquet(title, str(error)) from error
    return file


def _holds_numbers(kind: pa.DataType) -> bool:
    types = pa.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(lists and types.is_floating(kind.value_type))


def model_of(metadata: dict[bytes, bytes]) -> str | None:
    """Read whose codes or features a table holds off its metadata; None where it does not say."""
    try:
        facts: Any = json.loads(metadata.get(KEY, b"{}"))
    except ValueError:
        return None
    found = facts.get("model") if isinstance(facts, dict) else None
    return found if isinstance(found, str) else None


def _not_parquet(title: str, came: str) -> DataError:
    return DataError(
        title,
        needed="a whole Parquet file",
        came=(came.splitlines() or ["nothing"])[0][:120],
        remedy="give a .parquet file that 'foveal encode' wrote",
    )
