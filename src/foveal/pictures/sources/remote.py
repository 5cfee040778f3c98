"""Sources at addresses, such as s3://bucket/photos: folders, tables, shards, single pictures.

Objects of a folder are read one by one, wherever they lie. A file that holds several is fetched as
a whole, and its copy is read as a file of this machine is, under the names that it has there.
"""

from __future__ import annotations

import functools
import os
import posixpath
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal import remote
from foveal.addresses import checked, is_remote, joined, last_name, parent, shown
from foveal.errors import DataError, ResourceError
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import Absent, Encoded, EncodedRows, Unreadable
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.remote_objects import RemoteObject, RemoteRows
from foveal.pictures.sources import parquet, tar, text_table
from foveal.pictures.sources.columns import Listed, told
from foveal.pictures.sources.folder import in_order, is_made, passed_over, said_by_folders
from foveal.pictures.sources.part_files import MOST_MANIFEST, refusal
from foveal.pictures.sources.shards import BESIDE, members_too, with_part
from foveal.pictures.texts import Texts
from foveal.remote_copies import Copy, copied
from foveal.remote_errors import NoObject, missing
from foveal.vocabulary import MANIFEST

MOST_OPEN = 8
"""Copies of shards that are listed anew, at most, where members came from another process."""
SHARDS = (tar, parquet)
TABLES = (text_table,)


def takes(given: Any) -> bool:
    """Whether this is an address, or several texts among which one is."""
    if isinstance(given, list | tuple):
        texts = all(isinstance(one, str | os.PathLike) for one in given)
        return texts and any(map(is_remote, given))
    return is_remote(given)


def read(given: Any) -> Pictures:
    """Read what lies at an address, or at several.

    Raises
    ------
    DataError
        Where nothing is there.
    ResourceError
        Where a server does not answer, or does not know the keys.
    """
    if isinstance(given, list | tuple):
        return _several([one if is_remote(one) else str(one) for one in given])
    address = checked(given)
    try:
        found = None if address.endswith("/") else remote.entry(address)
        if found is None:
            return _Folder(address.rstrip("/")).read()
        if kind := next((one for one in (*SHARDS, *TABLES) if _is(one, address)), None):
            return _file(address, kind)
    except NoObject as reason:
        raise missing(address, str(reason)) from reason
    return _objects([RemoteObject(address, found.stamp, found.size)], [address])


def each(given: Any) -> Sequence[Pictures] | Iterator[Pictures]:
    """Read what lies at an address as `read` does, but shards one by one, as they are asked for.

    The copy of a shard may leave the cache once its pictures are no longer needed.
    """
    if isinstance(given, list | tuple):
        if not _are_shards(given):
            return [read(given)]
        return _told_each((_shard(one, last_name(one)), one) for one in given)
    try:
        is_folder = given.endswith("/") or remote.entry(checked(given)) is None
        folder = _Folder(given.rstrip("/")) if is_folder else None
    except NoObject as reason:
        raise missing(given, str(reason)) from reason
    if folder is None or not folder.shards:
        return [read(given) if folder is None else folder.read()]
    return _told_each((folder.listed(name), given) for name in folder.shards)


def _told_each(listed: Iterable[tuple[Listed, str]]) -> Iterator[Pictures]:
    return (told([one], shown(where)) for one, where in listed if len(one.rows))


def _is(kind: Any, address: str) -> bool:
    return bool(kind.takes(Path(last_name(address))))


def _is_shard(address: str) -> bool:
    return any(_is(kind, address) for kind in SHARDS)


def _are_shards(given: Sequence[Any]) -> bool:
    return all(is_remote(one) and _is_shard(one) for one in given)


def _objects(pictures: Sequence[Encoded], names: Sequence[str]) -> Pictures:
    return Pictures.of_encoded(pictures, names)


# Folders ---------------------------------------------------------------------------------


class _Folder:
    """What lies beneath an address, in the order in which a folder of this machine is read."""

    def __init__(self, address: str) -> None:
        found: dict[str, tuple[str, int]] = {}
        self.address, self.passed = address, list[str]()
        for one in remote.entries(address):
            name = one.name[len(address) + 1 :]
            if any(map(is_made, name.split("/"))):
                self.passed.append(name)
            else:
                found[name] = one.stamp, one.size
        if not found:
            raise missing(address, "nothing there", "a folder with pictures")
        if MANIFEST in found:
            raise refusal(shown(address), remote.read(f"{address}/{MANIFEST}", MOST_MANIFEST))
        self.names = in_order(found)
        self.stamps = [found[one][0] for one in self.names]
        self.sizes = array("q", [found[one][1] for one in self.names])
        shards = [name for name in self.names if _is_shard(name)]
        beside = set(self.names).difference(shards)
        others = {posixpath.splitext(name)[1].lower() for name in beside}
        self.shards = shards if others <= {*BESIDE} else []
        """Names of shards, where these are all that it holds."""

    def read(self) -> Pictures:
        """Read parts, then classes, then files; shards one after another."""
        if self.shards:
            beside = [name for name in self.names if name not in set(self.shards)]
            found = told([self.listed(name) for name in self.shards], shown(self.address))
            return found.noted(passed_over(beside, "beside the shards"))
        labels, parts = said_by_folders(self.names, shown(self.address))
        names = Texts(self.names)
        rows = RemoteRows(self.address, names, Texts(self.stamps), self.sizes)
        return Pictures(
            names=names,
            content=EncodedContent(rows),
            labels=None if labels is None else np.array(labels, dtype=object),
            parts=None if parts is None else np.array(parts),
            notes=tuple(passed_over(self.passed)),
        )

    def listed(self, name: str) -> Listed:
        """List the pictures of a shard, named from here."""
        return with_part(_shard(f"{self.address}/{name}", name), name)


