"""Parquet: tables of paths, and tables that hold encoded pictures, as Hugging Face writes them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from foveal.errors import DataError
from foveal.pictures.collection import Numbered, Pictures
from foveal.pictures.encoded import Absent, Encoded, EncodedRows, Unreadable
from foveal.pictures.label_sets import LabelSet, label_sets, set_of
from foveal.pictures.opening import reason_of
from foveal.pictures.sources.columns import LABEL, PATH, Listed, check_columns, of_paths, told
from foveal.pictures.sources.parquet_column import (
    NO_BYTES,
    ParquetMember,
    PictureColumn,
    rows_without,
)
from foveal.pictures.texts import Texts

ENDING = ".parquet"
SEVERAL = (LABEL, "labels")
"""Names of a column of lists of numbers that are labels."""
USUAL = ("image", "img", "picture", "bytes")
"""Names of a column of pictures, where there are several that may be one."""


def takes(given: Any) -> bool:
    """Whether this is a path with the ending of Parquet."""
    return isinstance(given, Path) and given.suffix.lower() == ENDING and not given.is_dir()


def read(path: Path) -> Pictures:
    """Read one file."""
    try:
        return told([listed(path, path.name)], str(path))
    except (OSError, Unreadable) as error:
        raise DataError(
            str(path),
            needed="a whole Parquet file of pictures, or of their paths",
            came=reason_of(error),
            remedy="copy it again",
        ) from error


def listed(path: Path, name: str) -> Listed:
    """List the pictures of a file, with what its other columns say of them.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How it is named in the names of its pictures.

    Raises
    ------
    Unreadable, OSError
        Where it is no Parquet file, or damaged.
    DataError
        Where it holds neither pictures nor paths.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            picture = _picture_column(schema, str(path))
            flat = [one.name for one in schema if _is_flat(one.type) or _names_labels(one)]
            table = file.read(columns=flat, use_threads=False)
            inner = _paths(file, schema, picture) if picture else None
        columns = {
            one: _several(values) if _names_labels(schema.field(one)) else values
            for one, values in ((one, _values(table.column(one))) for one in flat)
        }
        if picture is None:
            check_columns(schema.names, str(path))
            return of_paths(columns, str(path), path.absolute().parent, {})
        leaf = picture if _is_bytes(schema.field(picture).type) else f"{picture}.bytes"
        column = PictureColumn(path, leaf)
        without = rows_without(column)
        lengths = {
            len(column),
            *map(len, columns.values()),
            *([] if inner is None else [len(inner)]),
        }
        if len(lengths) > 1 or max(without, default=-1) >= len(column):
            raise Unreadable("columns of unlike lengths")
    except (DataError, Unreadable):
        raise
    except Exception as error:  # a damaged foot makes pyarrow raise KeyError, StopIteration, ...
        raise Unreadable(f"cut short, damaged or no Parquet file ({reason_of(error)})") from error
    rows = ParquetRows(column, inner, without)
    return Listed(
        rows=rows,
        names=Texts(f"{name}/{one}" for one in rows.names),
        columns=_labelled(columns, _features(schema)),
        notes=_lost(schema, flat, picture, name),
    )


class ParquetRows(EncodedRows):
    """The pictures of a file, by row."""

    def __init__(
        self, column: PictureColumn, paths: Sequence[str] | None, without: set[int]
    ) -> None:
        self.column, self.without = column, without
        self.names = _names(len(column), paths)
        self.paths = {row: paths[row] for row in without} if paths is not None else {}

    def __len__(self) -> int:
        return len(self.names)

    def one(self, row: int) -> Encoded:
        """Return the picture of a row; where it has no bytes, the file that it names."""
        if row not in self.without:
            return ParquetMember(self.column, row, self.names[row])
        path = self.paths.get(row)
        if path:
            return self.column.path.parent / path
        return Absent(f"{self.column.path}/{self.names[row]}", NO_BYTES)


def _names(count: int, paths: Sequence[str] | None) -> Sequence[str]:
    """Name pictures by their paths, where each has one of its own, else by their rows."""
    if paths is not None and all(paths):
        found = Texts(str(PurePosixPath(path)).lstrip("/") for path in paths)
        if len(set(found)) == count:
            return found
    return Numbered(count)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column as Python's own; equal texts are one."""
    found = itertools.chain.from_iterable(map(_plain, column.chunks))
    if not _is_text(column.type):
        return list(found)
    same: dict[str | None, str | None] = {}
    return [same.setdefault(one, one) for one in found]


def _plain(chunk: pa.Array) -> list[Any]:
    """Return values as Python's own; times for which Python has none as texts."""
    try:
        return list(chunk.to_pylist())
    except (ValueError, OverflowError):
        texts = chunk.cast(pa.int64() if pa.types.is_duration(chunk.type) else pa.string())
        return [None if one is None else str(one) for one in texts.to_pylist()]


