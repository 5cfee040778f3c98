"""Shards: .tar files with pictures, as WebDataset writes them, or of class folders.

What belongs to one sample has one key, the name up to its first dot: `0017.jpg`, `0017.cls`,
`0017.json`.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import Absent, Chained, Encoded, Unreadable
from foveal.pictures.opening import endings, reason_of
from foveal.pictures.sources.columns import GROUP, LABEL, SPLIT, Listed, told
from foveal.pictures.sources.folder import passed_over, said_by_folders
from foveal.pictures.sources.tar_members import (
    PACKED,
    Members,
    TarMember,
    ending_of,
    members_of,
)
from foveal.pictures.texts import Texts
from foveal.wording import counted

ENDING = ".tar"
LABELS = (LABEL, "cls", "class")
"""Keys of a sample's JSON that name its class, the first that is there."""
MOST_SAID = 1 << 20
"""Bytes of a .cls or .json member at most."""


def takes(given: Any) -> bool:
    """Whether this is a path with the ending of a shard."""
    ends = isinstance(given, Path) and given.name.lower().endswith((ENDING, *PACKED))
    return ends and not given.is_dir()


def read(shard: Path) -> Pictures:
    """Read a shard."""
    try:
        return told([listed(shard, shard.name)], str(shard))
    except (OSError, Unreadable) as error:
        raise DataError(
            str(shard),
            needed="a .tar file with pictures",
            came=reason_of(error),
            remedy="unpack it, or copy it again",
        ) from error


def listed(shard: Path, name: str) -> Listed:
    """List the pictures of a shard, with their labels.

    Parameters
    ----------
    shard : Path
        The file.
    name : str
        How it is named in the names of its members.

    Raises
    ------
    Unreadable, OSError
        Where it is no tar file, or a compressed one.
    """
    members, notes, damage = members_of(shard)
    sample_of = _samples(members.names)
    beside = bytearray(_is_beside(inner, sample_of) for inner in members.names)
    pictures = members.picked(row for row, one in enumerate(beside) if not one)
    said = _said(members, beside, sample_of, notes)
    columns, folders = _columns(pictures.names, sample_of, said, str(shard))
    names = Texts(f"{name}/{inner}" for inner in pictures.names)
    rows: Sequence[Encoded] = pictures
    if damage:
        notes.append(f"{damage}: what followed is not known")
        if len(pictures) - 1 not in pictures.problems:  # else its last row says so
            rows = Chained([pictures, (Absent(str(shard), damage),)])
            names.append(name)
            columns = {column: [*values, None] for column, values in columns.items()}
    told_of = tuple(f"{name}: {note}" for note in notes)
    return Listed(rows=rows, names=names, columns=columns, folders=folders, notes=told_of)


def _key(inner: str) -> str:
    """Return the key of the sample that a member belongs to.

    >>> _key("a.b/0017.seg.png")
    'a.b/0017'
    """
    folder, slash, last = inner.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _samples(names: Iterable[str]) -> dict[str, int]:
    """Number the samples that have a picture, by their keys."""
    found: dict[str, int] = {}
    for inner in names:
        if ending_of(inner) in endings():
            found.setdefault(_key(inner), len(found))
    return found


def _is_beside(inner: str, sample_of: Mapping[str, int]) -> bool:
    """Whether a member stands beside the picture of its sample, and is none."""
    return "." in inner and ending_of(inner) not in endings() and _key(inner) in sample_of


Said = Mapping[str, Mapping[int, Any]]
"""Values of columns by the number of their sample, each column by its name."""


def _said(
    members: Members, beside: Sequence[int], sample_of: Mapping[str, int], notes: list[str]
) -> Said:
    """Read what stands beside pictures: label, group and split of samples."""
    found: dict[str, dict[int, Any]] = {}
    others: dict[str, None] = {}
    odd: list[str] = []
    with members.shard.open("rb") as file:
        for row, inner, ending in _labels_last(members.names, beside):
            if ending not in (".cls", ".json"):
                others[ending] = None
                continue
            try:
                said = _read_said(members[row], ending, file)
            except (OSError, Unreadable, ValueError, RecursionError):
                odd.append(inner)
                continue
            for name, value in said.items():
                same = sys.intern(value) if isinstance(value, str) else value  # one text a class
                found.setdefault(name, {})[sample_of[_key(inner)]] = same
    if odd:
        notes.append(f"{counted(len(odd), 'label')} cannot be read, such as {odd[0]}")
    if others:
        notes += passed_over(list(others), "beside pictures")
    return found


def _labels_last(names: Texts, beside: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """Yield rows, names and endings of what stands beside pictures, those of labels last."""
    for last in (False, True):
        for row, inner in itertools.compress(enumerate(names), beside):
            ending = ending_of(inner)
            if (ending == ".cls") == last:
                yield row, inner, ending


def _read_said(member: Encoded, ending: str, file: BinaryIO) -> dict[str, Any]:
    """Read a .cls or .json member of a shard that is open.

    Raises
    ------
    OSError, Unreadable, ValueError, RecursionError
        Where it is none, more than `MOST_SAID` bytes, nested too deeply, or says what is no text.
    """
    if not isinstance(member, TarMember) or member.size > MOST_SAID:
        raise ValueError(member)
    text = member.read_from(file).decode("utf-8-sig")
    if ending == ".cls":
        return {LABEL: text}
    values = json.loads(text)
    json.dumps(values, ensure_ascii=False).encode()  # half a character, "\\ud800", is no text
    if not isinstance(values, dict):
        return {LABEL: values}
    label = next((values[key] for key in LABELS if values.get(key) is not None), None)
    said = {GROUP: values.get(GROUP), SPLIT: values.get(SPLIT), LABEL: label}
    found: dict[str, Any] = {
        name: one for name, one in said.items() if isinstance(one, str | int | float)
    }
    if isinstance(label, list) and all(isinstance(one, str | int) for one in label):
        found[LABEL] = label  # several of one picture
    return found


def _columns(
    names: Sequence[str], sample_of: Mapping[str, int], said: Said, where: str
) -> tuple[dict[str, list[Any]], bool]:
    """Return what is said of each picture, and whether labels are names of folders."""
    columns: dict[str, list[Any]] = {
        name: [said[name].get(sample_of.get(_key(inner), -1)) for inner in names]
        for name in (LABEL, GROUP, SPLIT)
        if name in said
    }
    if LABEL in columns:
        return columns, False
    labels, parts = said_by_folders(names, where)
    if labels is not None:
        columns[LABEL] = labels
    if parts is not None:
        columns.setdefault(SPLIT, parts)
    return columns, True
