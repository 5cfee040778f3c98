"""Shards: .tar files with pictures, as WebDataset writes them, or of class folders.

What belongs to one sample has one key, the name up to its first dot: `0017.jpg`, `0017.cls`,
`0017.json`. Members are found once and read by their offset when they are asked for.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tarfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import (
    A_FOLDER,
    Absent,
    Chained,
    Encoded,
    EncodedRows,
    Unreadable,
    check_bytes,
    times,
)
from foveal.pictures.opening import endings, reason_of
from foveal.pictures.sources.columns import GROUP, LABEL, SPLIT, Listed, told
from foveal.pictures.sources.folder import is_made, passed_over, said_by_folders
from foveal.pictures.texts import Texts
from foveal.wording import counted

ENDING = ".tar"
PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
"""Endings of shards in which no member can be reached by its offset."""
LABELS = (LABEL, "cls", "class")
"""Keys of a sample's JSON that name its class, the first that is there."""
MOST_SAID = 1 << 20
"""Bytes of a .cls or .json member at most."""


@dataclass(frozen=True, slots=True)
class TarMember:
    """A picture within a shard."""

    shard: Path
    inner: str
    """Its name within."""
    offset: int
    size: int
    state: str = field(repr=False)
    """Size and times of the shard when it was listed."""

    @property
    def name(self) -> str:
        """Its name within, beneath that of the shard."""
        return f"{self.shard}/{self.inner}"

    @property
    def stamp(self) -> str:
        """Where it lies in the shard, and the state of that."""
        return f"{self.offset} {self.size} {self.state}"

    def read(self) -> bytes:
        """Read it."""
        try:
            with self.shard.open("rb") as file:
                return self.read_from(file)
        except OSError as error:
            raise Unreadable(f"{self.shard.name}: {reason_of(error)}") from error

    def read_from(self, file: BinaryIO) -> bytes:
        """Read it from its shard, which is open.

        Raises
        ------
        Unreadable, OSError
            Where it cannot be read.
        """
        check_bytes(self.size)
        if times(os.fstat(file.fileno())) != self.state:
            raise Unreadable(f"{self.shard.name} changed since it was listed")
        file.seek(self.offset)
        found = file.read(self.size)
        if len(found) < self.size:
            raise Unreadable(_cut(len(found), self.size))
        return found


class Members(EncodedRows):
    """Members of a shard, by row."""

    def __init__(self, shard: Path, state: str) -> None:
        self.shard, self.state = shard, state
        self.names = Texts()
        self.offsets, self.sizes = array("q"), array("q")
        self.problems: dict[int, str] = {}

    def add(self, name: str, offset: int, size: int, problem: str) -> None:
        """Add a member, and why it is no picture, if so."""
        if problem:
            self.problems[len(self.names)] = problem
        self.names.append(name)
        self.offsets.append(offset)
        self.sizes.append(size)

    def picked(self, rows: Iterable[int]) -> Members:
        """Return some of the members."""
        found = Members(self.shard, self.state)
        for row in rows:
            place = self.names[row], self.offsets[row], self.sizes[row]
            found.add(*place, self.problems.get(row, ""))
        return found

    def __len__(self) -> int:
        return len(self.names)

    def one(self, row: int) -> Encoded:
        """Return the member of a row."""
        inner = self.names[row]
        if reason := self.problems.get(row):
            return Absent(f"{self.shard}/{inner}", reason)
        return TarMember(self.shard, inner, self.offsets[row], self.sizes[row], self.state)


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
    members, notes, damage = _members(shard)
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


def _opened(shard: Path) -> tarfile.TarFile:
    """Open a shard; its first head is read.

    Raises
    ------
    Unreadable
        Where that is none.
    """
    try:
        return tarfile.open(shard, "r:")
    except OSError:
        raise
    except Exception as error:  # what is no head makes tarfile raise ValueError, MemoryError, ...
        raise Unreadable(f"no tar file ({error})") from error


