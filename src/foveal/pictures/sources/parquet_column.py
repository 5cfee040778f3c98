"""Encoded pictures in a column of a Parquet file, read in order as they are asked for.

Values of a column are packed page by page, so that none can be reached by itself: a reader goes
through them from the start of a row group, and keeps the last few. Whoever asks in order, as all
long work does, reads each page once; memory does not grow with the file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foveal.pictures.encoded import Unreadable, check_bytes, times
from foveal.pictures.opening import reason_of

A_BATCH = 4 << 20
"""Bytes that are read at once, about."""
MOST_ROWS = 256
"""Rows that are read at once, at most."""
WINDOW = 8
"""Batches that are kept, for pictures that are asked for again."""
MOST_OPEN = 2
"""Files that are kept open, with their batches."""
DAMAGES = (pa.ArrowException, OSError)
"""What reading a damaged file raises."""

_reading = threading.Lock()
_open: OrderedDict[int, PictureColumn] = OrderedDict()


class PictureColumn:
    """A column of encoded pictures.

    Parameters
    ----------
    path : Path
        The file.
    column : str
        The column; of a struct the bytes, as "image.bytes".
    """

    def __init__(self, path: Path, column: str) -> None:
        self.path, self.column = path, column
        self.state = times(path.stat())
        groups = _groups(path, column)
        self.ends = np.cumsum([group.rows for group in groups], dtype=np.int64)
        self.means = [group.mean for group in groups]
        self.lacking = [at for at, group in enumerate(groups) if group.may_lack]
        self._file: pq.ParquetFile | None = None
        self._batches: Iterator[pa.RecordBatch] | None = None
        self._group, self._next = -1, 0
        self._window: deque[tuple[int, pa.Array]] = deque(maxlen=WINDOW)
        self._damaged: dict[int, tuple[int, str]] = {}

    def __reduce__(self) -> tuple[object, ...]:
        # Another process opens the file anew; what it was like when it was listed goes along.
        return _reopened, (self.path, self.column, self.state)

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def first(self, group: int) -> int:
        """Return the first row of a row group."""
        return int(self.ends[group - 1]) if group else 0

    def read(self, row: int) -> bytes | None:
        """Read the bytes of one row; None where it has none.

        Raises
        ------
        Unreadable
            Where the file changed, or is damaged there.
        """
        with _reading:
            self._come_forward()
            try:
                if times(self.path.stat()) != self.state:
                    raise Unreadable(f"{self.path.name} changed since it was listed")
                return self._value(row)
            except DAMAGES as error:
                self.close()
                raise Unreadable(f"{self.path.name}: {reason_of(error)}") from error

    def close(self) -> None:
        """Close the file, and forget what was read."""
        self._window.clear()
        self._let_go()

    def _let_go(self) -> None:
        """Close the file; what its foot says of row groups takes 9 MB for 2,000 of them."""
        self._batches = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _come_forward(self) -> None:
        """Be among the files that are open, and close the one that was not asked for longest."""
        _open[id(self)] = self
        _open.move_to_end(id(self))
        while len(_open) > MOST_OPEN:
            _open.popitem(last=False)[1].close()

    def _value(self, row: int) -> bytes | None:
        for first, array in self._window:
            if first <= row < first + len(array):
                return _bytes(array, row - first)
        group = int(np.searchsorted(self.ends, row, side="right"))
        bad = self._damaged.get(group)
        if bad is not None and row >= bad[0]:
            raise Unreadable(bad[1])
        if self._group == group - 1:  # others, of threads beside, may ask for its last rows yet
            self._finish()
        if self._batches is None or self._group != group or self._next > row:
            self._restart(group)
        while True:
            first, array = self._following(group)
            if row < first + len(array):
                return _bytes(array, row - first)

    def _finish(self) -> None:
        """Read the row group to its end."""
        while self._batches is not None and self._next < self.ends[self._group]:
            try:
                self._following(self._group)
            except Unreadable:  # told to whoever asks for these rows
                return

    def _restart(self, group: int) -> None:
        """Go to the start of a row group."""
        if self._file is None:
            self._file = pq.ParquetFile(
                self.path, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True
            )
        rows = min(max(A_BATCH // max(self.means[group], 1), 1), MOST_ROWS)
        self._batches = self._file.iter_batches(
            rows, row_groups=[group], columns=[self.column], use_threads=False
        )
        self._group = group
        self._next = self.first(group)

    def _following(self, group: int) -> tuple[int, pa.Array]:
        """Read the next batch; what follows a damage in a row group is lost."""
        assert self._batches is not None
        try:
            batch = next(self._batches)
        except (*DAMAGES, StopIteration) as error:
            reason = f"{self.path.name} is damaged: {reason_of(error)}"
            self._damaged[group] = self._next, reason
            self._batches = None
            raise Unreadable(reason) from error
        array = batch.column(0)
        if isinstance(array, pa.StructArray):
            array = array.field(0)
        first, self._next = self._next, self._next + len(array)
        self._window.append((first, array))
        if self._next == len(self):  # whoever reads in order is done
            self._let_go()
        return first, array


def _bytes(array: pa.Array, at: int) -> bytes | None:
    value = array[at]
    if value.is_valid:
        check_bytes(len(value.as_buffer()))
    found: bytes | None = value.as_py()
    return found


def _reopened(path: Path, column: str, state: str) -> PictureColumn:
    found = PictureColumn(path, column)
    found.state = state
    return found


@dataclass(frozen=True, slots=True)
class ParquetMember:
    """A picture in a row of a Parquet file."""

    column: PictureColumn
    row: int
    inner: str
    """Its name within."""

    @property
    def name(self) -> str:
        """Its name within, beneath that of the file."""
        return f"{self.column.path}/{self.inner}"

    @property
    def stamp(self) -> str:
        """Its row, and the state of the file."""
        return f"{self.row} {self.column.state}"

    def read(self) -> bytes:
        """Read it."""
        found = self.column.read(self.row)
        if found is None:
            raise Unreadable(NO_BYTES)
        return found


NO_BYTES = "no bytes in this row"


def rows_without(column: PictureColumn) -> set[int]:
    """Return the rows that have no bytes; read through only where there may be some."""
    found: set[int] = set()
    with pq.ParquetFile(column.path, buffer_size=1 << 20, pre_buffer=False) as file:
        for group in column.lacking:
            first = column.first(group)
            for batch in file.iter_batches(
                MOST_ROWS, row_groups=[group], columns=[column.column], use_threads=False
            ):
                array = batch.column(0)
                inner = array.field(0) if isinstance(array, pa.StructArray) else array
                missing = np.asarray(inner.is_null()) | np.asarray(array.is_null())
                found.update((first + np.flatnonzero(missing)).tolist())
                first += len(missing)
    return found


class _Group(NamedTuple):
    """What the file says of a row group. All that it says takes kilobytes: first and last value."""

    rows: int
    mean: int
    """Bytes of a row."""
    may_lack: bool
    """Whether rows may have no bytes."""


def _groups(path: Path, column: str) -> list[_Group]:
    """Read what a file says of its row groups."""
    with pq.ParquetFile(path) as file:
        facts = file.metadata
        return [_group(facts.row_group(at), column) for at in range(facts.num_row_groups)]


def _group(group: Any, column: str) -> _Group:
    chunks = map(group.column, range(group.num_columns))
    chunk = next(chunk for chunk in chunks if chunk.path_in_schema == column)
    told = chunk.statistics
    may_lack = told is None or not told.has_null_count or told.null_count > 0
    mean = chunk.total_uncompressed_size // max(group.num_rows, 1)
    return _Group(group.num_rows, mean, may_lack)
