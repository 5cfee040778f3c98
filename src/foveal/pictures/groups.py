"""Pictures that belong together: of one animal, one patient, one burst. They stand on one side.

A group is any value; rows without one (None, NaN, an empty text) are groups of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError, UsageError
from foveal.pictures.collection import Pictures
from foveal.pictures.missing import is_missing
from foveal.pictures.naming import matched, nameless
from foveal.pictures.sources.parts import PARTS, within_shard
from foveal.vocabulary import normal_name
from foveal.wording import counted

FOLDER = "folder"
"""Asks for the folders below the class folders as groups."""
COLUMNS = ("path", "group")
"""What a table of groups holds."""
FORMS = "'folder', a regular expression, a CSV file of path and group, or a group a picture"


def grouped(pictures: Pictures, by: Any) -> Pictures:
    """Return the same pictures with the groups that they belong to.

    Parameters
    ----------
    pictures : Pictures
        The pictures.
    by : {"folder"}, regular expression, path of a CSV file, sequence of groups, or None
        "folder" takes the path of folders between the class folder and the picture. A regular
        expression is searched in the name of the file, or in its path where it has a "/"; the
        first of its groups that takes part, or all that it matches, names the group. A CSV file
        has columns path and group; relative paths count from the table's folder, and separators
        may be those of Windows. A sequence gives the group of each row. With None the pictures
        stay as they are.

    Raises
    ------
    UsageError
        For a form that is not known, or one that names no group.
    DataError
        For a table that cannot be read, or groups that are not one a picture.
    """
    if by is None:
        if pictures.groups is not None:  # those of a table
            _check_several(pictures.groups.tolist())
        return pictures
    if isinstance(by, str | Path):
        found = _by_text(pictures, str(by))
    else:
        found = _as_given(by, len(pictures))
    _check_several(found)
    lone = sum(group is None for group in found)
    notes = [f"{counted(lone, 'picture')} without a group: each is its own"] * bool(lone)
    groups = np.empty(len(found), dtype=object)
    groups[:] = found
    return replace(pictures, groups=groups, notes=(*pictures.notes, *notes))


def _check_several(found: Sequence[Any]) -> None:
    """Refuse one group of all: no picture could be held out.

    Raises
    ------
    UsageError
        For a single group, unless there is a single picture.
    """
    first = found[0] if found else None
    if first is None or len(found) < 2 or any(one != first for one in found):
        return
    raise UsageError(
        "groups",
        needed="at least two groups, so that some can be held out",
        came=f"all {counted(len(found), 'picture')} in one, {first!r}",
        remedy="name what tells them apart, as a number in the names of their files",
    )


def _by_text(pictures: Pictures, by: str) -> list[Any]:
    if by == FOLDER:
        return _folders(pictures)
    if by.lower().endswith(".csv"):
        return _table(pictures, Path(by))
    return matched(pictures.names, by, "groups", FORMS)


def _as_given(groups: Any, count: int) -> list[Any]:
    """Return groups given one a picture as a list, None for those that are missing."""
    values = np.asarray(groups)
    if values.ndim != 1 or len(values) != count:
        raise DataError(
            "groups",
            needed=f"{counted(count, 'group')}, one a picture",
            came=f"shape {values.shape}",
            remedy="give X and groups of the same length",
        )
    plain = groups.tolist() if hasattr(groups, "tolist") else list(groups)
    return [None if is_missing(group) or group == "" else group for group in plain]


def _folders(pictures: Pictures) -> list[str | None]:
    """Name the folders below the class folder; None for pictures that lie directly in it.

    Neither part nor class belongs to the name: folders of one name in several are one group.
    """
    found: list[str | None] = []
    for name in pictures.names:
        steps = within_shard(PurePosixPath(name).parts[:-1])
        if pictures.parts is not None and steps and steps[0].lower() in PARTS:
            steps = steps[1:]
        found.append("/".join(steps[1:]) or None)
    if not any(found):
        raise _nameless(
            pictures, "'folder'", "folders below the class folders", "pictures directly in these"
        )
    return found


def _table(pictures: Pictures, table: Path) -> list[str | None]:
    """Read the group of each picture from a table; told apart by where the files lie."""
    group_of = _read(table)
    named = [
        group_of.get(normal_name(name), group_of.get(_place(Path(whole))))
        for name, whole in zip(
            pictures.names, pictures.content.whole_names(pictures.names), strict=True
        )
    ]
    if not any(named):
        listed = sum(group is not None for group in named)
        came = (
            f"no group beside the {counted(listed, 'path')} of theirs" if listed else "none of them"
        )
        raise _nameless(pictures, str(table), "paths of these pictures with their groups", came)
    return [group or None for group in named]


def _read(table: Path) -> dict[str, str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            if not set(COLUMNS) <= set(lines.fieldnames or ()):
                raise DataError(
                    str(table),
                    needed="the columns path and group",
                    came=", ".join(lines.fieldnames or ()) or "an empty file",
                    remedy="begin the table with the line path,group",
                )
            pairs = [(line["path"] or "", line["group"] or "") for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            str(table),
            needed="a CSV file of path and group",
            came=str(error)[:100],
            remedy="check the path; save the table as UTF-8",
        ) from error
    by_name: dict[str, str] = {}
    by_place: dict[str, str] = {}
    for path, group in pairs:
        for one in filter(None, {path: 0, path.replace("\\", "/"): 0}):  # as Windows writes it
            _enter(by_name, normal_name(one), group, table)
            _enter(by_place, _place(table.parent / one), group, table)
    return by_place | by_name


def _enter(group_of: dict[str, str], name: str, group: str, table: Path) -> None:
    """Note the group of a path.

    Raises
    ------
    DataError
        Where another group of it is known.
    """
    before = group_of.setdefault(name, group)
    if before != group:
        raise DataError(
            str(table),
            needed="one group for each path",
            came=f"{name} in the groups {before!r} and {group!r}",
            remedy="leave one of the two lines out",
        )


def _place(path: Path) -> str:
    return normal_name(str(path.resolve()))


def _nameless(pictures: Pictures, what: str, needed: str, came: str) -> UsageError:
    return nameless(pictures.names, "groups", f"{needed}, as {what} asks for", FORMS, came)


def group_ids(groups: Array | Sequence[Any]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Number the groups in the order in which they come, -1 for rows without one.

    >>> group_ids(["b", None, "a", "b"]).tolist()
    [0, -1, 1, 0]
    """
    numbers: dict[Any, int] = {}
    return np.array(
        [-1 if group is None else numbers.setdefault(group, len(numbers)) for group in groups],
        dtype=np.intp,
    )
