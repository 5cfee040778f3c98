"""Files and folders that are whole or absent: their names checked, written beside, renamed."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from foveal.addresses import meant
from foveal.errors import DataError, ModelFileError, ResourceError, UsageError
from foveal.parameters import asking_for, nearest_words
from foveal.wording import counted

MOST_BESIDE = 10_000
"""Names beside a missing one that are looked through for a like one."""
LONGEST_NAME = 240
"""Bytes of a name; most disks allow 255, and a run adds an ending."""
FOLDER = "a folder"
ROOM = "room in a folder that can be written to"


# Names that are to be written ------------------------------------------------------------


def checked_output(
    path: Path, endings: Sequence[str], what: str = "`to`", *, exact: bool = False
) -> Path:
    """Check the name under which a file is to be written.

    Parameters
    ----------
    endings : sequence of str
        Those it may have; the first is proposed.
    what : str
        What the name was given as: an option, or a word.
    exact : bool
        Whether an ending in capitals is another one.

    Raises
    ------
    UsageError
        For another ending, a name too long, a folder of that name, or a folder above that is not
        there.
    """
    ending = path.suffix if exact else path.suffix.lower()
    folder = is_folder(path)
    if ending not in endings or _too_long(path) or folder:
        kind = f"a file name ending in {', '.join(endings)}"
        raise _misnamed(path, what, kind, endings[0], FOLDER if folder else "")
    _check_above(path, what, "a folder that exists")
    return path


def checked_folder(
    path: Path,
    what: str = "`to`",
    *,
    ending: str = "",
    needed: str = "a folder that is new, or empty",
    spared: Callable[[Path], str] | None = None,
) -> Path:
    """Check the name under which a folder is to be written.

    Parameters
    ----------
    what : str
        What the name was given as: an option, or a word.
    ending : str
        The one it must have; any where left out.
    needed : str
        What may lie there.
    spared : callable, optional
        Called with a folder that has something in it, says why it must not be replaced; nothing
        where it may be. Where left out, none is replaced.

    Raises
    ------
    UsageError
        For another ending, a name too long, a folder above that is not there, or where something
        lies that must not be replaced.
    """
    if (ending and path.suffix != ending) or _too_long(path):
        kind = f"a name ending in {ending}" if ending else "a name"
        raise _misnamed(path, what, kind, ending)
    _check_above(path, what, "a folder within one that exists")
    came = _in_the_way(path, spared)
    if came:
        raise UsageError(
            f"{what} {path}",
            needed=needed,
            came=came,
            remedy="choose another name, or remove it first",
        )
    return path


def _in_the_way(path: Path, spared: Callable[[Path], str] | None) -> str:
    """Describe what lies at a place that must not be replaced; nothing where it may be."""
    if path.is_symlink():
        return "a link"
    if not path.exists():
        return ""
    if not path.is_dir():
        return "a file"
    if not any(path.iterdir()):
        return ""
    return spared(path) if spared else "a folder with files in it"


def _check_above(path: Path, what: str, needed: str) -> None:
    if is_folder(path.parent):
        return
    address = meant(path)
    raise UsageError(
        f"{what} {address or path}",
        needed=f"{needed}, on this machine" if address else needed,
        came="an address" if address else str(path.parent),
        remedy="write it here, and copy it there" if address else "make that folder first",
    )


def _misnamed(path: Path, what: str, kind: str, ending: str, came: str = "") -> UsageError:
    if _too_long(path):
        came = f"one of {_size(path)} bytes"
    return UsageError(
        f"{what} {str(path)[:LONGEST_NAME]}",
        needed=f"{kind}, of at most {LONGEST_NAME} bytes",
        came=came or path.suffix or "no ending",
        remedy="choose another name, or move that folder away"
        if came == FOLDER
        else f"write {path.stem[:40] or 'name'}{ending}",
    )


def _too_long(path: Path) -> bool:
    return _size(path) > LONGEST_NAME


def _size(path: Path) -> int:
    return len(path.name.encode("utf-8", "replace"))


def is_folder(path: str | Path) -> bool:
    """Whether a name is that of a folder, however long it is."""
    return os.path.isdir(path)  # noqa: PTH112  Path.is_dir raises for long names


def is_file(path: str | Path) -> bool:
    """Whether a name is that of a file, however long it is."""
    return os.path.isfile(path)  # noqa: PTH113  as above


# Whole or not at all ---------------------------------------------------------------------


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name holds the old content or the new, never a part.

    Raises
    ------
    ResourceError
        Where the disk is full or the folder cannot be written to.
    """
    needed = f"room for {counted(len(data), 'byte')} in a folder that can be written to"
    with whole_file(path, needed) as temporary:
        temporary.write_bytes(data)


