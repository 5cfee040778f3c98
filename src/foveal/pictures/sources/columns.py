"""Columns of a table of pictures, whatever it was written in: path, label, group, split, others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from foveal.addresses import doubt_of, is_remote, shown
from foveal.arrays import Array
from foveal.errors import DataError
from foveal.parameters import did_you_mean
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.encoded import Absent, Chained, Encoded, EncodedRows, as_page
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.missing import is_missing
from foveal.pictures.remote_objects import RemoteObject
from foveal.pictures.sources.labels import labels_of, objects_of, text_of
from foveal.pictures.sources.parts import PARTS
from foveal.pictures.texts import Texts
from foveal.remote_copies import is_copy
from foveal.wording import counted

PATH, LABEL, GROUP, SPLIT = "path", "label", "group", "split"
WRITTEN: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        frozenset({"path", "part", "status", "reason"}),
        "the ledger of a training, which says what became of each file",
        "name the folder that it is of; of a table of pictures the part is named split",
    ),
    (
        frozenset({"path", "true", "predicted", "reason"}),
        "what evaluate wrote of each picture",
        "keep the columns path and true, and name the second label",
    ),
    (
        frozenset({"path", "fold", "reason"}),
        "what trainings on folds said of each picture",
        "keep the columns path and true, and name the second label",
    ),
    (
        frozenset({"path", "error", "unfamiliarity"}),
        "answers of a model",
        "if these answers are to teach, keep the columns path and label alone",
    ),
    (
        frozenset({"path", "score", "above"}),
        "what anomalies wrote of each picture",
        "keep the column path alone",
    ),
    *(
        (
            frozenset({"path", code, "error"}),
            "codes or features of pictures",
            "decode takes codes, train transfer a folder of parts of features with its "
            "_parts.json; else keep the column path alone",
        )
        for code in ("code", "code0", "features", "features0")
    ),
)
"""Columns by which a table that Foveal wrote of pictures is known, and is none of pictures."""
SEVERAL = 3
"""Names that a message gives as examples."""
TRIED = 20
"""Paths that are looked for, evenly spaced, to say where they count from."""

Columns = Mapping[str, Sequence[Any]]
"""Values by the names of their columns, all of one length."""


def check_columns(names: Sequence[str], where: str, needed: str = PATH) -> None:
    """Check that a table is one of pictures.

    Parameters
    ----------
    names : sequence of str
        Names of all columns.
    where : str
        The table.
    needed : str
        The column without which it is none.

    Raises
    ------
    DataError
        For tables that Foveal wrote of pictures, for those without the column, and for those with
        two of its name.
    """
    for columns, what, remedy in WRITTEN:
        if columns <= set(names):
            raise DataError(
                where, needed="a table of pictures: path, label", came=what, remedy=remedy
            )
    if (count := names.count(needed)) > 1:
        raise _several(needed, count, where)
    if needed in names:
        return
    near = next((name for name in names if name.strip().lower() == needed), None)
    like = f"did you mean {near!r}?" if near else did_you_mean(needed, names)
    raise DataError(
        where,
        needed=f"a column named {needed}, and one named {LABEL} where there are labels",
        came=", ".join(name[:40] for name in names[:10]) or "an empty table",
        remedy=f"{like} rename it to {needed}".strip() if like else f"name the files in {needed}",
    )


def doubled(names: Sequence[str], where: str) -> dict[str, DataError]:
    """Return why columns say nothing that stand there several times, by column."""
    known = (LABEL, GROUP, SPLIT)
    return {
        name: _several(name, names.count(name), where) for name in known if names.count(name) > 1
    }


def _several(name: str, count: int, where: str) -> DataError:
    needed = f"one column named {name}"
    return DataError(where, needed=needed, came=str(count), remedy="rename the others")


def check_similar(names: Sequence[str]) -> list[str]:
    """Return notes on columns that are not read, but look like those that are."""
    missing = [one for one in (LABEL, GROUP, SPLIT) if one not in names]
    found = []
    for name in names:
        like = [one for one in missing if _is_like(name, one)]
        found += [f"the column {name} is not read: did you mean {one!r}?" for one in like]
    return found


def _is_like(name: str, known: str) -> bool:
    plain = name.strip().lower()
    return plain in (known, f"{known}s") or bool(did_you_mean(plain, (known,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Rows of one table or shard, before it is known what all of their labels are."""

    rows: Sequence[Encoded]
    names: Sequence[str]
    """How each row is named."""
    columns: Columns
    """What is said of each row: label, group, split and others."""
    folders: bool = False
    """Whether labels are names of folders: texts, whatever they say."""
    notes: tuple[str, ...] = ()
    """What a reader should know."""
    as_written: bool = False
    """Whether names are those that a table has."""
    doubts: Mapping[str, DataError] = field(default_factory=dict)
    """Why columns cannot be read, by column."""