def _picture_column(schema: pa.Schema, where: str) -> str | None:
    """Return the column that holds encoded pictures; None for a table of paths."""
    features = _features(schema)
    found = [
        field.name for field in schema if _is_bytes(field.type) or _is_bytes(_bytes_of(field.type))
    ]
    said = [name for name in found if features.get(name, {}).get("_type") == "Image"]
    usual = [name for name in USUAL if name in (said or found)]
    if usual:
        return str(usual[0])
    if PATH in schema.names or not found:
        return None
    if len(said or found) == 1:
        return str((said or found)[0])
    raise DataError(
        where,
        needed="one column of pictures",
        came=f"several: {', '.join((said or found)[:10])}",
        remedy=f"name the one that is meant {USUAL[0]}",
    )


def _bytes_of(kind: pa.DataType) -> pa.DataType | None:
    """Return the type of the bytes of a struct of bytes and path; None for anything else."""
    if not pa.types.is_struct(kind):
        return None
    inner = {kind.field(at).name: kind.field(at).type for at in range(kind.num_fields)}
    return inner.get("bytes")


def _is_bytes(kind: pa.DataType | None) -> bool:
    return kind is not None and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    """Whether a column holds texts, or the numbers of some."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _is_flat(kind: pa.DataType) -> bool:
    """Whether a column holds a short value a row."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not pa.types.is_nested(inner) and not _is_bytes(inner)


def _names_labels(field: pa.Field) -> bool:
    """Whether a column holds several labels a row: lists of texts, or of numbers where so named."""
    kind = field.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not lists and not pa.types.is_fixed_size_list(kind):
        return False
    inner = kind.value_type
    if pa.types.is_dictionary(inner):
        inner = inner.value_type
    numbers = pa.types.is_integer(inner) or pa.types.is_boolean(inner)
    return _is_text(inner) or bool(numbers and field.name in SEVERAL)


def _several(values: Sequence[list[Any] | None]) -> list[LabelSet | None]:
    """Read lists of labels; of numbers that are no columns of 0 and 1 each is a label."""
    values = [one and [label for label in one if label is not None] for one in values]
    lengths = {len(one) for one in values if one is not None}
    flat = {label for one in values if one is not None for label in one}
    columns = len(lengths) == 1 and max(lengths) > 1 and flat <= {0, 1}
    given = values if columns else [one if one is None else set(one) for one in values]
    found: list[LabelSet | None] = label_sets(given).tolist()
    return found


def _paths(file: pq.ParquetFile, schema: pa.Schema, picture: str) -> Texts | None:
    """Return the path that each picture had, empty of one without; None where there are none."""
    kind = schema.field(picture).type
    if _is_bytes(kind) or kind.get_field_index(PATH) < 0:
        return None
    column = file.read(columns=[f"{picture}.{PATH}"], use_threads=False).column(0)
    each = itertools.chain.from_iterable(one.field(0).to_pylist() for one in column.chunks)
    return Texts(str(path or "") for path in each)


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """Return what Hugging Face's datasets say of columns; empty where they say nothing."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        json.dumps(features, ensure_ascii=False).encode()  # half a character is no text
        plain = {name: one[0] if isinstance(one, list) else one for name, one in features.items()}
        return {name: one for name, one in plain.items() if isinstance(one, dict)}
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _labelled(
    columns: Mapping[str, Sequence[Any]], features: Mapping[str, Any]
) -> dict[str, Sequence[Any]]:
    """Write the names of classes for their numbers, in the column label or the only such one."""
    found = dict(columns)
    named = {
        name: classes
        for name, one in features.items()
        if name in columns and isinstance(classes := _class_names(one), list)
    }
    if LABEL not in found and len(named) == 1:
        (only,) = named
        found[LABEL], named = found.pop(only), {LABEL: named[only]}
    for name, classes in named.items():
        of = dict(enumerate(map(str, classes)))
        found[name] = [_named(one, of) for one in found[name]]
    return found


def _class_names(feature: Mapping[str, Any]) -> Any:
    """Return the names of the classes of a column, or of those that its lists hold."""
    inner = feature.get("feature", feature)
    return inner.get("names") if isinstance(inner, dict) else None


def _named(value: Any, names: Mapping[int, str]) -> Any:
    """Return the name of a class, or of each label; None of what has none."""
    if not isinstance(value, LabelSet):
        return names.get(value)
    if value.among:  # columns of 0 and 1, of which each is a class
        value = LabelSet(value.labels)
    known = [names.get(label) for label in value.labels]
    return None if None in known else set_of(known)


def _lost(schema: pa.Schema, flat: Sequence[str], picture: str, name: str) -> tuple[str, ...]:
    """Say which columns are not read."""
    lost = [one for one in schema.names if one not in flat and one != picture]
    return (f"{name}: not read, no plain values: {', '.join(lost[:5])}",) if lost else ()
