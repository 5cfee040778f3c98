"""Small pictures, kept by the content of each: none is decoded twice, whatever it is called."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator

import numpy as np

from foveal.arrays import Array, Rows
from foveal.cache import cache_folder
from foveal.pictures import decode
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT, LENGTH
from foveal.pictures.reading import read_in_order
from foveal.recipe import PictureRecipe

AT_ONCE = 500
"""Pictures that are kept at once."""


class SmallPictures:
    """Pictures by a recipe of few pixels, read when they are asked for.

    Where the cache cannot be read or written, each is decoded anew.

    Parameters
    ----------
    pictures : Pictures
        All that may be asked for.
    recipe : PictureRecipe
        How they are made small.
    threads : int
        Decoding threads.
    """

    def __init__(self, pictures: Pictures, recipe: PictureRecipe, threads: int) -> None:
        self.content, self.recipe, self.threads = pictures.content, recipe, threads
        self.found: dict[int, Array | str] = {}
        self.ids: list[bytes] | None = None

    def __call__(self, row: int) -> Array | str:
        """Return the picture of a row, (height, width, channels); a text says why not."""
        if self.content.in_memory is not None:
            found: Array = self.content.in_memory[row]
            return found
        if row not in self.found:
            self.fetch(np.array([row]))
        return self.found[row]

    def fetch(self, rows: Rows) -> None:
        """Read pictures at once: those of the cache, and the others decoded."""
        new = [row for row in rows.tolist() if row not in self.found]
        if self.content.in_memory is not None:
            return
        if self.ids is None:
            self.ids = self.content.ids(self.threads)
        ids = self.ids
        with _base() as base:
            for row in new:
                kept = None if base is None else _kept(base, self._key(ids[row]))
                if kept is not None:
                    self.found[row] = kept
            left = [row for row in new if row not in self.found]
            for start in range(0, len(left), AT_ONCE):
                some = left[start : start + AT_ONCE]
                self._decode(some)
                if base is not None:
                    made = {row: self.found[row] for row in some if ids[row] != ABSENT}
                    _keep(base, {self._key(ids[row]): one for row, one in made.items()})

    def _decode(self, rows: list[int]) -> None:
        read = read_in_order(self.content, rows, self.recipe, self.threads, 8 * self.threads)
        self.found.update(zip(rows, read, strict=True))

    def _key(self, content: bytes) -> bytes:
        """Hash all that a small picture depends on."""
        how = json.dumps(
            {"recipe": self.recipe.decoding, "decoder": decode.identity()}, sort_keys=True
        )
        return hashlib.blake2b(content + how.encode(), digest_size=LENGTH).digest()


@contextlib.contextmanager
def _base() -> Iterator[sqlite3.Connection | None]:
    """Open the small pictures of the cache; None where it cannot be."""
    place = cache_folder() / "contents" / "small.sqlite"
    base: sqlite3.Connection | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(place, timeout=30)
        base.execute(
            "CREATE TABLE IF NOT EXISTS small "
            "(key BLOB PRIMARY KEY, height INT, width INT, channels INT, pixels BLOB)"
        )
    except (OSError, sqlite3.Error):
        if base is not None:
            base.close()
        base = None
    try:
        yield base
    finally:
        if base is not None:
            base.close()


def _kept(base: sqlite3.Connection, key: bytes) -> Array | None:
    """Read a picture; None where it is not there, or is damaged."""
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
        found = base.execute(
            "SELECT height, width, channels, pixels FROM small WHERE key = ?", (key,)
        ).fetchone()
        if found:
            return np.frombuffer(found[3], dtype=np.uint8).reshape(found[:3])
    return None


def _keep(base: sqlite3.Connection, made: dict[bytes, Array | str]) -> None:
    """Write pictures of bytes: others, and those that cannot be read, are asked for again."""
    rows = [
        (key, *one.shape, one.tobytes())
        for key, one in made.items()
        if not isinstance(one, str) and one.dtype == np.uint8
    ]
    with contextlib.suppress(sqlite3.Error), base:
        base.executemany("INSERT OR REPLACE INTO small VALUES (?, ?, ?, ?, ?)", rows)
