"""Encoded pictures, wherever their bytes lie: in a file, within another file, or in memory.

A file is its path. All else is a `Member`: bytes with a name, read when they are asked for. Whoever
opens, hashes or names an encoded picture asks the functions here and knows no difference.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import itertools
import os
import stat
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, overload

import numpy as np

from foveal.addresses import is_remote
from foveal.arrays import Rows
from foveal.wording import counted

MOST_BYTES = 1 << 30
"""Bytes of an encoded picture within another file at most: it is read as a whole."""

MARK = "#"
"""Stands between the name of a picture of several pages and the number of one."""
A_FOLDER = "a folder, not a file"
"""Why a folder that is named like a picture is none."""

Seen = tuple[str, str]
"""Name of an encoded picture, and what tells that its bytes did not change."""


class Unreadable(Exception):
    """What gives no picture; its text is the reason in the ledger."""


class Member(Protocol):
    """Bytes with a name, within another file or in memory; hashable."""

    @property
    def name(self) -> str:
        """How it is opened from here, such as "shard.tar/cat.jpg"."""

    @property
    def stamp(self) -> str:
        """Tells that its bytes did not change, without reading them; empty where it has none."""

    def read(self) -> bytes:
        """Read all of it.

        Raises
        ------
        Unreadable
            With the reason.
        """


Encoded = Path | Member
"""An encoded picture."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A row that holds no picture, and why: it stays, and is named."""

    name: str
    reason: str

    stamp = ""

    def read(self) -> bytes:
        """Refuse, with the reason."""
        raise Unreadable(self.reason)


@dataclass(frozen=True, slots=True)
class InMemory:
    """A picture whose bytes are at hand."""

    name: str
    data: bytes = field(repr=False)

    @property
    def stamp(self) -> str:
        """Hash the bytes (BLAKE2b)."""
        return hashlib.blake2b(self.data, digest_size=16).hexdigest()

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a picture that has several."""

    file: Encoded
    number: int
    """Its number, from 1 on."""

    @property
    def name(self) -> str:
        """The name of the whole, and the number: "scan.tif#3"."""
        return f"{whole_name(self.file)}{MARK}{self.number}"

    @property
    def stamp(self) -> str:
        """What tells that the whole did not change, and the number."""
        whole = seen(self.file)
        return f"{whole[1]} page {self.number}" if whole else ""

    def read(self) -> bytes:
        """Read the whole."""
        with stream(self.file) as file:
            return file.read()


def as_page(path: Path) -> Path | Page:
    """Return the page that a name such as "scan.tif#3" means; a file of that name is itself."""
    stem, mark, number = path.name.rpartition(MARK)
    if not (stem and mark and number.isdecimal() and int(number)):
        return path
    try:
        alone = path.exists() or not path.with_name(stem).exists()
    except (OSError, ValueError):  # a name that no file can have
        return path
    return path if alone else Page(path.with_name(stem), int(number))


class EncodedRows(Sequence[Encoded]):
    """Encoded pictures by row, none of them made before it is asked for."""

    @overload
    def __getitem__(self, row: int) -> Encoded: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Encoded]: ...
    def __getitem__(self, row: int | slice) -> Encoded | Sequence[Encoded]:
        if isinstance(row, slice):
            return Picked(self, range(*row.indices(len(self))))
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self.one(row % len(self))

    @abstractmethod
    def one(self, row: int) -> Encoded:
        """Make the picture of a row, from 0 on."""


class Beneath(EncodedRows):
    """Files beneath a folder, by their names: a path takes ten times the memory of its name."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder, self.names = folder, names

    def __len__(self) -> int:
        return len(self.names)

    def one(self, row: int) -> Encoded:
        """Return the path of a row."""
        return self.folder / self.names[row]


