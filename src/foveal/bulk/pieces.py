"""Pictures as a stream of pieces, of which each is a part file in the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from foveal.errors import UsageError
from foveal.pictures.collection import Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some pictures that follow one another in one source; it can be pickled."""

    number: int
    """How many pieces come before it."""
    before: int
    """How many pictures come before it."""
    pictures: Pictures
    """The pictures, named as in the answers."""

    @property
    def names(self) -> str:
        """Hash of the names (BLAKE2b): which pictures these are, in which order."""
        digest = hashlib.blake2b(digest_size=16)
        for name in self.pictures.names:
            digest.update(str(name).encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()


def pieces(sources: Iterable[Pictures], size: int) -> Iterator[Piece]:
    """Divide pictures into pieces of at most `size`, each of one source, in order."""
    number = before = 0
    for source in sources:
        for start in range(0, len(source), size):
            found = source.piece(start, min(start + size, len(source))).named_from_here()
            yield Piece(number=number, before=before, pictures=found)
            number, before = number + 1, before + len(found)


def count_of(sources: Iterable[Pictures], size: int) -> int:
    """Count the pieces of sources that are all at hand."""
    return sum(-(-len(source) // size) for source in sources)


@dataclass(frozen=True, slots=True)
class Share:
    """One of several shares of all pieces, for a process or a machine."""

    number: int = 1
    """Which one, from 1 on."""
    of: int = 1
    """How many there are."""

    @classmethod
    def read(cls, text: str) -> Share:
        """Read a share as it is typed, such as "2/8".

        Raises
        ------
        UsageError
            For any other text.
        """
        number, _, of = text.partition("/")
        if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) < 1_000_000:
            return cls(int(number), int(of))
        raise UsageError(
            "shards",
            needed="which of how many, such as 2/8 for the second of eight",
            came=repr(text[:40]),
            remedy="count from 1",
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def takes(self, piece: int) -> bool:
        """Whether a piece, by its number, is of this share."""
        return piece % self.of == self.number - 1
