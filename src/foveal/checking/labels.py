"""Labels that look wrong, by what a classifier says that never saw them: arrays alone.

Confident learning (Northcutt, Jiang and Chuang, 2021, "Confident learning: estimating uncertainty
in dataset labels"). A class is taken for what a picture is where its probability reaches what it
has on average among the pictures that bear its label: so classes of which the classifier is less
sure ask for less. Pictures that are so of another class than their label are ranked by the margin
between both.
Axes: n picture, k class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foveal.arrays import Doubles, Rows


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
