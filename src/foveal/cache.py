"""The cache on disk: what can be made again, each kind in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from foveal.errors import ResourceError

KINDS = ("stores", "features", "engines", "weights", "contents", "remote")
"""Decoded pictures, features, converted networks and weights, hashes of files, small pictures, and
copies of files at addresses."""


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
    """Return the folder of the cache: FOVEAL_CACHE, or the platform's own place."""
    named = os.environ.get("FOVEAL_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("foveal"))


def entries() -> list[Entry]:
    """List what the cache holds."""
    found: list[Entry] = []
    for kind in KINDS:
        for place in sorted((cache_folder() / kind).glob("*")):
            files = place.rglob("*") if place.is_dir() else [place]
            size = sum(file.stat().st_size for file in files if file.is_file())
            found.append(Entry(kind, place.name, size))
    return found


def clear() -> None:
    """Remove all of it; files in use stay readable until their reader ends."""
    for kind in KINDS:
        shutil.rmtree(cache_folder() / kind, ignore_errors=True)


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