# Files that hold several -----------------------------------------------------------------


def _file(address: str, kind: Any) -> Pictures:
    """Read a table or a shard, by its copy."""
    if kind in SHARDS:
        return told([_shard(address, last_name(address), alone=True)], shown(address))
    copy = copied(address)
    found: Pictures = _as_there(copy, lambda: text_table.read(copy.path))
    content = found.content
    assert isinstance(content, EncodedContent)
    return replace(found, content=EncodedContent(Renamed(copy, content.pictures)))


def _as_there(copy: Copy, reading: Any) -> Any:
    """Read a copy; errors name what it is a copy of."""
    try:
        return reading()
    except DataError as error:
        here, there = str(copy.path.parent), shown(parent(copy.address))
        beats = {name: str(text).replace(here, there) for name, text in error.beats.items()}
        raise DataError(beats.pop("what"), **beats) from error


def _shard(address: str, name: str, *, alone: bool = False) -> Listed:
    """List the pictures of a shard; one of several that cannot be read is a row of its own."""
    try:
        return RemoteShard.of(address).listed(name)
    except NoObject as reason:
        return _unread(address, name, str(reason))
    except (OSError, Unreadable) as error:
        if isinstance(error, ResourceError):
            raise
        if not alone:
            return _unread(address, name, str(error))
        raise DataError(
            shown(address),
            needed="a whole shard of pictures",
            came=str(error)[:100],
            remedy="copy it there again",
        ) from error


def _unread(address: str, name: str, reason: str) -> Listed:
    return Listed(rows=(Absent(shown(address), reason),), names=[name], columns={})


class Renamed(EncodedRows):
    """The rows of a table of which a copy is read: files beside the copy lie beside the table."""

    def __init__(self, copy: Copy, rows: Sequence[Encoded]) -> None:
        self.copy, self.rows = copy, rows

    def __len__(self) -> int:
        return len(self.rows)

    def one(self, row: int) -> Encoded:
        """Return the picture of a row."""
        return _there(self.rows[row], self.copy)


def _there(picture: Encoded, copy: Copy) -> Encoded:
    """Return what a picture beside a copy is, or an absent one within it, at the address."""
    here = f"{copy.path.parent}{os.sep}"
    if isinstance(picture, Path) and str(picture).startswith(here):
        return RemoteObject(joined(parent(copy.address), picture.as_posix()[len(here) :]))
    if isinstance(picture, Absent) and picture.name.startswith(here):
        name = shown(joined(parent(copy.address), picture.name[len(here) :]))
        return Absent(name, picture.reason)
    return picture


class RemoteShard:
    """A shard at an address, of which a copy is read.

    Its members can be sent to another process, or machine, which fetches a copy of its own.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.copy = copied(address)
        self.kind = next(kind for kind in SHARDS if _is(kind, address))
        self.found: Listed = _as_there(
            self.copy, lambda: self.kind.listed(self.copy.path, last_name(address))
        )

    @classmethod
    def of(cls, address: str) -> RemoteShard:
        """Fetch and list a shard."""
        return cls(checked(address))

    def listed(self, name: str) -> Listed:
        """Return what it lists, its pictures beneath this name."""
        own = last_name(self.address)
        names = Texts(name + one[len(own) :] for one in self.found.names)
        return replace(self.found, rows=_Members(self), names=names)

    def member(self, row: int) -> Encoded:
        """Return the picture of a row."""
        found = _there(self.found.rows[row], self.copy)
        if isinstance(found, Path | Absent | RemoteObject):
            return found
        inner = found.name[len(str(self.copy.path)) :]
        return RemoteMember(self, row, f"{shown(self.address)}{inner}")

    def __reduce__(self) -> tuple[object, ...]:
        return _reopened, (self.address, self.copy.stamp)


@functools.lru_cache(maxsize=MOST_OPEN)
def _reopened(address: str, stamp: str) -> RemoteShard:
    return RemoteShard.of(address)


class _Members(EncodedRows):
    def __init__(self, shard: RemoteShard) -> None:
        self.shard = shard

    def __len__(self) -> int:
        return len(self.shard.found.rows)

    def one(self, row: int) -> Encoded:
        return self.shard.member(row)


class RemoteMember:
    """A picture within a shard at an address."""

    __slots__ = ("name", "row", "shard")

    def __init__(self, shard: RemoteShard, row: int, name: str) -> None:
        self.shard, self.row, self.name = shard, row, name

    @property
    def stamp(self) -> str:
        """The state of the shard, and its row."""
        return f"{self.shard.copy.stamp} {self.row}" if self.shard.copy.stamp else ""

    def read(self) -> bytes:
        """Read it from the copy."""
        within = self.shard.found.rows[self.row]
        assert not isinstance(within, Path)
        return within.read()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteMember) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str, int]:
        return self.shard.address, self.shard.copy.stamp, self.row


# Several ---------------------------------------------------------------------------------


def _several(given: Sequence[str]) -> Pictures:
    """Read several files, wherever they lie; shards alone are read as shards."""
    if _are_shards(given):
        return told([_shard(one, last_name(one)) for one in given], f"{len(given)} shards")
    found = [
        RemoteObject(checked(one)) if is_remote(one) else members_too([Path(one)])[0]
        for one in given
    ]
    return _objects(found, [shown(one) if is_remote(one) else one for one in given])
