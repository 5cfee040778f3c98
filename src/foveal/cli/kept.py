"""Further columns of tables of pictures, kept beside what is said of the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from foveal.results import plain

if TYPE_CHECKING:
    from foveal.pictures.collection import Pictures


class KeptColumns:
    """The further columns of all sources, under names that no answer has.

    Parameters
    ----------
    sources : sequence of Pictures
        What is answered, one after another.
    answers : sequence of str
        Columns of the answers: a column of one of these names is written as "given:NAME".
    """

    def __init__(self, sources: Sequence[Pictures], answers: Sequence[str]) -> None:
        self.sources = sources
        self.given = list(dict.fromkeys(name for source in sources for name in source.others))
        self.names = [f"given:{name}" if name in answers else name for name in self.given]

    def rows(self) -> Iterator[list[Any]]:
        """Yield the values of each picture, in the order of all sources; None where it has none."""
        for source in self.sources:
            columns = [source.others.get(name) for name in self.given]
            for row in range(len(source)):
                yield [None if one is None else _value(one[row]) for one in columns]

    def beside(self, answers: Iterable[list[Any]], kept: Iterator[list[Any]]) -> list[list[Any]]:
        """Return rows of answers, each with the next values that were kept."""
        return [[*answer, *next(kept)] for answer in answers]


def _value(value: Any) -> Any:
    """Return a value that any table takes: of types that few know the text."""
    found = plain(value) if not hasattr(value, "isoformat") else value.isoformat()
    return None if found == "" else found
