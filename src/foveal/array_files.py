"""Rows of an array in a .npy file, read when they are asked for.

The file is never mapped into memory: one that is cut short under a running process would end the
process there, and here is an error. Axes: n row.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array, Rows

AT_ONCE = 1 << 26
"""Bytes that are read at once, at most."""

_seeking = threading.Lock()


class Changed(Exception):
    """A file that is not what it was when it was opened; its text says what it is."""


class ArrayFile:
    """An array on disk, (n, ...).

    Parameters
    ----------
    path : Path
        A .npy file, in C order.
    kept_open : bool
        Whether it stays open, so that it can be read when its name is gone; a process may have but
        so many files open.

    Raises
    ------
    OSError
        Where it cannot be opened.
    ValueError
        Where it is no such file, or has not the bytes that its head says.
    """

    def __init__(self, path: Path, *, kept_open: bool = True) -> None:
        self.path = path
        file = self._open()
        self._file = file if kept_open else None
        closing = weakref.finalize(self, os.close, file)
        with open(file, "rb", closefd=False) as head:
            self.shape, self.dtype = _head(head)
            self._begin = head.tell()
        self._each = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._state = _state(file)
        if not kept_open:
            closing()
        if self._state[0] != self._begin + len(self) * self._each:
            raise ValueError(f"{path.name} has not the bytes that its head says")

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return len(self) * self._each

    @property
    def removed(self) -> bool:
        """Whether the file has no name any more; what is open stays readable."""
        return self._file is not None and os.fstat(self._file).st_nlink == 0

    def read(self, rows: Rows) -> Array:
        """Read some rows, (rows, ...).

        Raises
        ------
        Changed
            Where the file is not what it was.
        IndexError
            For a row that it does not have.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        wanted = np.where(wanted < 0, wanted + len(self), wanted)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"rows from 0 to {len(self) - 1} are there")
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        with self._opened() as file:
            if _state(file) != self._state:
                raise Changed("another size or time than when it was opened")
            if found.nbytes:
                target = found.reshape(-1).view(np.uint8).data
                for start, stop in _runs(wanted, max(1, AT_ONCE // self._each)):
                    part = target[start * self._each : stop * self._each]
                    _fill(file, part, self._begin + int(wanted[start]) * self._each)
        return found

    def _open(self) -> int:
        return os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """Return the file, opened where it does not stay open."""
        if self._file is not None:
            yield self._file
            return
        try:
            file = self._open()
        except OSError as error:
            raise Changed(error.strerror or "not there") from error
        try:
            yield file
        finally:
            os.close(file)


def _fill(file: int, target: memoryview, offset: int) -> None:
    """Read bytes from an offset on."""
    done = 0
    while done < len(target):
        count = _read_at(file, target[done:], offset + done)
        if not count:
            raise Changed("cut short")
        done += count


def _read_at(file: int, target: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(file, [target], offset)
    with _seeking:  # one place in the file for all threads
        os.lseek(file, offset, os.SEEK_SET)
        data = os.read(file, len(target))
    target[: len(data)] = data
    return len(data)


def _head(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read what the file says of its array."""
    try:
        version = np.lib.format.read_magic(file)
        reads = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, fortran, dtype = reads[version](file)
    except Exception as error:  # a damaged head makes numpy raise TokenError, SyntaxError, ...
        raise ValueError("no .npy file") from error
    if fortran or dtype.hasobject or not shape:
        raise ValueError("no .npy file of rows of numbers")
    return shape, dtype


def _state(file: int) -> tuple[int, int, int]:
    """Return size, time of change and identity of a file."""
    status = os.fstat(file)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _runs(rows: Rows, most: int) -> list[tuple[int, int]]:
    """Part rows into stretches that follow one another in the file."""
    ends = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    return [
        (at, min(at + most, stop))
        for start, stop in itertools.pairwise(ends)
        for at in range(start, stop, most)
    ]
