"""What sources know of pictures, kept beside what is said of the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from foveal.arrays import Array
from foveal.pictures.collection import Pictures
from foveal.pictures.label_sets import LabelSet
from foveal.pictures.sources.columns import GROUP, LABEL, SPLIT
from foveal.results import plain


class KeptColumns:
    """The further columns of all sources, under names that no answer has.

    Parameters
    ----------
    sources : sequence of Pictures
        What is answered, one after another.
    answers : sequence of str
        Columns of the answers: a column of one of these names is written as "given:NAME".
    known : bool
        Whether what is known of pictures is kept too: label, group and split.
    """

    def __init__(
        self, sources: Sequence[Pictures], answers: Sequence[str], *, known: bool = False
    ) -> None:
        self._columns = [
            {**source.others, **(_known(source) if known else {})} for source in sources
        ]
        self._lengths = [len(source) for source in sources]
        self.given = list(dict.fromkeys(name for one in self._columns for name in one))
        self.names = [f"given:{name}" if name in answers else name for name in self.given]

    def rows(self) -> Iterator[list[Any]]:
        """Yield the values of each picture, in the order of all sources; None where it has none."""
        for every, length in zip(self._columns, self._lengths, strict=True):
            columns = [every.get(name) for name in self.given]
            for row in range(length):
                yield [None if one is None else _value(one[row]) for one in columns]

    def beside(self, answers: Iterable[list[Any]], kept: Iterator[list[Any]]) -> list[list[Any]]:
        """Return rows of answers, each with the next values that were kept."""
        return [[*answer, *next(kept)] for answer in answers]


def _known(pictures: Pictures) -> dict[str, Array]:
    """Return what is known of pictures, by the names that tables of pictures have for it."""
    found = {LABEL: pictures.labels, GROUP: pictures.groups, SPLIT: pictures.parts}
    return {name: values for name, values in found.items() if values is not None}


def _value(value: Any) -> Any:
    """Return a value that any table takes: of types that few know the text."""
    if isinstance(value, LabelSet):
        return str(value)
    found = plain(value) if not hasattr(value, "isoformat") else value.isoformat()
    return None if found == "" else found