def told(listed: Sequence[Listed], where: str) -> Pictures:
    """Make pictures of the rows of tables or shards, one after another.

    Parameters
    ----------
    listed : sequence of Listed
        The tables or shards.
    where : str
        What holds them.

    Raises
    ------
    DataError
        Where there is no row.
    """
    if not any(len(one.rows) for one in listed):
        raise DataError(
            where,
            needed="at least one picture",
            came="none",
            remedy="check that it is whole, and that it holds what you expect",
        )
    whole = len(listed) == 1
    names = listed[0].names if whole else Texts(chain.from_iterable(one.names for one in listed))
    every = {name: _column(listed, name) for one in listed for name in one.columns}
    labels, parts, notes = None, None, tuple[str, ...]()
    doubts = {column: doubt for one in listed for column, doubt in one.doubts.items()}
    if LABEL in every:
        numbers = not all(one.folders for one in listed)
        try:
            labels, notes = labels_of(every[LABEL], numbers=numbers)
        except DataError as doubt:
            facts = {"needed": doubt.needed, "came": doubt.came, "remedy": doubt.remedy}
            doubts[LABEL] = DataError(where, **facts)
    if SPLIT in every:
        try:
            parts = _parts(every[SPLIT], where)
        except DataError as doubt:
            doubts[SPLIT] = doubt
    notes += tuple(
        f"the column {column} is not read: needed {doubt.needed}, got {doubt.came}"
        for column, doubt in doubts.items()
    )
    return Pictures(
        names=names,
        content=EncodedContent(listed[0].rows if whole else Chained([one.rows for one in listed])),
        labels=labels,
        parts=parts,
        groups=_groups(every[GROUP]) if GROUP in every else None,
        others={
            name: objects_of(values)
            for name, values in every.items()
            if name not in (LABEL, SPLIT, GROUP)
        },
        notes=(*notes, *(note for one in listed for note in one.notes)),
        as_written=all(one.as_written for one in listed),
        doubts=doubts,
    )


def _column(listed: Sequence[Listed], name: str) -> Sequence[Any]:
    """Join a column of several; None where one has no such column."""
    if len(listed) == 1:
        return listed[0].columns[name]
    found: list[Any] = []
    for one in listed:
        found.extend(one.columns.get(name, [None] * len(one.rows)))
    return found


def of_paths(
    columns: Columns,
    where: str,
    folder: Path,
    problems: Mapping[int, str],
    doubts: Mapping[str, DataError] | None = None,
) -> Listed:
    """List the rows of a table that name files.

    Parameters
    ----------
    columns : mapping
        All columns.
    where : str
        The table.
    folder : Path
        Relative paths count from here.
    problems : mapping
        Why rows are none, by row.
    doubts : mapping, optional
        Why columns cannot be read, by column.
    """
    paths = [_path_of(one) for one in columns[PATH]]
    if not paths:
        raise DataError(
            where,
            needed="at least one row",
            came="a head alone",
            remedy="write a row for each picture beneath it",
        )
    names = [
        (shown(path) if is_remote(path) else path) or f"row {row + 1}"
        for row, path in enumerate(paths)
    ]
    rows = Named(folder, paths, problems)
    _check_there(rows, where)
    others = {name: values for name, values in columns.items() if name != PATH}
    return Listed(
        rows=rows,
        names=names,
        columns=others,
        notes=(*check_similar([*others, *(doubts or ())]), *_repeated(paths)),
        as_written=True,
        doubts=doubts or {},
    )


def _path_of(value: Any) -> str:
    """Return a path as a text; none of what is no path."""
    return os.fspath(value) if isinstance(value, str | os.PathLike) else ""


class Named(EncodedRows):
    """Files that rows of a table name; none is looked for before it is asked for."""

    def __init__(self, folder: Path, paths: Sequence[str], problems: Mapping[int, str]) -> None:
        self.folder, self.paths, self.problems = folder, paths, problems

    def __len__(self) -> int:
        return len(self.paths)

    def one(self, row: int) -> Encoded:
        """Return the file that a row names."""
        path = self.paths[row]
        reason = self.problems.get(row) or ("" if path else "no path in this row")
        if not reason and is_remote(path):
            reason = doubt_of(path)
            return Absent(shown(path), reason) if reason else RemoteObject(path)
        return Absent(path or f"row {row + 1}", reason) if reason else as_page(self._file(path))

    def _file(self, path: str) -> Path:
        file = self.folder / path
        if "\\" in path and os.sep != "\\" and not _is_there(file):  # written on Windows
            return self.folder / PureWindowsPath(path).as_posix()
        return file


def _check_there(rows: Named, where: str) -> None:
    """Refuse a table whose paths count from elsewhere: none of them would be found."""
    tried = [rows.paths[row] for row in evenly(len(rows), TRIED)]
    tried = [path for path in tried if path and not (is_remote(path) or Path(path).is_absolute())]
    if is_copy(rows.folder) or any(_is_there(rows.folder / path) for path in tried):
        return
    here = [path for path in tried if _is_there(Path(path))]
    if here:
        raise DataError(
            where,
            needed="paths that count from the folder of the table",
            came=f"{here[0]}, which lies in the present folder, not in {rows.folder}",
            remedy="move the table to the present folder, or write whole paths",
        )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _repeated(paths: Sequence[str]) -> list[str]:
    """Say that rows name a file that an earlier row names."""
    if len(set(paths)) == len(paths):
        return []
    seen: set[str] = set()
    again: list[str] = []
    for path in paths:
        if path and path in seen:
            again.append(path)
        seen.add(path)
    if not again:
        return []
    more = ", ..." * (len(again) > 1)
    return [f"{counted(len(again), 'row')} ({again[0]}{more}): a file that an earlier row names"]


def _parts(values: Sequence[Any], where: str) -> Array:
    """Read the part of each row."""
    texts = ["" if is_missing(one) else text_of(one) for one in values]
    unknown = {text: None for text in texts if text and text.lower() not in PARTS}
    if unknown:
        named = ", ".join(list(unknown)[:SEVERAL])
        raise DataError(
            where,
            needed="train, validation or test in the column split",
            came=f"{named} in {counted(sum(text in unknown for text in texts), 'row')}",
            remedy=did_you_mean(next(iter(unknown)), PARTS)
            or "write those, or give the column another name",
        )
    return np.array([text and PARTS[text.lower()] for text in texts])


def _groups(values: Sequence[Any]) -> Array:
    return objects_of([None if is_missing(one) or one == "" else one for one in values])
