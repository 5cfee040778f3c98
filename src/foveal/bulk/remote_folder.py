"""A folder of part files at an address: the same parts, whole or absent there.

Each part is written here first, and is put there as one object. Who writes a share is told to other
processes of this machine alone; two machines that do the same share do it twice, to the same rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal import remote
from foveal.addresses import checked, is_remote, last_name, shown
from foveal.bulk.folder import (
    MANIFEST,
    NAME,
    PartsFolder,
    check_same,
    manifest_data,
    manifest_of,
    new_manifest,
    part_path,
    parts_there,
    read_manifest,
)
from foveal.bulk.part import Part, read_part, write_part
from foveal.bulk.pieces import Piece
from foveal.bulk.work import Worker, mark_of
from foveal.cache import cache_folder, disk
from foveal.errors import UsageError
from foveal.remote_copies import COPIES, copied

MOST_MANIFEST = 16 << 20
"""Bytes of a manifest, at most."""
AN_END = 64 << 10
"""Bytes at the end of a part that are read first: they hold what it says of itself."""


def begun(place: Path | str, facts: Mapping[str, Any], part_size: int | None = None) -> PartsFolder:
    """Begin a folder of parts, or open one to go on with it, here or at an address.

    Raises
    ------
    UsageError, ResourceError
        As for `PartsFolder.begun`.
    """
    if not is_remote(place):
        return PartsFolder.begun(Path(place), facts, part_size)
    address = _folder(place)
    known = manifest_at(address)
    if known is None:
        _check_empty(address)
        remote.write(f"{address}/{MANIFEST}", manifest_data(new_manifest(facts, part_size)))
        known = manifest_at(address) or {}
    check_same(shown(address), known, facts, part_size)
    return RemotePartsFolder(
        place=_beside(address), address=address, part_size=known["part_size"], work=mark_of(facts)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePartsFolder(PartsFolder):
    """A folder of parts at an address; `place` holds locks of this machine."""

    address: str

    @property
    def title(self) -> str:
        """The address."""
        return shown(self.address)

    def held(self, piece: Piece) -> Part | None:
        """Return the part of a piece, as `PartsFolder.held` does."""
        return self.fitting(piece, said_by(self.part(piece.number)))

    def has(self, number: int) -> bool:
        """Whether there is a part of this number, whole or damaged."""
        try:
            return remote.entry(self.part(number)) is not None
        except remote.NoObject:
            return False

    def part(self, number: int) -> str:
        """Return the address of a part."""
        return str(part_at(self.address, number))

    def write(self, piece: Piece, worker: Worker) -> Part:
        """Answer a piece here, and put its part there, whole or not at all."""
        with tempfile.TemporaryDirectory(prefix="foveal-") as folder:
            file = Path(folder) / self.path(piece.number).name
            found = write_part(file, worker, piece, self.work)
            remote.put(file, self.part(piece.number))
        return found

    def ended(self, parts: int, pictures: int) -> bool:
        """Note how many parts there will be in all; returns whether all are there."""
        there = numbers_at(self.address)
        self.check_count(there, parts)
        known = manifest_at(self.address) or {}
        ended = {**known, "parts": parts, "pictures": pictures}
        if known != ended:
            remote.write(f"{self.address}/{MANIFEST}", manifest_data(ended))
        return len(there) == parts

    def leftovers(self) -> dict[str, list[Path]]:
        """Return nothing: what is half written is never there."""
        return {}


# What lies here or at an address ----------------------------------------------------------


def manifest_at(place: Path | str) -> dict[str, Any] | None:
    """Read what a folder of parts says of itself; None where it says nothing.

    Raises
    ------
    DataError
        Where that is damaged, or of another version, and for a bucket that is not there.
    ResourceError
        Where a server does not answer.
    """
    if not is_remote(place):
        return read_manifest(Path(place))
    address = _folder(place)
    try:
        data = remote.read(f"{address}/{MANIFEST}", MOST_MANIFEST)
    except remote.NoObject as reason:
        if str(reason) == "no such bucket":
            raise remote.missing(address, str(reason), "a bucket that exists") from reason
        return None
    return manifest_of(data, shown(f"{address}/{MANIFEST}"))


def numbers_at(place: Path | str) -> set[int]:
    """List the parts that are there."""
    if not is_remote(place):
        return parts_there(Path(place))
    address = _folder(place)
    names = (one.name[len(address) + 1 :] for one in remote.entries(address))
    return {int(found[1]) for name in names if (found := NAME.fullmatch(name))}


def part_at(place: Path | str, number: int) -> Path | str:
    """Return where a part is, or will be."""
    if not is_remote(place):
        return part_path(Path(place), number)
    address = _folder(place)
    return f"{address}/{part_path(Path(), number).name}"


def said_by(file: Path | str) -> Part | None:
    """Read what a part says of itself; None where there is none, or a damaged one.

    Of one at an address its end alone is read.
    """
    if not is_remote(file):
        return read_part(Path(file))
    try:
        found = remote.entry(file)
        if found is None:
            return None
        start = max(0, found.size - AN_END)
        data = remote.read(file, AN_END, start)
        foot = int.from_bytes(data[-8:-4], "little") + 8
        if len(data) < foot <= found.size:
            data = remote.read(file, foot, found.size - foot)
    except remote.NoObject:
        return None
    return read_part(io.BytesIO(data))


@contextlib.contextmanager
def at_hand(file: Path | str) -> Iterator[Path]:
    """Let a part lie on this machine meanwhile: of one at an address the cache keeps a copy.

    Raises
    ------
    NoObject
        Where there is no such object.
    ResourceError
        Where it cannot be reached, or the cache has no room.
    """
    if not is_remote(file):
        yield Path(file)
        return
    copy = copied(file)  # it may go once nobody holds it
    yield copy.path


def _folder(address: str) -> str:
    return checked(address).rstrip("/")


def _check_empty(address: str) -> None:
    try:
        other = next(iter(remote.entries(address)), None)
    except remote.NoObject:
        return
    if other is not None:
        raise UsageError(
            f"`to` {shown(address)}",
            needed=f"a folder that is new, or holds {MANIFEST}",
            came=f"one that holds {last_name(other.name)}",
            remedy="choose another name",
        )


def _beside(address: str) -> Path:
    """Return a folder of this machine for an address, in which its locks lie."""
    mark = hashlib.blake2b(address.encode(), digest_size=16).hexdigest()
    found = cache_folder() / COPIES / f"parts-{mark}"
    with disk():
        found.mkdir(parents=True, exist_ok=True)
    return found
