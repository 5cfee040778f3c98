"""Members of a .tar file: found once, and read by their offset when they are asked for."""

from __future__ import annotations

import os
import sys
import tarfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from foveal.pictures.encoded import (
    A_FOLDER,
    Absent,
    Encoded,
    EncodedRows,
    Unreadable,
    check_bytes,
    times,
)
from foveal.pictures.opening import endings, reason_of
from foveal.pictures.sources.folder import is_made, passed_over
from foveal.pictures.texts import Texts
from foveal.wording import counted

PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
"""Endings of shards in which no member can be reached by its offset."""


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


def members_of(shard: Path) -> tuple[Members, list[str], str]:
    """Find all members of a shard that are not of a system's.

    Returns
    -------
    tuple
        The members; notes; how the shard is damaged, if it is.

    Raises
    ------
    Unreadable, OSError
        Where it is no tar file, or a compressed one.
    """
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
            elif not member.isdir() or ending_of(inner) in endings():
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


def ending_of(inner: str) -> str:
    """Return the ending of a member's name, in lower case; empty where it has none.

    >>> ending_of("a.b/0017.seg.PNG"), ending_of("a.b/.png")
    ('.png', '')
    """
    stem, dot, ending = inner.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""
