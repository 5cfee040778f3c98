"""Which classes are taken for which. Axes: k class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Integers
from foveal.evaluation.intervals import Estimate, wilson


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


def confused_pairs(confusion: Integers, most: int = 10, worth: float = 1.0) -> list[ConfusedPair]:
    """List the pairs of classes that are confused most often, the most frequent first.

    Parameters
    ----------
    confusion : array of int, (k, k)
        Counts by true class and class called.
    most : int
        Pairs, at most.
    worth : float
        Independent pictures that each is worth, at most 1.
    """
    true, called = np.nonzero(confusion)
    true, called = true[true != called], called[true != called]
    counts = confusion[true, called]
    there = confusion.sum(axis=1)
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


def most_confused(confusion: Integers, most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the numbers of the classes with the most wrong answers, ascending.

    Parameters
    ----------
    confusion : array of int, (k, k)
        Counts by true class and class called.
    most : int
        Classes, at most; all where there are no more.
    """
    right = np.diag(confusion)
    wrong = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * right
    return np.sort(np.argsort(-wrong, kind="stable")[:most])
