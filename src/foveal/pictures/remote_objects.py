"""Encoded pictures at addresses: objects that are read by their bytes, several at once."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from foveal import remote
from foveal.addresses import shown
from foveal.pictures.encoded import (
    MOST_BYTES,
    Absent,
    Encoded,
    EncodedRows,
    InMemory,
    Unreadable,
    check_bytes,
)
from foveal.remote_errors import NoObject

AT_ONCE = 16
"""Objects that a thread asks for together: a server takes long to answer, not much work."""
MOST_AHEAD = 32 << 20
"""Bytes of an object that is read beside others; larger ones are read alone."""


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """A picture at an address."""

    address: str
    known: str | None = field(default=None, repr=False)
    """Its tag and size when it was listed; None where it was not."""
    size: int = -1
    """Bytes when it was listed; less than none where it was not."""

    @property
    def name(self) -> str:
        """The address."""
        return shown(self.address)

    @property
    def stamp(self) -> str:
        """Its tag and size; of what has no tag a hash of the bytes; empty where it has none."""
        if self.known:
            return self.known
        try:
            found = remote.entry(self.address, alone=True) if self.known is None else None
            if found is not None and found.stamp:
                return found.stamp
            return hashlib.blake2b(self.read(), digest_size=16).hexdigest()
        except (NoObject, Unreadable):
            return ""

    def stamped(self) -> RemoteObject:
        """Return the same with its stamp at hand."""
        return self if self.known else replace(self, known=self.stamp)

    def read(self) -> bytes:
        """Read it."""
        found = self._first(MOST_BYTES + 1)
        check_bytes(len(found))
        return found

    def ahead(self) -> Encoded:
        """Read it if it is small; one that is not stays as it is."""
        if self.size > MOST_AHEAD:
            return self
        try:
            found = self._first(MOST_AHEAD + 1)
        except Unreadable as reason:
            return Absent(self.name, str(reason))
        return self if len(found) > MOST_AHEAD else InMemory(self.name, found)

    def _first(self, most: int) -> bytes:
        check_bytes(self.size)
        try:
            found = remote.read(self.address, most)
        except NoObject as reason:
            raise Unreadable(str(reason)) from reason
        if self.size >= 0 and len(found) != min(self.size, most):
            raise Unreadable("changed since it was listed")
        return found


class RemoteRows(EncodedRows):
    """Objects beneath a folder, by their names.

    Parameters
    ----------
    folder : str
        Its address.
    names : sequence of str
        What follows it and a slash.
    stamps : sequence of str
        Their tags and sizes.
    sizes : sequence of int
        Their bytes.
    """

    def __init__(
        self, folder: str, names: Sequence[str], stamps: Sequence[str], sizes: Sequence[int]
    ) -> None:
        self.folder, self.names, self.stamps, self.sizes = folder, names, stamps, sizes

    def __len__(self) -> int:
        return len(self.names)

    def one(self, row: int) -> Encoded:
        """Return the object of a row."""
        address = f"{self.folder}/{self.names[row]}"
        return RemoteObject(address, self.stamps[row], self.sizes[row])


def fetched(pictures: Sequence[Encoded]) -> Iterator[Encoded]:
    """Yield pictures in order, those at addresses with their bytes, of which several come at once.

    Raises
    ------
    ResourceError
        Where a server does not answer.
    """
    yield from _asked(pictures, RemoteObject.ahead)


def stamped(pictures: Sequence[Encoded]) -> Iterator[Encoded]:
    """Yield pictures in order, those at addresses with their stamps, several at once.

    Raises
    ------
    ResourceError
        Where a server does not answer.
    """
    yield from _asked(pictures, RemoteObject.stamped)


def _asked(
    pictures: Sequence[Encoded], asking: Callable[[RemoteObject], Encoded]
) -> Iterator[Encoded]:
    def one(picture: Encoded) -> Encoded:
        return asking(picture) if isinstance(picture, RemoteObject) else picture

    with contextlib.ExitStack() as stack:
        pool: ThreadPoolExecutor | None = None
        for start in range(0, len(pictures), AT_ONCE):
            some = pictures[start : start + AT_ONCE]
            if any(isinstance(one, RemoteObject) for one in some):
                pool = pool or stack.enter_context(ThreadPoolExecutor(AT_ONCE, "objects"))
                some = list(pool.map(one, some))
            yield from some
