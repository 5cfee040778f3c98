"""The cache on disk: what can be made again, each kind in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from foveal.addresses import is_remote, shown
from foveal.errors import ResourceError, UsageError

KEY = "[0-9a-f]{32}"
"""A digest that names something, as a regular expression."""
ENGINE = re.compile(rf"{KEY}-[0-9a-f]{{16}}-\w+\.safetensors")
"""Names of converted networks."""
NAMES = {
    "stores": re.compile(rf"{KEY}(\.\w+\.tmp)?"),
    "features": re.compile(KEY),
    "engines": re.compile(rf"{ENGINE.pattern}|measured\.json"),
    "weights": re.compile(r".+-[0-9a-f]{16}\.safetensors"),
    "contents": re.compile(r"\w+\.sqlite(-\w+)?"),
    "remote": re.compile(f"(parts-)?{KEY}"),
}
"""How what Foveal writes is named, by the folder that holds it: decoded pictures, features,
converted networks and weights, hashes of files, small pictures, and copies of files at addresses.
Whatever else lies there is not Foveal's."""
KINDS = tuple(NAMES)
UNFINISHED = re.compile(r"\.[0-9a-f]{8}-[0-9]+\.tmp")
"""Names of what a killed process was writing, see `foveal.files.beside`."""
HUB = Path(".cache", "huggingface")
"""What the hub's own library leaves beside weights that it fetched into a folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the cache."""

    kind: str
    """One of `KINDS`."""
    name: str
    """Its fingerprint, or the name of its file."""
    bytes: int
    """Size on disk."""


def cache_folder() -> Path:
    """Return the folder of the cache: FOVEAL_CACHE, or the platform's own place.

    Raises
    ------
    UsageError
        For an address: what is kept is mapped into memory, which takes a disk of this machine.
    """
    named = os.environ.get("FOVEAL_CACHE")
    if is_remote(named):
        raise UsageError(
            "FOVEAL_CACHE",
            needed="a folder of this machine",
            came=shown(named),
            remedy="name a folder; features that several machines are to share may be encoded into "
            "parts at an address",
        )
    return Path(named) if named else Path(platformdirs.user_cache_dir("foveal"))


def entries() -> list[Entry]:
    """List what the cache holds of Foveal."""
    return [Entry(kind, place.name, _size(place)) for kind in KINDS for place in _own(kind)]


def clear() -> None:
    """Remove all that Foveal wrote; files in use stay readable until their reader ends.

    What others put there stays, and so do links: a folder of one's own may have the name of a kind.
    """
    for kind in KINDS:
        for place in _own(kind):
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    place.unlink()
        with contextlib.suppress(OSError):  # where it is empty now
            (cache_folder() / kind).rmdir()


def _own(kind: str) -> list[Path]:
    """Return what Foveal wrote of a kind, by the names it gives, in order."""
    folder = cache_folder() / kind
    try:
        places = [place for place in folder.iterdir() if not place.is_symlink()]
    except OSError:
        return []
    return sorted(
        place
        for place in places
        if NAMES[kind].fullmatch(place.name)
        or UNFINISHED.fullmatch(place.name)
        or (kind == "weights" and (place / HUB).is_dir())
    )


def _size(place: Path) -> int:
    """Return the bytes of a file, or of the files in a folder; of links their own."""
    files = place.rglob("*") if place.is_dir() else [place]
    found = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # another process removed it
            found += 0 if file.is_dir() else file.lstat().st_size
    return found


@contextlib.contextmanager
def disk() -> Iterator[None]:
    """Turn what a disk may say within into the error that names the cache."""
    try:
        yield
    except ResourceError:
        raise
    except OSError as error:
        raise ResourceError(
            f"cache {cache_folder()}",
            needed="a folder that can be written to",
            came=error.strerror or str(error),
            remedy="free some space, or set FOVEAL_CACHE to another folder",
        ) from error