def _members(shard: Path) -> tuple[Members, list[str], str]:
    """Find all members of a shard that are not of a system's; notes; how it is damaged, if so."""
    if shard.name.lower().endswith(PACKED):
        raise Unreadable("compressed, so that no member can be reached: unpack it to .tar")
    status = shard.stat()
    found, passed, leading = Members(shard, times(status)), list[str](), list[str]()
    damage = ""
    with _opened(shard) as tar:
        for member in _each(tar):
            steps = [step for step in member.name.split("/") if step.strip(".")]
            inner = "/".join(steps)
            if member.name.startswith("/") or ".." in member.name.split("/"):
                leading.append(member.name)
            if any(map(is_made, steps)):
                passed.append(inner)
            elif not member.isdir() or _ending(inner) in endings():
                problem = _problem(member, status.st_size)
                found.add(inner, member.offset_data, min(member.size, sys.maxsize), problem)
        end, cut = tar.offset, any("cut short" in one for one in found.problems.values())
    notes = [*passed_over(passed), *_renamed(leading), *_several(found.names)]
    if cut or 0 < status.st_size - end < tarfile.BLOCKSIZE:
        damage = "cut short"
    elif end >= status.st_size:
        notes.append("has no mark of its end: it may be cut short")
    elif not _ends(shard, end):
        damage = f"damaged at byte {end:,}"
    return found, notes, damage


def _renamed(leading: Sequence[str]) -> list[str]:
    """Say that names lead out of a shard, and are read as if they did not."""
    if not leading:
        return []
    names = counted(len(leading), "member")
    return [f"{names} ({leading[0]}{', ...' * (len(leading) > 1)}): named without what leads out"]


def _several(names: Sequence[str]) -> list[str]:
    """Say that members have the name of an earlier one; each has its row."""
    if len(set(names)) == len(names):
        return []
    seen: set[str] = set()
    again = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    more = ", ..." * (len(again) > 1)
    return [f"{counted(len(again), 'member')} ({again[0]}{more}): a name that an earlier one has"]


def _each(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar file up to its end, or to where it is damaged.

    `tar.offset` says where that is.
    """
    while True:
        at = tar.offset
        try:
            member = tar.next()
        except tarfile.TarError:  # its last member is cut short
            return
        except OSError:
            raise
        except Exception:  # a head that is none: ValueError, MemoryError, RecursionError, ...
            tar.offset = at
            return
        if member is None:
            return
        if member.size < 0 or tar.offset <= member.offset:  # it would lead back, again and again
            tar.offset = member.offset
            return
        tar.members.clear()  # type: ignore[attr-defined]  # which else would grow with each
        yield member


def _ends(shard: Path, at: int) -> bool:
    """Whether the mark of the end stands there, a block of zeros."""
    with shard.open("rb") as file:
        file.seek(at)
        return not any(file.read(tarfile.BLOCKSIZE))


def _problem(member: tarfile.TarInfo, size: int) -> str:
    """Say why a member can be no picture; empty where it may be one."""
    if member.islnk() or member.issym():
        return "a link within a shard"
    if member.isdir():
        return A_FOLDER
    if not member.isreg():
        return "not a regular file"
    if member.issparse():
        return "a sparse file within a shard"
    there = max(0, size - member.offset_data)
    return _cut(there, member.size) if there < member.size else ""


def _cut(there: int, size: int) -> str:
    return f"cut short: {there:,} of {counted(size, 'byte')} are there"


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
        if _ending(inner) in endings():
            found.setdefault(_key(inner), len(found))
    return found


def _is_beside(inner: str, sample_of: Mapping[str, int]) -> bool:
    """Whether a member stands beside the picture of its sample, and is none."""
    return "." in inner and _ending(inner) not in endings() and _key(inner) in sample_of


def _ending(inner: str) -> str:
    stem, dot, ending = inner.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""


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
            ending = _ending(inner)
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
