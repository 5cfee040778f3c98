"""An index as a folder: facts, vectors, names, perhaps a graph; whole or absent.

Nothing in such a folder is executed or unpickled. Each piece is a regular file, held against
its SHA-256 in the facts, and against what the facts say of it, before it is used.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foveal.arrays import Floats
from foveal.errors import DataError
from foveal.files import digest_of
from foveal.pictures.ledger import Entry
from foveal.wording import counted

KIND: Literal["foveal-index"] = "foveal-index"
FORMAT: Literal[1] = 1
"""Version of the folder; raised when older software could no longer read one right."""
ENDING = ".index"
"""Ending that such a folder has by custom."""
FACTS = "facts.json"
Piece = Literal["vectors.npy", "names.parquet", "graph.usearch"]
VECTORS: Piece = "vectors.npy"
NAMES: Piece = "names.parquet"
GRAPH: Piece = "graph.usearch"
PIECES = (VECTORS, NAMES, GRAPH)
LARGEST_FACTS = 100_000
"""Bytes."""
COLUMNS = {"path": pa.string(), "error": pa.string()}
"""A row a picture: first those of the index, in its order, then those that have no vector."""

Measure = Literal["euclidean", "cosine"]
"""Euclidean distance of vectors as they are, or of vectors brought to unit length."""
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1, lt=1 << 32)]


class Facts(BaseModel):
    """What an index says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["foveal-index"] = KIND
    format: Literal[1] = FORMAT
    model: Hash
    """SHA-256 of the model that made the vectors."""
    measure: Measure
    count: Count
    """Vectors."""
    size: Count
    """Numbers of a vector."""
    unreadable: Annotated[int, Field(ge=0)]
    """Pictures without a vector; the names say why."""
    sha256: dict[Piece, Hash]
    """Of each piece."""

    @property
    def approximate(self) -> bool:
        """Whether there is a graph."""
        return GRAPH in self.sha256


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pieces:
    """What lies in the folder of an index, opened."""

    vectors: Floats
    """(n, d), memory-mapped."""
    names: Any
    """A pyarrow column of n texts."""
    unreadable: tuple[Entry, ...]
    """Pictures without a vector."""


def is_index(place: Path) -> bool:
    """Whether a folder is an index, or is called one."""
    there = place.is_dir() and all((place / name).is_file() for name in (FACTS, VECTORS))
    return there or (place.is_dir() and place.suffix == ENDING)


def read_facts(place: Path) -> Facts:
    """Read what an index says of itself, held against the vocabulary.

    Raises
    ------
    DataError
        Where there is no such folder, or its facts are missing, foreign or of another version.
    """
    if not place.is_dir():
        raise DataError(
            f"index {place}",
            needed="the folder of an index",
            came="a file" if place.exists() else "nothing there",
            remedy="check the path, or build the index first",
        )
    path = _regular(place, FACTS)
    if path.stat().st_size > LARGEST_FACTS:
        raise damaged(place, f"{FACTS} of {counted(path.stat().st_size, 'byte')}")
    try:
        return Facts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its form"
        raise damaged(place, f"{FACTS} that does not hold: {where}: {first['msg']}") from error
    except OSError as error:
        raise damaged(place, f"{FACTS}: {error.strerror}") from error


def open_pieces(place: Path, facts: Facts) -> Pieces:
    """Open vectors and names of an index; every piece is held against the facts.

    Raises
    ------
    DataError
        Where one is missing, damaged, or does not belong.
    """
    if not {VECTORS, NAMES} <= set(facts.sha256):
        raise damaged(place, f"{FACTS} without {VECTORS} or {NAMES}")
    for name, known in facts.sha256.items():
        path = _regular(place, name)
        try:
            digest = digest_of(path)
        except OSError as error:
            raise damaged(place, f"{name}: {error.strerror}") from error
        if digest != known:
            raise damaged(place, f"{name} with another checksum than when it was written")
    table = _names(place, facts)
    column = table.column("path")
    missing = table.slice(facts.count).to_pylist()
    return Pieces(
        vectors=_vectors(place, facts),
        names=column.slice(0, facts.count),
        unreadable=tuple(Entry(row["path"], None, "", row["error"]) for row in missing),
    )


def _vectors(place: Path, facts: Facts) -> Floats:
    try:
        found: Floats = np.lib.format.open_memmap(place / VECTORS, mode="r")  # never unpickles
    except Exception as error:  # a foreign head makes numpy raise a dozen kinds
        raise damaged(place, f"{VECTORS} that is no array ({type(error).__name__})") from error
    shape = (facts.count, facts.size)
    if found.dtype != np.dtype("<f4") or found.shape != shape or not found.flags.c_contiguous:
        raise damaged(place, f"{VECTORS} of {found.dtype} {found.shape}, not float32 {shape}")
    return found


def _names(place: Path, facts: Facts) -> Any:
    """Read the table of names; it must have a reason exactly where there is no vector."""
    path, rows = place / NAMES, facts.count + facts.unreadable
    try:
        with pq.ParquetFile(path) as file:
            found, columns = file.metadata.num_rows, file.schema_arrow
            if found != rows or columns != pa.schema(list(COLUMNS.items())):
                raise damaged(
                    place, f"{NAMES} of {counted(found, 'row')}, {', '.join(columns.names)[:60]}"
                )
            table = file.read()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged(place, f"{NAMES}: {(str(error).splitlines() or [''])[0][:100]}") from error
    reasons = table.column("error")
    there, absent = reasons.slice(0, facts.count), reasons.slice(facts.count)
    if table.column("path").null_count or there.null_count != facts.count or absent.null_count:
        raise damaged(place, f"{NAMES} whose rows do not belong to the vectors")
    return table


def _regular(place: Path, name: str) -> Path:
    """Return a piece that is a file of its own, not a link, a pipe or a device."""
    try:
        mode = (place / name).lstat().st_mode
    except OSError as error:
        raise damaged(place, f"no {name}") from error
    if not stat.S_ISREG(mode):
        raise damaged(place, f"{name} that is no regular file")
    return place / name


def damaged(place: Path, came: str) -> DataError:
    """Make the error for an index of which something does not hold."""
    return DataError(
        f"index {place}",
        needed="an index as it was written, whole",
        came=came,
        remedy="build it again",
    )
