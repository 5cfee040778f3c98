"""Prepared pixels by row, wherever they are: never others than those that were seen at first.

Each row is known by the hash of its pixels (`content_hashes`). Rows on disk are held against it
when they are read for the first time, and their file against its size and time each time; rows that
are decoded anew are held against it each time. Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

import contextlib
import shutil
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from foveal.array_files import ArrayFile, Changed
from foveal.arrays import Array, Hashes, Rows
from foveal.errors import DataError, PictureWarning, ResourceError
from foveal.eviction import Hold
from foveal.pictures.content import Content
from foveal.pictures.hashing import content_hashes
from foveal.pictures.reading import read_in_order
from foveal.recipe import PictureRecipe
from foveal.wording import counted

AHEAD = 16
"""Pictures that a thread decodes ahead of whoever takes them."""
WAITING = 32_000_000
"""Bytes of pixels that are decoded at once, for batches to come."""


class Pixels(ABC):
    """Pixels (n, h, w, c) of one dtype, read when they are asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __getitem__(self, rows: Any) -> Array:
        """Return some rows, (rows, h, w, c), or one, (h, w, c); a tuple chooses within them too."""
        if isinstance(rows, tuple):
            first, *within = rows
            axes = [] if isinstance(first, int | np.integer) else [slice(None)]
            return self[first][*axes, *within]
        if isinstance(rows, int | np.integer):
            found: Array = self.read(np.array([rows]))[0]
            return found
        if isinstance(rows, slice):
            return self.read(np.arange(len(self))[rows])
        return self.read(np.asarray(rows, dtype=np.intp))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return all rows."""
        return np.asarray(self[:], dtype)

    @abstractmethod
    def read(self, rows: Rows) -> Array:
        """Return some rows, (rows, h, w, c)."""

    def parts(self, parts: Sequence[Rows]) -> Iterator[Array]:
        """Return several selections of rows, one after another."""
        yield from map(self.read, parts)


class StoredPixels(Pixels):
    """Pixels in a file of the cache.

    Parameters
    ----------
    file : ArrayFile
        Holds them.
    hashes : array of int64, (n,)
        What each row must be; 0 for those that are no picture.
    hold : Hold
        Keeps the file from being removed.
    """

    def __init__(self, file: ArrayFile, hashes: Hashes, hold: Hold) -> None:
        self.shape, self.dtype = file.shape, file.dtype
        self._file, self._hashes, self._hold = file, hashes, hold
        self._read = hashes == 0
        self._told = False

    def read(self, rows: Rows) -> Array:
        """Return some rows.

        Raises
        ------
        ResourceError
            Where they are not what was written.
        """
        try:
            found = self._file.read(rows)
        except Changed as error:
            raise self._damaged(str(error)) from error
        new = np.flatnonzero(~self._read[rows])
        if len(new):
            if (content_hashes(found[new]) != self._hashes[rows[new]]).any():
                raise self._damaged("others than those that were written")
            self._read[rows] = True
        if not self._told and self._file.removed:
            self._told = True
            warnings.warn(
                f"the decoded pictures in {self._file.path.parent} were removed meanwhile: what is "
                "open is still read, and the next run decodes them anew",
                PictureWarning,
                stacklevel=2,
            )
        return found

    def _damaged(self, came: str) -> ResourceError:
        """Remove the store, so that nobody is served from it, and say so."""
        place = self._file.path.parent
        with contextlib.suppress(OSError):
            shutil.rmtree(place)
        return ResourceError(
            str(place),
            needed="the decoded pictures as they were written",
            came=came,
            remedy="run the command again, a training with `resume`: they are decoded anew",
        )


class DecodedPixels(Pixels):
    """Pixels that are decoded anew whenever they are asked for.

    Parameters
    ----------
    content : Content
        The pictures.
    recipe : PictureRecipe
        How they are prepared.
    hashes : array of int64, (n,)
        What each row must be; 0 for those that are no picture, which stay black.
    names : sequence of str, (n,)
        What they are called.
    threads : int
        Decoding threads.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        content: Content,
        recipe: PictureRecipe,
        hashes: Hashes,
        names: Sequence[str],
        threads: int,
    ) -> None:
        self.shape = (len(content), recipe.height, recipe.width, recipe.channels)
        self._content, self._recipe, self._threads = content, recipe, threads
        self._hashes, self._names = hashes, names

    def read(self, rows: Rows) -> Array:
        """Return some rows; they are decoded in the order of their source.

        Raises
        ------
        DataError
            For a picture that is not what it was at first.
        """
        found = np.zeros((len(rows), *self.shape[1:]), np.uint8)
        order = np.argsort(rows, kind="stable")
        order = order[self._hashes[rows[order]] != 0]
        wanted, ahead = rows[order].tolist(), AHEAD * self._threads
        pictures = read_in_order(self._content, wanted, self._recipe, self._threads, ahead)
        for at, one in zip(order.tolist(), pictures, strict=True):
            row = int(rows[at])
            if isinstance(one, str):
                raise self._changed(row, one)
            if content_hashes(one[None])[0] != self._hashes[row]:
                raise self._changed(row, "another picture")
            found[at] = one
        return found

    def parts(self, parts: Sequence[Rows]) -> Iterator[Array]:
        """Return several selections of rows; the next are decoded while one is in use."""
        each = int(np.prod(self.shape[1:]))
        windows = list(_windows(parts, WAITING // each))
        with ThreadPoolExecutor(1, thread_name_prefix="pixels") as beside:
            waiting = [beside.submit(self.read, np.concatenate(one)) for one in windows[:1]]
            for number, window in enumerate(windows):
                whole = waiting.pop().result()
                if number + 1 < len(windows):
                    following = np.concatenate(windows[number + 1])
                    waiting.append(beside.submit(self.read, following))
                yield from np.split(whole, np.cumsum([len(one) for one in window])[:-1])

    def _changed(self, row: int, came: str) -> DataError:
        return DataError(
            str(self._names[row]),
            needed="the picture that it was when this run began",
            came=came,
            remedy="put it back, or begin anew (`fresh`)",
        )


def _windows(parts: Sequence[Rows], most: int) -> Iterator[list[Rows]]:
    """Gather selections until they hold so many rows; the first stands alone: it is waited for."""
    window: list[Rows] = []
    yield from ([part] for part in parts[:1])
    for part in parts[1:]:
        if window and sum(map(len, window)) + len(part) > most:
            yield window
            window = []
        window.append(part)
    if window:
        yield window


def streamed(needed: int, count: int) -> str:
    """Say that pictures are decoded anew in every pass, and why."""
    return (
        f"the decoded {counted(count, 'picture')} would take {needed / 1e9:.3g} GB, more than the "
        "cache may hold (FOVEAL_CACHE_LIMIT): they are decoded anew in every epoch"
    )
