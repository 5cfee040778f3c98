"""Writing the folder of an index: beside its place, then renamed whole.

What lies at the place is replaced only if it is an index, or an empty folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.errors import DataError, ResourceError, UsageError
from foveal.files import beside
from foveal.pictures.ledger import Entry
from foveal.search.exact import Floats
from foveal.search.index_file import COLUMNS, ENDING, FACTS, PIECES, Piece, digest_of, read_facts
from foveal.tables import valid_text

LONGEST_NAME = 240
"""Bytes."""


def checked_place(place: Path) -> Path:
    """Check the name under which an index is to be kept.

    Raises
    ------
    UsageError
        For another ending than .index, a folder above that is not there, or where something
        lies that is neither an index nor an empty folder.
    """
    if place.suffix != ENDING or len(place.name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise UsageError(
            f"index {place}",
            needed=f"a name ending in {ENDING}, of at most {LONGEST_NAME} bytes",
            came=place.suffix or "no ending",
            remedy=f"write {place.stem[:50] or 'pictures'}{ENDING}",
        )
    if not place.absolute().parent.is_dir():
        raise UsageError(
            f"index {place}",
            needed="a folder that exists to put it in",
            came=str(place.parent),
            remedy="make that folder first",
        )
    came = _in_the_way(place)
    if came:
        raise UsageError(
            f"index {place}",
            needed="a name that is free, an empty folder, or an index to be replaced",
            came=came,
            remedy="choose another name, or remove it first",
        )
    return place


def _in_the_way(place: Path) -> str:
    """Say what lies at a place that must not be replaced; empty where nothing does."""
    if not os.path.lexists(place):
        return ""
    if place.is_symlink() or not place.is_dir():
        return "a link" if place.is_symlink() else "a file"
    names = {one.name for one in place.iterdir()}
    if not names:
        return ""
    foreign = sorted(names - {FACTS, *PIECES})
    if foreign:
        return f"a folder with {foreign[0]} in it"
    try:
        read_facts(place)
    except DataError:
        return "a folder that is no whole index"
    return ""


@contextlib.contextmanager
def written_folder(place: Path) -> Iterator[Path]:
    """Give another folder to write into; it takes the place's name at the end.

    Raises
    ------
    ResourceError
        Where the disk is full or the folder cannot be written to.
    """
    temporary = beside(place)
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        for name in temporary.iterdir():
            with name.open("rb+") as file:
                os.fsync(file.fileno())
        _exchange(temporary, place)
    except OSError as error:
        if isinstance(error, ResourceError):
            raise
        raise ResourceError(
            f"index {place}",
            needed="room in a folder that can be written to",
            came=error.strerror or str(error),
            remedy="free some space or choose another place",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchange(temporary: Path, place: Path) -> None:
    """Put a folder in the place of another, which is removed."""
    checked_place(place)  # something may have come there meanwhile
    if not place.exists():
        temporary.rename(place)
        return
    old = temporary.with_suffix(".old")
    place.rename(old)
    try:
        temporary.rename(place)
    except BaseException:
        old.rename(place)
        raise
    with contextlib.suppress(OSError):  # a left-over does no harm
        for name in (FACTS, *PIECES):
            (old / name).unlink(missing_ok=True)
        old.rmdir()


def write_vectors(path: Path, shape: tuple[int, int], batches: Iterable[Floats]) -> None:
    """Write vectors as they come; a full disk gives an error, as a memory map would not."""
    with path.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, head)
        for batch in batches:
            file.write(np.ascontiguousarray(batch, dtype="<f4").tobytes())


def write_names(path: Path, names: Iterable[str], unreadable: Sequence[Entry]) -> None:
    """Write the names of the vectors, then those of pictures that have none, with the reason."""
    paths = pa.chunked_array([texts(names), texts(entry.path for entry in unreadable)])
    there = pa.nulls(len(paths) - len(unreadable), pa.string())
    reasons = pa.chunked_array([there, texts(entry.reason for entry in unreadable)])
    schema = pa.schema(list(COLUMNS.items()))
    pq.write_table(pa.Table.from_arrays([paths, reasons], schema=schema), path)


def texts(names: Iterable[str]) -> Any:
    """Make a pyarrow column of texts; odd file names (bytes that are no text) become valid."""
    return pa.array([valid_text(name) for name in names], pa.string())


def digests(folder: Path) -> dict[Piece, str]:
    """Hash every piece that is there (SHA-256)."""
    return {name: digest_of(folder / name) for name in PIECES if (folder / name).exists()}