class Picked(EncodedRows):
    """Some rows of many encoded pictures, in any order."""

    def __init__(self, source: Sequence[Encoded], rows: Sequence[int]) -> None:
        picked = np.asarray(rows, dtype=np.intp)
        self.source = source.source if isinstance(source, Picked) else source
        self.rows = source.rows[picked] if isinstance(source, Picked) else picked

    source: Sequence[Encoded]
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def one(self, row: int) -> Encoded:
        """Return the picture of a row that was picked."""
        return self.source[int(self.rows[row])]

    def __reduce__(self) -> tuple[object, ...]:
        # Another process needs those that were picked, and not all of them.
        return list, (list(self),)


class Chained(EncodedRows):
    """The rows of several sources, one after another."""

    def __init__(self, sources: Sequence[Sequence[Encoded]]) -> None:
        self.sources = [source for source in sources if len(source)]
        self.ends = list(itertools.accumulate(map(len, self.sources)))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def one(self, row: int) -> Encoded:
        """Return the picture of a row of all."""
        at = bisect.bisect_right(self.ends, row)
        return self.sources[at][row - self.ends[at] + len(self.sources[at])]


def whole_name(picture: Encoded) -> str:
    """Return the name by which a picture is opened from here."""
    return str(picture) if isinstance(picture, Path) else picture.name


def last_name(picture: Encoded) -> str:
    """Return the last part of the name."""
    return picture.name if isinstance(picture, Path) else PurePosixPath(picture.name).name


def openable(picture: Encoded) -> Path | BinaryIO:
    """Return what Pillow opens: the path of a file, the bytes of anything else.

    Raises
    ------
    Unreadable
        For what is empty, and for paths that are no regular files.
    OSError
        For a file that is not there, or may not be read.
    """
    if isinstance(picture, Page):
        return openable(picture.file)
    if not isinstance(picture, Path):
        data = picture.read()
        if not data:
            raise Unreadable("empty file")
        return io.BytesIO(data)
    status = picture.stat()
    if stat.S_ISDIR(status.st_mode):
        raise Unreadable(A_FOLDER)
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file")
    if status.st_size == 0:
        raise Unreadable("empty file")
    return picture


def stream(picture: Encoded) -> BinaryIO:
    """Open the bytes of a picture.

    Raises
    ------
    Unreadable, OSError
        Where they cannot be read.
    """
    return picture.open("rb") if isinstance(picture, Path) else io.BytesIO(picture.read())


def seen(picture: Encoded) -> Seen | None:
    """Return what tells a picture and its bytes from others; None where nothing can."""
    if not isinstance(picture, Path):
        return (_absolute(picture), picture.stamp) if picture.stamp else None
    try:
        status = picture.stat()
        path = str(picture.absolute())
    except (OSError, ValueError):  # names that no file can have
        return None
    if not picture.is_file():
        return None
    return path, f"{times(status)} {status.st_ino}"


def mark(picture: Encoded) -> bytes:
    """Name a picture, its size and times, for the key of a store."""
    if not isinstance(picture, Path):
        line = f"{_absolute(picture)}\0{picture.stamp or 'absent'}\n"
        return line.encode("utf-8", "surrogatepass")
    try:
        line = f"{picture.absolute()}\0{times(picture.stat())}\n"
    except (OSError, ValueError):
        line = f"{picture.absolute()}\0absent\n"
    return line.encode("utf-8", "surrogatepass")


def _absolute(member: Member) -> str:
    name = member.name
    return name if is_remote(name) else str(Path(name).absolute())


def times(status: os.stat_result) -> str:
    """Return size and times of a file as a text.

    The time of the inode too: it moves with permissions, and when an old time is put back by hand.
    """
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def check_bytes(size: int) -> None:
    """Check that a picture within another file is not too large to be read as a whole.

    Raises
    ------
    Unreadable
        For more than `MOST_BYTES`.
    """
    if size > MOST_BYTES:
        raise Unreadable(
            f"more than {counted(MOST_BYTES, 'byte')} within another file ({size:,}): give it as "
            "a file of its own"
        )
