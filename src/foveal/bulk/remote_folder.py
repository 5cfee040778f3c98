"""A folder of part files at an address: the same parts, whole or absent there.

Each part is written here first, and is put there as one object. Who writes a share is told to other
processes of this machine alone; two machines that do the same share do it twice, to the same rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal import remote
from foveal.addresses import checked, is_remote, last_name, shown
from foveal.bulk.folder import (
    NAME,
    PartsFolder,
    check_same,
    manifest_data,
    manifest_of,
    new_manifest,
    part_path,
    parts_there,
    read_manifest,
    with_ends,
)
from foveal.bulk.part import Part, part_or_damage, write_part
from foveal.bulk.pieces import Piece
from foveal.bulk.work import Worker, mark_of
from foveal.cache import cache_folder, disk
from foveal.errors import UsageError
from foveal.pictures.sources.part_files import MOST_MANIFEST
from foveal.remote_copies import COPIES, copied
from foveal.remote_errors import NoObject, missing
from foveal.vocabulary import MANIFEST

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
        found = said_by(self.part(piece.number))
        return self.fitting(piece, found if isinstance(found, Part) else None)

    def has(self, number: int) -> bool:
        """Whether there is a part of this number, whole or damaged."""
        try:
            return remote.entry(self.part(number)) is not None
        except NoObject:
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

    def ended(self, names: Sequence[str], pictures: int) -> bool:
        """Note which parts there will be in all, as `PartsFolder.ended` does."""
        there = stamps_at(self.address)
        self.check_count(there, len(names))
        known = manifest_at(self.address) or {}
        ended = with_ends(known, names, pictures)
        if known != ended:
            remote.write(f"{self.address}/{MANIFEST}", manifest_data(ended))
        return len(there) == len(names)

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
    except NoObject as reason:
        if str(reason) == "no such bucket":
            raise missing(address, str(reason), "a bucket that exists") from reason
        return None
    return manifest_of(data, shown(f"{address}/{MANIFEST}"))


def stamps_at(place: Path | str) -> dict[int, str]:
    """List the parts that are there, each with what tells that its bytes did not change."""
    if not is_remote(place):
        return {
            number: stamp_of(part_path(Path(place), number)) for number in parts_there(Path(place))
        }
    address = _folder(place)
    named = ((one.name[len(address) + 1 :], one.stamp) for one in remote.entries(address))
    return {int(found[1]): stamp for name, stamp in named if (found := NAME.fullmatch(name))}


def stamp_of(file: Path) -> str:
    """Return size and time of a part on this machine; nothing where it is gone."""
    try:
        found = file.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


def part_at(place: Path | str, number: int) -> Path | str:
    """Return where a part is, or will be."""
    if not is_remote(place):
        return part_path(Path(place), number)
    address = _folder(place)
    return f"{address}/{part_path(Path(), number).name}"


def said_by(file: Path | str) -> Part | str:
    """Read what a part says of itself, or say what is wrong with it.

    Of one at an address its end alone is read.
    """
    if not is_remote(file):
        return part_or_damage(Path(file))
    try:
        found = remote.entry(file)
        if found is None:
            return "none"
        start = max(0, found.size - AN_END)
        data = remote.read(file, AN_END, start)
        foot = int.from_bytes(data[-8:-4], "little") + 8
        if len(data) < foot <= found.size:
            data = remote.read(file, foot, found.size - foot)
    except NoObject as reason:
        return str(reason)
    return part_or_damage(io.BytesIO(data))


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
    except NoObject:
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
