"""A folder of part files: what is done there, which parts are whole, who writes them."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from foveal.addresses import is_remote
from foveal.bulk.part import Part, read_part, write_part
from foveal.bulk.pieces import Piece, Share
from foveal.bulk.work import Worker, mark_of
from foveal.errors import DataError, UsageError
from foveal.files import beside, checked_folder, told, write_whole
from foveal.tables import FORMATS
from foveal.vocabulary import MANIFEST

VERSION = 1
"""Version of the manifest and of what parts say of themselves."""
PART_SIZE = 4_096
"""Pictures of a part at most, unless another number is asked for."""
SHORT = 8
"""Digits of the hash of a part's names that the manifest keeps: 2 MB of a thousand million
pictures."""
NAME = re.compile(r"part-(\d{8,})\.parquet")
SHARE = re.compile(r"\.shard-(\d+)-of-(\d+)\.lock")
TEMPORARY = re.compile(r"(\.[0-9a-f]{8})-\d+\.tmp")
"""Names of what a process was writing when it was killed, see `files.beside`."""


def names_parts(to: str, *, others: tuple[str, ...] = ()) -> bool:
    """Whether a name is one of a folder of parts: it ends as one, or there is such a folder.

    So is an address, but for those that end as tables do. Folders of other things have names that
    end as `others` say.
    """
    if to.rstrip("/").endswith(others):
        return False
    if is_remote(to):
        return not to.lower().endswith(FORMATS)
    return to.endswith(("/", os.sep)) or Path(to).is_dir()


def checked_place(place: Path) -> Path:
    """Check the name of a folder of parts.

    Raises
    ------
    UsageError
        Where the folder above is not there, and for a folder that holds anything else.
    """
    where = place.resolve() if place.is_dir() else place  # it may be a link to another disk
    checked_folder(where, needed=f"a folder that is new, or holds {MANIFEST}", spared=_spared)
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsFolder:
    """A folder whose parts are all of one work; plain values, for any process."""

    place: Path
    part_size: int
    """Pictures of a part at most."""
    work: str
    """What is done, see `work.mark_of`."""

    @classmethod
    def begun(
        cls, place: Path, facts: Mapping[str, Any], part_size: int | None = None
    ) -> PartsFolder:
        """Begin a folder of parts, or open one of the same work to go on with it.

        Parameters
        ----------
        place : Path
            The folder; it is made where the one above is there.
        facts : mapping
            What is done, see `Work.facts`.
        part_size : int, optional
            Pictures of a part at most; where left out that which the folder was begun with.

        Raises
        ------
        UsageError
            For a folder that holds anything else, or parts of other work or of another size.
        ResourceError
            Where it cannot be written to.
        """
        checked_place(place)
        with told(str(place)):
            place.mkdir(exist_ok=True)
            with filelock.FileLock(place / f".{MANIFEST}.lock"):
                known = read_manifest(place)
                if known is None:
                    known = new_manifest(facts, part_size)
                    _write_manifest(place, known)
        check_same(place, known, facts, part_size)
        return cls(place=place, part_size=known["part_size"], work=mark_of(facts))

    @property
    def title(self) -> str:
        """How it is named in messages."""
        return str(self.place)

    def path(self, number: int) -> Path:
        """Return where a part is, or will be."""
        return part_path(self.place, number)

    def held(self, piece: Piece) -> Part | None:
        """Return the part of a piece; None where it is not there, or damaged.

        Raises
        ------
        DataError
            For a part of other pictures.
        """
        path = self.path(piece.number)
        return self.fitting(piece, read_part(path) if path.exists() else None)

    def has(self, number: int) -> bool:
        """Whether there is a part of this number, whole or damaged."""
        return self.path(number).exists()

    def fitting(self, piece: Piece, found: Part | None) -> Part | None:
        """Return the part that was found in the place of a piece, if it is of this piece.

        Raises
        ------
        DataError
            For a part of other pictures.
        """
        if found is None or (found.names, found.work) == (piece.names, self.work):
            return found
        raise DataError(
            f"{self.title}/{self.path(piece.number).name}",
            needed="the pictures of which it was written, by name and in order",
            came="others" if found.work == self.work else "a part of other work",
            remedy="name the same pictures again, or another folder for the parts",
        )

    def write(self, piece: Piece, worker: Worker) -> Part:
        """Answer a piece, and write its part, whole or not at all."""
        return write_part(self.path(piece.number), worker, piece, self.work)

    def ended(self, names: Sequence[str], pictures: int) -> bool:
        """Note which parts there will be in all; returns whether all are there.

        Parameters
        ----------
        names : sequence of str
            What is kept of the names of each part, see `short`; empty for one of another share.
        pictures : int
            Rows of all of them.

        Raises
        ------
        DataError
            Where there are more: the pictures have become fewer.
        """
        there = parts_there(self.place)
        self.check_count(there, len(names))
        with told(str(self.place)), filelock.FileLock(self.place / f".{MANIFEST}.lock"):
            known = read_manifest(self.place) or {}
            ended = with_ends(known, names, pictures)
            if known != ended:
                _write_manifest(self.place, ended)
        return len(there) == len(names)

    def check_count(self, there: Collection[int], parts: int) -> None:
        """Check that no more parts are there than there are pieces.

        Raises
        ------
        DataError
            Where there are more: the pictures have become fewer.
        """
        if there and max(there) >= parts:
            raise DataError(
                f"{self.title}/{self.path(max(there)).name}",
                needed=f"parts of the pictures that are named, {parts:,} of them",
                came="one of more pictures",
                remedy="name the same pictures again, or another folder for the parts",
            )

    def leftovers(self) -> dict[str, list[Path]]:
        """List what killed processes left, by how the name of its part begins while written."""
        found: dict[str, list[Path]] = {}
        with os.scandir(self.place) as entries:
            for one in entries:
                if name := TEMPORARY.fullmatch(one.name):
                    found.setdefault(name[1], []).append(Path(one.path))
        return found

    def beginning(self, number: int) -> str:
        """Return how the name begins under which a part is written before it is whole."""
        return beside(self.path(number)).name.rpartition("-")[0]

    @contextlib.contextmanager
    def kept(self, share: Share) -> Iterator[None]:
        """Keep others from the same share, and from other divisions into shares, meanwhile.

        Raises
        ------
        UsageError
            Where another process works on it.
        """
        own = filelock.FileLock(self.place / f".shard-{share.number}-of-{share.of}.lock")
        with contextlib.ExitStack() as stack, told(str(self.place)):
            self._take(own, share)
            stack.callback(own.release)
            for path in self.place.glob(".shard-*.lock"):
                found = SHARE.fullmatch(path.name)
                if found and int(found[2]) != share.of:
                    other = filelock.FileLock(path)
                    self._take(other, Share(int(found[1]), int(found[2])))
                    other.release()
            yield

    def _take(self, lock: filelock.BaseFileLock, share: Share) -> None:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise UsageError(
                f"`to` {self.title}",
                needed="parts that no other process writes",
                came=f"one that writes share {share} of them",
                remedy="wait for it, or name another share (`shards`)",
            ) from None


def part_path(place: Path, number: int) -> Path:
    """Return where a part is, or will be."""
    return place / f"part-{number:08d}.parquet"


def parts_there(place: Path) -> set[int]:
    """List the parts that are there."""
    with os.scandir(place) as entries:
        return {int(found[1]) for one in entries if (found := NAME.fullmatch(one.name))}


def read_manifest(place: Path) -> dict[str, Any] | None:
    """Read what a folder of parts says of itself; None where it says nothing.

    Raises
    ------
    DataError
        Where that is damaged, or of another version.
    """
    path = place / MANIFEST
    return manifest_of(path.read_bytes(), str(path)) if path.exists() else None


def manifest_of(data: bytes, where: str) -> dict[str, Any]:
    """Read what was written of a folder of parts.

    Raises
    ------
    DataError
        Where it is damaged, or of another version.
    """
    try:
        found = json.loads(data)
        size, work, version = found["part_size"], found["work"], found["version"]
        ends = [found[name] for name in ("parts", "pictures") if name in found]
        numbers = all(isinstance(one, int) and one >= 0 for one in (size, *ends))
        named = isinstance(found.get("names", ""), str)
        whole = numbers and size > 0 and isinstance(work, dict) and named
    except (ValueError, KeyError, TypeError, RecursionError):
        whole, version = False, None
    if not whole or version != VERSION:
        raise DataError(
            where,
            needed=f"what Foveal writes of parts, version {VERSION}",
            came="a damaged file" if not whole else f"version {version}",
            remedy="name another folder for the parts",
        )
    return dict(found)


def new_manifest(facts: Mapping[str, Any], part_size: int | None) -> dict[str, Any]:
    """Return what is said of a folder of parts that is begun."""
    return {"version": VERSION, "part_size": part_size or PART_SIZE, "work": dict(facts)}


def with_ends(known: Mapping[str, Any], names: Sequence[str], pictures: int) -> dict[str, Any]:
    """Add what is said of all parts at the end, see `PartsFolder.ended`.

    Of parts of other shares that is kept which those said.
    """
    before = [names_in(known, number) for number in range(len(names))]
    told = [one or was or "-" * SHORT for one, was in zip(names, before, strict=True)]
    return {**known, "parts": len(names), "pictures": pictures, "names": "".join(told)}


def names_in(known: Mapping[str, Any], number: int) -> str:
    """Return what a manifest keeps of the names of a part, see `short`; nothing where it does not.

    Parts that were written before had none there, nor have those of a share that did not end.
    """
    found: str = known.get("names", "")[number * SHORT : (number + 1) * SHORT]
    return found.strip("-")


def short(names: str) -> str:
    """Return what a manifest keeps of the hash of a piece's names."""
    return names[:SHORT]


