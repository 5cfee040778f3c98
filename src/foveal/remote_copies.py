"""Whole files at addresses, fetched into the cache: a copy is read as any file is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foveal import eviction
from foveal.addresses import checked, is_remote, last_name, shown
from foveal.cache import cache_folder, disk
from foveal.errors import ModelFileError
from foveal.files import whole_file
from foveal.remote import entry, fetch
from foveal.remote_errors import NoObject

if TYPE_CHECKING:
    from foveal.eviction import Hold

COPIES = "remote"
"""Kind of the cache that holds copies of whole files."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole file that was fetched into the cache; it stays there as long as this lives."""

    path: Path
    address: str
    stamp: str
    hold: Hold | None


def local_path(given: str | Path) -> Path:
    """Return where a file lies: a path as it is, of an address a copy in the cache.

    The copy stays at least as long as this process runs.

    Raises
    ------
    NoObject, ResourceError, UsageError
        As for `copied`.
    """
    if not is_remote(given):
        return Path(given)
    found = copied(given)
    return _kept.setdefault(found.path, found).path


def local_model(given: str | Path) -> Path:
    """Return where a model file lies, as `local_path` does.

    Raises
    ------
    ModelFileError
        Where there is none.
    """
    try:
        return local_path(given)
    except NoObject as reason:
        raise ModelFileError(
            shown(str(given)),
            needed="a model file that exists",
            came=str(reason),
            remedy="check the spelling of the address",
        ) from reason


def origin(path: Path) -> str:
    """Return what a path was taken from: the address of a copy, else the path itself."""
    return _kept[path].address if path in _kept else str(path)


_kept: dict[Path, Copy] = {}
"""Copies that are in use as long as the process runs."""


def copied(address: str) -> Copy:
    """Fetch a whole file into the cache, unless it lies there as it is now.

    Raises
    ------
    NoObject
        Where there is no such object.
    ResourceError
        Where it cannot be reached, or the cache has no room.
    """
    found = entry(checked(address))
    if found is None:
        raise NoObject("a folder, not a file")
    key = hashlib.blake2b(f"{address}\0{found.stamp}".encode(), digest_size=16).hexdigest()
    folder = cache_folder() / COPIES / key
    place = folder / last_name(address)
    hold = eviction.hold(folder)
    if hold is None or not place.exists() or not found.stamp:
        eviction.room_for(found.size, f"copy of {shown(address)}")
        with disk():
            folder.mkdir(parents=True, exist_ok=True)
        hold = eviction.hold(folder)
        with whole_file(place) as temporary:
            fetch(address, temporary)
    return Copy(place, address, found.stamp, hold)


def is_copy(folder: Path) -> bool:
    """Whether a folder holds a copy, beside which nothing else lies."""
    return folder.parent == (cache_folder() / COPIES).absolute()
