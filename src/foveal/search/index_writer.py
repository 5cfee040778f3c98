"""Writing the folder of an index: beside its place, then renamed whole.

What lies at the place is replaced only if it is an index, or an empty folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.arrays import Floats
from foveal.errors import DataError
from foveal.files import checked_folder, digest_of, flush, whole_folder
from foveal.pictures.ledger import Entry
from foveal.search.index_file import COLUMNS, ENDING, FACTS, PIECES, Piece, read_facts
from foveal.tables import valid_text


def checked_place(place: Path) -> Path:
    """Check the name under which an index is to be kept.

    Raises
    ------
    UsageError
        For another ending than .index, a folder above that is not there, or where something
        lies that is neither an index nor an empty folder.
    """
    return checked_folder(
        place,
        "index",
        ending=ENDING,
        needed="a name that is free, an empty folder, or an index to be replaced",
        spared=_no_index,
    )


def _no_index(folder: Path) -> str:
    """Describe why a folder is no index; nothing where it is one."""
    foreign = sorted({one.name for one in folder.iterdir()} - {FACTS, *PIECES})
    if foreign:
        return f"a folder with {foreign[0]} in it"
    try:
        read_facts(folder)
    except DataError:
        return "a folder that is no whole index"
    return ""


def written_folder(place: Path) -> AbstractContextManager[Path]:
    """Return another folder to write an index into; it takes the place's name at the end.

    Raises
    ------
    ResourceError
        Where the disk is full or the folder cannot be written to.
    """
    return whole_folder(place, _exchange)


def _exchange(temporary: Path, place: Path) -> None:
    """Put a folder, flushed to the disk, in the place of another, which is removed."""
    for piece in temporary.iterdir():
        flush(piece)
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
