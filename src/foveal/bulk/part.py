"""A part file: the answers of one piece, Parquet, whole or absent, and what it says of itself."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from foveal.bulk.kept import KeptColumns
from foveal.bulk.pieces import Piece
from foveal.bulk.work import Worker
from foveal.errors import PictureWarning
from foveal.files import whole_file
from foveal.pictures.collection import Pictures
from foveal.tables import table_of
from foveal.wording import counted

KEY = b"foveal:part"
"""The key of a part's metadata under which it says which it is; JSON."""
TEXTS = b"foveal:labels"
"""The key under which it says that its labels are texts, whatever they say, as names of folders."""
A_GROUP = 4_096
"""Rows of a row group, about: they wait in memory until there are so many."""
DAMAGES = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError)
"""What reading a damaged part raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a part file says of itself."""

    number: int
    """Of its piece, from 0 on."""
    names: str
    """Hash of the names of its pictures."""
    work: str
    """What was done, see `work.mark_of`."""
    rows: int
    unreadable: int
    """Rows of pictures that cannot be read."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What else was counted."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how its pictures were read."""
    seconds: float = 0.0
    """How long it took."""
    engine: str = ""
    """What computed its answers, with its version; empty where nothing says it."""


def read_part(path: Path | BinaryIO) -> Part | None:
    """Read what a part, or the end of one, says of itself; None where it is damaged, or no part."""
    found = part_or_damage(path)
    return found if isinstance(found, Part) else None


def part_or_damage(path: Path | BinaryIO) -> Part | str:
    """Read what a part, or the end of one, says of itself, or say what is wrong with it."""
    try:
        foot = pq.read_metadata(path)
    except FileNotFoundError:
        return "none"
    except DAMAGES:
        return "one that is cut short, or no Parquet file"
    try:
        said = json.loads(foot.metadata[KEY])
        known = {one.name: said[one.name] for one in fields(Part) if one.name in said}
        found = Part(**{**known, "notes": tuple(known["notes"])})
        sound = _is_sound(found)
    except DAMAGES:
        sound = False
    if not sound:
        return "a file that does not say which part it is"
    if found.rows != foot.num_rows:
        return f"{counted(foot.num_rows, 'row')} where it says that it has {found.rows:,}"
    return found


def by_engines(engines: Mapping[str, int], noun: str) -> str:
    """Say that several engines made parts; nothing of those of one.

    Parameters
    ----------
    engines : mapping
        How many each engine made, by its name and version; empty for those that do not say it.
    noun : str
        What is counted, such as "part".
    """
    if len(engines) < 2:
        return ""
    several = sorted(engines.items(), key=lambda one: -one[1])
    told = [f"{counted(count, noun)} by {name or 'an engine not told'}" for name, count in several]
    return f"{', '.join(told)}: their numbers may differ in the last digits"


def _is_sound(part: Part) -> bool:
    """Whether what a part says of itself can be."""
    if not isinstance(part.counts, dict):
        return False
    texts = [part.names, part.work, part.engine, *part.counts, *part.notes]
    numbers = [part.number, part.rows, part.unreadable, *part.counts.values()]
    return (
        all(isinstance(one, str) for one in texts)
        and all(isinstance(one, int) and one >= 0 for one in numbers)
        and part.unreadable <= part.rows
    )


def write_part(path: Path, worker: Worker, piece: Piece, work: str) -> Part:
    """Answer a piece, and write the part: its name appears when all of it is there.

    Raises
    ------
    ResourceError
        Where the disk is full or the folder cannot be written to.
    """
    began, tally = time.perf_counter(), _Tally()
    kept = KeptColumns([piece.pictures], worker.schema.names, known=True)
    schema = _with(worker.schema, kept, piece.pictures)
    writing = partial(pq.ParquetWriter, schema=schema, write_page_checksum=True)
    with heard() as caught, whole_file(path) as place, writing(place) as writer:
        for group in _grouped(_tables(worker, piece, kept, schema, tally)):
            writer.write_table(group)
        part = Part(
            number=piece.number,
            names=piece.names,
            work=work,
            rows=tally.rows,
            unreadable=tally.unreadable,
            counts=dict(tally.counts),
            notes=told(caught),
            seconds=time.perf_counter() - began,
            engine=worker.engine(piece.pictures),
        )
        writer.add_key_value_metadata({KEY.decode(): json.dumps(asdict(part))})
        assert tally.rows == len(piece.pictures), "a row for each picture"
    return part


def mark_of_part(part: Part, stamp: str) -> str:
    """Return a short text that tells this writing of a part from any other (BLAKE2b).

    `stamp` says that its bytes did not change since, see `remote_folder.stamps_at`.
    """
    told = json.dumps([asdict(part), stamp]).encode()
    return hashlib.blake2b(told, digest_size=12).hexdigest()


@dataclass(slots=True)
class _Tally:
    """What was written so far."""

    rows: int = 0
    unreadable: int = 0
    counts: Counter[str] = field(default_factory=Counter)


def _with(schema: pa.Schema, kept: KeptColumns, pictures: Pictures) -> pa.Schema:
    """Add the columns that are kept: texts, since other pictures may have other types."""
    fields = [*schema, *(pa.field(name, pa.string()) for name in kept.names)]
    labels = () if pictures.labels is None else pictures.labels.tolist()
    texts = all(isinstance(one, str) for one in labels if one is not None)
    return pa.schema(
        fields, metadata={**(schema.metadata or {}), **({TEXTS: b"texts"} if texts else {})}
    )


def _tables(
    worker: Worker, piece: Piece, kept: KeptColumns, schema: pa.Schema, tally: _Tally
) -> Iterator[pa.Table]:
    """Yield batches of answers, counted, with what is kept of their pictures beside them."""
    values, own = kept.rows(), pa.schema(list(schema)[len(worker.schema) :])
    for answers in worker.answers(piece.pictures, piece.before):
        table = worker.table(answers)
        beside = [
            [None if one is None else str(one) for one in next(values)] for _ in range(len(table))
        ]
        yield pa.Table.from_arrays([*table.columns, *table_of(beside, own).columns], schema=schema)
        tally.rows += len(table)
        tally.unreadable += sum(map(bool, answers.reasons))
        tally.counts.update(worker.counts(answers))


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join batches to groups of rows that are worth a place of their own in a file."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= A_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


@contextlib.contextmanager
def heard() -> Iterator[list[warnings.WarningMessage]]:
    """Collect warnings of pictures, which are `told`; all others go on as they are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PictureWarning)
        yield caught
    for one in caught:
        if not issubclass(one.category, PictureWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def told(caught: Iterable[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return what warnings say of pictures, each line once."""
    said = (str(one.message) for one in caught if issubclass(one.category, PictureWarning))
    return tuple(dict.fromkeys(said))
