"""Which classes are taken for which.

Only the cells that hold pictures are kept: of many classes nearly all are empty.

Axes: n picture, k class, m cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from foveal.arrays import Doubles, Integers
from foveal.evaluation.intervals import Estimate, wilson
from foveal.wording import counted

MOST_DENSE = 1_000
"""Classes up to which a confusion is written as a matrix; that of more as its cells."""


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Confusion:
    """Counts by true class and class called.

    ``np.asarray(confusion)`` is the matrix, (k, k).
    """

    true: Integers
    """True class of each cell, (m,), rising."""
    called: Integers
    """Class called, (m,)."""
    pictures: Integers | Doubles
    """What it holds, (m,), above 0: pictures, or the independent ones that they are worth."""
    classes: int
    """How many classes there are."""

    @classmethod
    def of(cls, class_ids_n: Integers, called_n: Integers, classes: int) -> Self:
        """Count pictures by what they are and what they were called."""
        cells, pictures = np.unique(
            class_ids_n.astype(np.int64) * classes + called_n, return_counts=True
        )
        true, called = np.divmod(cells, classes)
        return cls(true=true, called=called, pictures=pictures, classes=classes)

    @classmethod
    def of_matrix(cls, counts: Any) -> Self:
        """Take the cells of a matrix, (k, k), that hold anything."""
        matrix = np.asarray(counts)
        true, called = np.nonzero(matrix)
        return cls(true=true, called=called, pictures=matrix[true, called], classes=matrix.shape[0])

    def __repr__(self) -> str:
        return (
            f"Confusion({counted(self.classes, 'class', 'classes')}, "
            f"{counted(len(self.true), 'cell')})"
        )

    def __len__(self) -> int:
        return self.classes

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """Return the matrix, (k, k)."""
        found = np.zeros((self.classes, self.classes), self.pictures.dtype)
        found[self.true, self.called] = self.pictures
        return found if dtype is None else found.astype(dtype)

    def to_dict(self) -> Any:
        """Return the rows of the matrix; of more than 1,000 classes a dictionary for each cell."""
        if self.classes <= MOST_DENSE:
            return np.asarray(self).tolist()
        columns = (one.tolist() for one in (self.true, self.called, self.pictures))
        names = ("true", "called", "pictures")
        return [dict(zip(names, cell, strict=True)) for cell in zip(*columns, strict=True)]

    def times(self, worth: float) -> Self:
        """Return it in independent pictures, each being worth so many."""
        if worth == 1:
            return self
        return replace(self, pictures=worth * self.pictures.astype(np.float64))

    def within(self, ids: Integers) -> Integers | Doubles:
        """Return the matrix of some classes, in their order."""
        place = np.full(self.classes, -1)
        place[ids] = np.arange(len(ids))
        rows, columns = place[self.true], place[self.called]
        inside = (rows >= 0) & (columns >= 0)
        found: Any = np.zeros((len(ids), len(ids)), self.pictures.dtype)
        found[rows[inside], columns[inside]] = self.pictures[inside]
        matrix: Integers | Doubles = found
        return matrix

    @property
    def right(self) -> Integers | Doubles:
        """What was called right of each class, (k,)."""
        return self._summed(self.true, self.true == self.called)

    @property
    def there(self) -> Integers | Doubles:
        """What there is of each class, (k,)."""
        return self._summed(self.true)

    @property
    def so(self) -> Integers | Doubles:
        """What was called each class, (k,)."""
        return self._summed(self.called)

    def _summed(self, ids: Integers, among: Any = None) -> Integers | Doubles:
        pictures = self.pictures if among is None else np.where(among, self.pictures, 0)
        found = np.bincount(ids, pictures, self.classes)
        return found if pictures.dtype.kind == "f" else found.astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedPair:
    """Pictures of one class that were called another."""

    true: int
    """Number of their class."""
    called: int
    """Number of the class they were called."""
    pictures: int
    share: Estimate
    """Their share of all pictures of their class."""


def confused_pairs(confusion: Confusion, most: int = 10, worth: float = 1.0) -> list[ConfusedPair]:
    """List the pairs of classes that are confused most often, the most frequent first.

    Parameters
    ----------
    confusion : Confusion
        Counts by true class and class called.
    most : int
        Pairs, at most.
    worth : float
        Independent pictures that each is worth, at most 1.
    """
    wrong = confusion.true != confusion.called
    true, called = confusion.true[wrong], confusion.called[wrong]
    counts, there = confusion.pictures[wrong], confusion.there
    order = np.argsort(-counts, kind="stable")[:most]
    return [
        ConfusedPair(
            true=int(true[place]),
            called=int(called[place]),
            pictures=int(counts[place]),
            share=wilson(float(counts[place]), float(there[true[place]]), worth=worth),
        )
        for place in order.tolist()
    ]


def most_confused(confusion: Confusion, most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the numbers of the classes with the most wrong answers, ascending.

    Parameters
    ----------
    confusion : Confusion
        Counts by true class and class called.
    most : int
        Classes, at most; all where there are no more.
    """
    wrong = confusion.so + confusion.there - 2 * confusion.right
    return np.sort(np.argsort(-wrong, kind="stable")[:most])
