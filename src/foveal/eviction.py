"""How much the cache may hold, and what goes when it is full: what was not used the longest.

Only what Foveal wrote is ever removed, by the names it gives, and nothing that a running process
holds. Weights and hashes count, and stay: they are small, or were fetched on request.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import weakref
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from foveal.cache import ENGINE, KEY, cache_folder, disk, entries
from foveal.errors import ResourceError, UsageError

locks: ModuleType | None
try:
    import fcntl as locks
except ImportError:  # where open files cannot be removed anyway
    locks = None

VARIABLE = "FOVEAL_CACHE_LIMIT"
"""Of the environment: says how much the cache may hold, such as 20GB."""
SHARE = 0.5
"""Share of the disk's room that the cache may hold where nothing is said."""
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
IN_USE = "in-use"
"""Name of the file within a folder of the cache that is locked by whoever reads the folder."""
OF_A_STORE = frozenset({"images.npy", "hashes.npy", "store.json", IN_USE})
"""Names of the files of a store."""
FOLDER = re.compile(KEY)
"""Names of stores, and of folders of features."""
PART = re.compile(r"([0-9a-f]{24})\.(npy|safetensors)")
"""Names of files of features."""


class Hold:
    """Keeps a folder of the cache from being removed as long as it lives."""

    def __init__(self, file: int | None) -> None:
        if file is not None:
            weakref.finalize(self, os.close, file)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is removed at once."""

    files: tuple[Path, ...]
    """The files, that without which the others count as absent first."""
    folder: Path
    """What holds them."""
    whole: bool
    """Whether the folder goes with them."""
    bytes: int
    used: float
    """When it was used last."""


def parse_size(text: str, what: str = VARIABLE) -> int:
    """Read a size such as "20GB" or "500 MB"; without a unit, bytes.

    Raises
    ------
    UsageError
        For anything else.

    Examples
    --------
    >>> parse_size("1.5 GB"), parse_size("0")
    (1500000000, 0)
    """
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([kKMGT]?B?)\s*", text)
    unit = found[2].upper() if found else ""
    unit = unit if unit in UNITS else f"{unit}B"
    if found is None or unit not in UNITS:
        raise UsageError(
            what, needed="a size such as 20GB or 500MB", came=repr(text[:40]), remedy="write 20GB"
        )
    return int(float(found[1]) * UNITS[unit])


def limit() -> int:
    """Return how many bytes the cache may hold: as FOVEAL_CACHE_LIMIT says, or `SHARE`.

    The share is of what is free on its disk and of what it holds already.
    """
    asked = os.environ.get(VARIABLE)
    return parse_size(asked) if asked else int(SHARE * (_free() + held()))


def held() -> int:
    """Return how many bytes the cache holds."""
    return sum(one.bytes for one in entries())


def fits(needed: int) -> bool:
    """Whether so many bytes may be written, once what was not used the longest is removed."""
    return not _lacking(needed, ())


def room_for(
    needed: int, what: str, remedy: str = "", spared: Collection[Path] = frozenset()
) -> None:
    """Make room for so many bytes.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        Of what.
    remedy : str
        What else may be done, besides more room.
    spared : collection of Path
        Files that stay.

    Raises
    ------
    ResourceError
        Where they do not fit.
    """
    came = _lacking(needed, spared)
    if came:
        raise ResourceError(
            f"cache {cache_folder()}",
            needed=f"{needed / 1e9:.3g} GB for the {what}",
            came=came,
            remedy=f"free some, raise {VARIABLE}, set FOVEAL_CACHE to a larger disk"
            + (remedy and f", or {remedy}"),
        )


def _lacking(needed: int, spared: Collection[Path]) -> str:
    """Make room; say what there is where it is not enough, else nothing."""
    most, free = limit(), _free()
    if needed <= most:
        over = max(held() + needed - most, needed - free)
        over -= prune(over, spared) if over > 0 else 0
        if over <= 0:
            return ""
    if needed > free:
        return f"{free / 1e9:.3g} GB free"
    if needed > most:
        asked = VARIABLE if os.environ.get(VARIABLE) else "half of what is free"
        return f"{most / 1e9:.3g} GB that the cache may hold ({asked})"
    return f"{held() / 1e9:.3g} of {most / 1e9:.3g} GB taken by what is in use or was fetched"


def prune(over: int, spared: Collection[Path] = frozenset()) -> int:
    """Remove what was not used the longest until so many bytes are gone; returns how many are."""
    gone = 0
    for unit in sorted(units(), key=lambda one: one.used):
        if gone >= over:
            break
        if not any(file in spared for file in unit.files) and remove(unit):
            gone += unit.bytes
    return gone


def remove(unit: Unit) -> bool:
    """Remove a unit; False where a process holds it, or the disk refuses."""
    with _alone(unit.folder) as alone:
        if not alone:
            return False
        try:
            for file in unit.files:
                file.unlink(missing_ok=True)
            if unit.whole:
                (unit.folder / IN_USE).unlink(missing_ok=True)
                unit.folder.rmdir()
        except OSError:
            return False
    return True


def hold(folder: Path) -> Hold | None:
    """Keep a folder of the cache as long as the answer lives; None where it is not there.

    That it was used now is noted.
    """
    if locks is None:
        return Hold(None) if folder.is_dir() else None
    try:
        file = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o666)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:  # a cache that cannot be written to loses nothing either
        return Hold(None)
    try:
        locks.flock(file, locks.LOCK_SH)
        os.utime(file)
        same = os.path.samestat(os.fstat(file), (folder / IN_USE).stat())
    except FileNotFoundError:  # removed meanwhile
        same = False
    except OSError:  # a disk that knows no locks
        same = True
    if not same:
        os.close(file)
        return None
    return Hold(file)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Lock a folder against all who may read it; False where one does."""
    if locks is None or not (folder / IN_USE).exists():
        yield True
        return
    try:
        file = os.open(folder / IN_USE, os.O_RDWR)
    except OSError:
        yield False
        return
    try:
        try:
            locks.flock(file, locks.LOCK_EX | locks.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def units() -> Iterator[Unit]:
    """Yield what may be removed."""
    for folder in _folders("stores"):
        files = list(_files(folder))
        if {file.name for file, _ in files} <= OF_A_STORE:
            used = max((one.st_mtime for file, one in files if file.name == IN_USE), default=0)
            size = sum(status.st_size for _, status in files)
            yield Unit(
                tuple(folder / name for name in sorted(OF_A_STORE - {IN_USE}, reverse=True)),
                folder,
                True,
                size,
                used or folder.stat().st_mtime,
            )
    for folder in _folders("features"):
        parts: dict[str, list[os.stat_result]] = {}
        for file, status in _files(folder):
            if named := PART.fullmatch(file.name):
                parts.setdefault(named[1], []).append(status)
        for name, several in parts.items():
            files_of = tuple(folder / f"{name}{end}" for end in (".safetensors", ".npy"))
            size = sum(status.st_size for status in several)
            yield Unit(files_of, folder, False, size, max(one.st_mtime for one in several))
    for folder in _folders("remote"):
        copies = [(file, status) for file, status in _files(folder) if file.name != IN_USE]
        used = max((status.st_mtime for _, status in _files(folder)), default=0)
        size = sum(status.st_size for _, status in copies)
        yield Unit(tuple(file for file, _ in copies), folder, True, size, used)
    engines = cache_folder() / "engines"
    for file, status in _files(engines):
        if ENGINE.fullmatch(file.name):
            yield Unit((file,), engines, False, status.st_size, status.st_mtime)


def _folders(kind: str) -> Iterator[Path]:
    """Yield the folders of a kind that Foveal named."""
    with contextlib.suppress(OSError), os.scandir(cache_folder() / kind) as found:
        for one in sorted(found, key=lambda entry: entry.name):
            if FOLDER.fullmatch(one.name) and one.is_dir(follow_symlinks=False):
                yield Path(one.path)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files in a folder, links and folders too, with what the disk says of each."""
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for one in found:
            with contextlib.suppress(OSError):
                yield Path(one.path), one.stat(follow_symlinks=False)


def _free() -> int:
    folder = cache_folder()
    with disk():
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free
