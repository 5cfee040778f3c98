"""What was made of single pictures, kept by the content of each: small pictures, measures.

A key is a hash of the picture's content and of all else that what is kept depends on. Where the
cache cannot be read or written nothing is kept, and everything is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foveal.cache import cache_folder
from foveal.pictures.hashing import LENGTH

MOST_BYTES = 256_000_000
"""Bytes of a file, about; the half that was kept first goes when it holds more."""
AT_ONCE = 500
"""Keys that are looked up at once."""


def key_of(content: bytes, **how: Any) -> bytes:
    """Hash the content of a picture, and plain values that say what was made of it."""
    text = json.dumps(how, sort_keys=True).encode()
    return hashlib.blake2b(content + text, digest_size=LENGTH).digest()


class ContentCache:
    """What is kept under one name, while it is open.

    Parameters
    ----------
    base : sqlite3.Connection, optional
        None where nothing can be kept.
    """

    def __init__(self, base: sqlite3.Connection | None) -> None:
        self._base = base

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return what is known, by key."""
        found: dict[bytes, bytes] = {}
        if self._base is None:
            return found
        for at in range(0, len(keys), AT_ONCE):
            some = keys[at : at + AT_ONCE]
            asked = "SELECT key, value FROM kept WHERE key IN ({})".format(
                ",".join("?" * len(some))
            )
            with contextlib.suppress(sqlite3.Error):
                rows = self._base.execute(asked, some).fetchall()
                found.update((key, value) for key, value in rows if isinstance(value, bytes))
        return found

    def put(self, made: Mapping[bytes, bytes]) -> None:
        """Keep what was made, by key."""
        if self._base is None or not made:
            return
        with contextlib.suppress(sqlite3.Error), self._base:
            self._base.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", made.items())
            self._shorten(self._base)

    @staticmethod
    def _shorten(base: sqlite3.Connection) -> None:
        """Drop the older half where there is too much; its room is used again."""
        (pages,), (free,), (size,) = (
            base.execute(f"PRAGMA {name}").fetchone()
            for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > MOST_BYTES:
            base.execute(
                "DELETE FROM kept WHERE rowid <= (SELECT rowid FROM kept ORDER BY rowid LIMIT 1 "
                "OFFSET (SELECT COUNT(*) / 2 FROM kept))"
            )


@contextlib.contextmanager
def kept_as(name: str) -> Iterator[ContentCache]:
    """Open what is kept under a name; a file that is damaged is begun anew."""
    place = cache_folder() / "contents" / f"{name}.sqlite"
    base = _opened(place)
    try:
        yield ContentCache(base)
    finally:
        if base is not None:
            base.close()


def _opened(place: Any, *, again: bool = True) -> sqlite3.Connection | None:
    base: sqlite3.Connection | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(place, timeout=30)
        base.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB)")
        return base
    except (OSError, sqlite3.Error) as error:
        if base is not None:
            base.close()
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError
        )
        if damaged and again:
            with contextlib.suppress(OSError):
                place.unlink()
                return _opened(place, again=False)
        return None
