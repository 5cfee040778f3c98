"""Many texts in little memory: the names of hundreds of thousands of pictures."""

from __future__ import annotations

import itertools
import operator
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

ERRORS = "surrogatepass"
"""How what is no UTF-8 in names of files, which Python keeps as surrogates, is written."""

SHOWN = 10
"""Texts that are written out where these are shown, at most."""


class Texts(Sequence[str]):
    """Texts one after another as UTF-8, each made when it is asked for.

    A text takes 8 bytes beside its characters, where one of Python's own takes 57.

    Parameters
    ----------
    texts : iterable of str
        The first of them; `append` adds others.
    """

    __slots__ = ("_data", "_ends")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._data, self._ends = bytearray(), array("q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Add a text at the end."""
        self._data += text.encode("utf-8", ERRORS)
        self._ends.append(len(self._data))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Texts: ...
    def __getitem__(self, row: int | slice) -> str | Texts:
        if isinstance(row, slice):
            return Texts(map(self.__getitem__, range(*row.indices(len(self)))))
        count = len(self._ends) - 1
        if not -count <= row < count:
            raise IndexError(row)
        start = row if row >= 0 else row + count
        return self._data[self._ends[start] : self._ends[start + 1]].decode("utf-8", ERRORS)

    def __iter__(self) -> Iterator[str]:
        for start, end in itertools.pairwise(self._ends):
            yield self._data[start:end].decode("utf-8", ERRORS)

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same texts in the same order."""
        if isinstance(other, Texts):
            return self._ends == other._ends and self._data == other._data
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    def tolist(self) -> list[str]:
        """Return them as a list, as arrays do."""
        return list(self)

    __hash__ = None  # type: ignore[assignment]  # texts can be added

    def __repr__(self) -> str:
        return f"Texts({list(self)})" if len(self) <= SHOWN else f"Texts({len(self):,} texts)"