def copy_whole(source: Path, path: Path) -> None:
    """Copy a file so that the name holds the old content or the new, never a part.

    Raises
    ------
    ResourceError
        As for `write_whole`.
    """
    with source.open("rb") as file, whole_file(path) as temporary, temporary.open("wb") as copy:
        shutil.copyfileobj(file, copy)


@contextlib.contextmanager
def whole_file(path: Path, needed: str = ROOM) -> Iterator[Path]:
    """Return a name beside to write a file under, which takes the path's name at the end.

    Raises
    ------
    ResourceError
        Where the disk is full or the folder cannot be written to.
    """
    temporary = beside(path)
    with told(str(path), needed):
        try:
            yield temporary
            flush(temporary)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)


@contextlib.contextmanager
def whole_folder(path: Path, put: Callable[[Path, Path], object] = Path.replace) -> Iterator[Path]:
    """Return an empty folder beside to write into, which takes the path's name at the end.

    Files in it are not flushed one by one, which would take long where they are many; `put` may
    do so where they are few.

    Parameters
    ----------
    put : callable
        Called with the folder beside and the path at the end, to rename one to the other; where
        left out, only an empty folder is replaced.

    Raises
    ------
    ResourceError
        Where the disk is full or the folder cannot be written to.
    """
    working = beside(path.absolute())
    with told(str(path)):
        try:
            shutil.rmtree(working, ignore_errors=True)  # a killed process of that number left it
            working.mkdir()
            yield working
            put(working, path)
        except BaseException:
            shutil.rmtree(working, ignore_errors=True)
            raise


@contextlib.contextmanager
def told(what: str, needed: str = ROOM) -> Iterator[None]:
    """Turn what a disk may say within into the error that names what was to be written."""
    try:
        yield
    except ResourceError:
        raise
    except OSError as error:
        raise ResourceError(
            what,
            needed=needed,
            came=os.strerror(error.errno) if error.errno else str(error),  # however it was raised
            remedy="free some space or choose another place",
        ) from error


def digest_of(path: Path) -> str:
    """Hash a file, as `sha256sum` does."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def beside(path: Path) -> Path:
    """Return the short name under which something is written before it is whole."""
    return path.with_name(
        f".{zlib.crc32(path.name.encode('utf-8', 'replace')):08x}-{os.getpid()}.tmp"
    )


def flush(path: Path) -> None:
    """Flush a file to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere folders cannot be opened; renaming is as durable as it gets
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def existing(path: Path) -> Path:
    """Check that pictures are where a path says.

    Raises
    ------
    DataError
        Where nothing is there; what is there under a like name is named.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise DataError(
            str(path)[:200],
            needed="a folder or file that exists",
            came="nothing there" if isinstance(error, FileNotFoundError) else str(error)[:80],
            remedy=_instead(path) or "check the spelling of the path",
        ) from error
    return path


def existing_model(path: Path) -> Path:
    """Check that a model file is where a path says.

    Raises
    ------
    ModelFileError
        Where nothing is there; what is there under a like name is named.
    """
    if not os.path.lexists(path):
        raise ModelFileError(
            str(path),
            needed="a model file that exists",
            came="nothing there",
            remedy=_instead(path) or "check the path, or train a model first",
        )
    return path


def _instead(path: Path) -> str:
    """Say what may have been meant by a path at which nothing lies; nothing where none is known."""
    address = meant(path)
    return f"write an address with two slashes, as text: {address}" if address else _like(path)


def _like(path: Path) -> str:
    """Ask whether what lies beside a path under a like name was meant; nothing where none is."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in itertools.islice(entries, MOST_BESIDE)]
    except (OSError, ValueError):
        return ""
    same = [name for name in names if Path(name).stem == path.name and name != path.name]
    near = nearest_words(path.name, names) or (same if len(same) == 1 else [])
    return asking_for(path.with_name(name) for name in near)
