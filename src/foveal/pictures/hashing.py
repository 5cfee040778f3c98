"""What a picture is, whatever it is called: a hash of its content, so that work is not done twice.

Hashes of files are kept beside path, size and times, so that a large folder is read once.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from foveal.arrays import Array, Hashes
from foveal.cache import cache_folder
from foveal.errors import ResourceError
from foveal.pictures.encoded import Encoded, Page, Seen, Unreadable, seen, stream
from foveal.pictures.remote_objects import AT_ONCE, RemoteObject, stamped
from foveal.pictures.workers import in_order

LENGTH = 16
"""Bytes of a hash: two different pictures in a billion meet with odds of 1 in 10**21."""
ABSENT = b""
"""Stands for a file that cannot be read."""
BLOCK = 1 << 20
AT_A_TIME = 4_096
"""Pictures whose names and times lie in memory at once, as texts that are many times a hash."""
A_LEVEL = 1e-4
"""How far a number may lie from one of 256 levels and count as it: single precision is nearer."""


Known = Callable[[Seen], bytes | None]
Keep = Callable[[dict[Seen, bytes]], None]
"""What asks the index for the hash of a picture as it was seen, and what puts hashes into it."""


def array_ids(array: Array) -> list[bytes]:
    """Hash each picture of an array (BLAKE2b, 128 bits); values, shape and dtype count."""
    head = f"{array.shape[1:]} {array.dtype}".encode()
    return [_digest(head, np.ascontiguousarray(row).tobytes()) for row in array]


def encoded_ids(pictures: Sequence[Encoded], threads: int) -> list[bytes]:
    """Hash the bytes of each encoded picture (BLAKE2b, 128 bits), those that are not known yet.

    Parameters
    ----------
    pictures : sequence of Encoded
        The files, or what lies within others.
    threads : int
        Pictures read at once.

    Returns
    -------
    list of bytes
        `ABSENT` where one cannot be read.
    """
    ids: list[bytes] = []
    coming = stamped(pictures)
    with _index() as index:
        while some := list(islice(coming, AT_A_TIME)):
            ids += _some_ids(some, threads, *index)
    return ids


def _some_ids(pictures: Sequence[Encoded], threads: int, known: Known, keep: Keep) -> list[bytes]:
    """Hash as many as lie beside each other in memory; what is found is kept at once."""
    if any(isinstance(one, RemoteObject) for one in pictures):
        threads = max(threads, AT_ONCE)  # a server takes long to answer, not much work
    marks = [seen(one) for one in pictures]
    found = {one: known(one) for one in dict.fromkeys(marks) if one is not None}
    row_of = {one: row for row, one in enumerate(marks)}
    new = [one for one, digest in found.items() if digest is None]
    rows = [row_of[one] for one in new]
    read = in_order(lambda at: hash_encoded(pictures[rows[at]]), len(new), threads, 8 * threads)
    fresh = dict(zip(new, read, strict=True))
    keep(fresh)
    digests = {**found, **fresh}
    return [ABSENT if one is None else digests[one] or ABSENT for one in marks]


def hash_encoded(picture: Encoded) -> bytes:
    """Hash the bytes of an encoded picture; `ABSENT` where they cannot be read."""
    digest = hashlib.blake2b(digest_size=LENGTH)
    try:
        with stream(picture) as file:
            while block := file.read(BLOCK):
                digest.update(block)
        if isinstance(picture, Page):  # of one file, and each is another picture
            digest.update(f"page {picture.number}".encode())
    except ResourceError:  # of a server, not of this picture
        raise
    except (OSError, Unreadable):
        return ABSENT
    return digest.digest()


def content_hashes(images: Array) -> Hashes:
    """Hash the pixels of each picture to 64 bits (BLAKE2b); shapes and types do not enter.

    Collisions are expected once in 2**64 pairs: none among a million pictures.
    """
    rows = np.ascontiguousarray(images).reshape(len(images), math.prod(images.shape[1:]))
    digests = b"".join(
        hashlib.blake2b(plain(row).tobytes(), digest_size=8).digest() for row in rows
    )
    return np.frombuffer(digests, dtype=np.int64).copy()


def plain(pixels: Array) -> Array:
    """Return the numbers of a picture whatever they came as: of 8 bits where these do, else 64.

    They do for whole numbers from 0 to 255, and for 256 levels from 0 to 1.
    """
    if pixels.dtype == np.uint8:
        return pixels
    values: Array = pixels.astype(np.float64)
    for scale in (1, 255):
        with np.errstate(invalid="ignore"):
            levels = np.rint(values * scale)
            small: Array = levels.astype(np.uint8)
        if (small == levels).all() and (np.abs(levels - values * scale) < A_LEVEL).all():
            return small
    return values + 0  # 0 and -0 are one


def _digest(*texts: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join(texts), digest_size=LENGTH).digest()


@contextlib.contextmanager
def _index() -> Iterator[tuple[Known, Keep]]:
    """Open the index of hashes; without it, or where it is damaged, everything is read again."""
    place = cache_folder() / "contents" / "index.sqlite"
    base: sqlite3.Connection | None = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(place, timeout=30)
        base.execute(
            "CREATE TABLE IF NOT EXISTS hashes (path BLOB PRIMARY KEY, seen TEXT, hash BLOB)"
        )
    except (OSError, sqlite3.Error):
        if base is not None:
            base.close()
        base = None

    def known(one: Seen) -> bytes | None:
        if base is None:
            return None
        with contextlib.suppress(sqlite3.Error):
            path = os.fsencode(one[0])  # not every name is text
            found = base.execute("SELECT seen, hash FROM hashes WHERE path = ?", (path,)).fetchone()
            if found and found[0] == one[1] and isinstance(found[1], bytes):
                return found[1] if len(found[1]) == LENGTH else None
        return None

    def keep(new: dict[Seen, bytes]) -> None:
        rows = [
            (os.fsencode(path), stamp, digest)
            for (path, stamp), digest in new.items()
            if digest != ABSENT
        ]
        if base is not None and rows:
            with contextlib.suppress(sqlite3.Error), base:
                base.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)

    try:
        yield known, keep
    finally:
        if base is not None:
            base.close()
