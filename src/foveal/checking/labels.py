"""Labels that look wrong, by what a classifier says that never saw them: arrays alone.

Confident learning (Northcutt, Jiang and Chuang, 2021, "Confident learning: estimating uncertainty
in dataset labels"). A class is taken for what a picture is where its probability reaches what it
has on average among the pictures that bear its label: so classes of which the classifier is less
sure ask for less. Pictures that are so of another class than their label are ranked by the margin
between both.
Axes: n picture, k class or label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foveal.arrays import Doubles, Rows, Truths

FEW = 0.05
"""Share of pictures that may have one of several labels doubted by what a classifier says of it on
average: wrong labels are rarer, so that beyond it the classifier itself is wrong."""
SUREST = 0.97
"""Least probability of the contrary for a label to be doubted there."""


class Doubted(NamedTuple):
    """A label that looks wrong."""

    row: int
    other: int
    """The class that it looks like."""
    margin: float
    """Probability of the label less that of the other class, -1 to 0."""


def doubted_labels(probabilities_nk: Doubles, class_ids_n: Rows) -> list[Doubted]:
    """Find labels that look wrong, those with the widest margin first.

    Parameters
    ----------
    probabilities_nk : array, (n, k)
        By a classifier that was taught without the picture, nor a copy of it.
    class_ids_n : array of int, (n,)
        Class number of the label of each picture.
    """
    classes = probabilities_nk.shape[1]
    thresholds = np.ones(classes)
    for code in np.unique(class_ids_n):
        thresholds[code] = probabilities_nk[class_ids_n == code, code].mean()
    reached = np.where(probabilities_nk >= thresholds, probabilities_nk, -1.0)
    likely = reached.argmax(axis=1)
    rows = np.flatnonzero((reached.max(axis=1) >= 0) & (likely != class_ids_n))
    margins = probabilities_nk[rows, class_ids_n[rows]] - probabilities_nk[rows, likely[rows]]
    rows, margins = rows[margins < 0], margins[margins < 0]
    ranked = np.argsort(margins, kind="stable")
    return [Doubted(int(rows[at]), int(likely[rows[at]]), float(margins[at])) for at in ranked]


class DoubtedLabel(NamedTuple):
    """One of several labels that looks wrong."""

    label: int
    there: bool
    """Whether the picture bears it."""
    sure: float
    """Probability of the contrary, 0 to 1."""


class DoubtedSet(NamedTuple):
    """A picture of whose labels some look wrong."""

    row: int
    labels: tuple[DoubtedLabel, ...]
    """The surest first."""


def doubted_sets(probabilities_nk: Doubles, truths_nk: Truths) -> list[DoubtedSet]:
    """Find pictures of whose several labels some look wrong, each as two classes by itself.

    Where these are more than `FEW` of all, only labels whose contrary has at least `SUREST`.
    Those with the surest come first.

    Parameters
    ----------
    probabilities_nk : array, (n, k)
        Of each label, by a classifier that was taught without the picture, nor a copy of it.
    truths_nk : array of bool, (n, k)
        Which labels each picture bears.
    """
    found: dict[int, list[DoubtedLabel]] = {}
    for label in range(truths_nk.shape[1]):
        there = probabilities_nk[:, label]
        both = np.stack([1 - there, there], axis=1)
        bears = truths_nk[:, label]
        for one in doubted_labels(both, bears.astype(np.intp)):
            doubt = DoubtedLabel(label, bool(bears[one.row]), float(both[one.row, one.other]))
            found.setdefault(one.row, []).append(doubt)
    if len(found) > FEW * len(truths_nk):
        found = {row: [one for one in of if one.sure >= SUREST] for row, of in found.items()}
    sets = [
        DoubtedSet(row, tuple(sorted(labels, key=lambda one: -one.sure)))
        for row, labels in found.items()
        if labels
    ]
    return sorted(sets, key=lambda one: (-one.labels[0].sure, one.row))