def manifest_data(facts: Mapping[str, Any]) -> bytes:
    """Write what is said of a folder of parts."""
    return (json.dumps(facts, indent=1) + "\n").encode()


def _write_manifest(place: Path, facts: Mapping[str, Any]) -> None:
    write_whole(place / MANIFEST, manifest_data(facts))


def _spared(place: Path) -> str:
    """Say why a folder with something in it is none of parts; nothing where it is one."""
    if (place / MANIFEST).exists():
        return ""
    others = any(not one.name.startswith(".") for one in place.iterdir())
    return "a folder with other files in it" if others else ""


def check_same(
    place: Path | str, known: Mapping[str, Any], facts: Mapping[str, Any], part_size: int | None
) -> None:
    """Check that a folder was begun for the same work.

    Raises
    ------
    UsageError
        Where it was begun for another.
    """
    asked = {"part_size": part_size or known["part_size"], **facts}
    there = {"part_size": known["part_size"], **known["work"]}
    odd = next((name for name in {**asked, **there} if asked.get(name) != there.get(name)), None)
    if odd is None:
        return
    raise UsageError(
        f"`to` {place}",
        needed=f"a new folder, or parts of this work: {odd} {_short(asked.get(odd))}",
        came=f"parts of {odd} {_short(there.get(odd))}",
        remedy="name another folder, or give the command that began it",
    )


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 20 else f"{text[:12]}..."
