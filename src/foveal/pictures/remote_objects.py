"""Encoded pictures at addresses: objects that are read by their bytes, several at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

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
        """Its tag and size; the server is asked for what was not listed."""
        if self.known is not None:
            return self.known
        try:
            found = remote.entry(self.address)
        except remote.NoObject:
            return ""
        return found.stamp if found else ""

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
        except remote.NoObject as reason:
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
    if not any(isinstance(one, RemoteObject) for one in pictures):
        yield from pictures
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects") as pool:
        for start in range(0, len(pictures), AT_ONCE):
            yield from pool.map(_ahead, pictures[start : start + AT_ONCE])


def _ahead(picture: Encoded) -> Encoded:
    return picture.ahead() if isinstance(picture, RemoteObject) else picture
