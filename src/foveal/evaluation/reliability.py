"""Whether a classifier knows when it is right: calibration, and accuracy on what it answers.

Axes: n picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles, Truths
from foveal.evaluation.intervals import Estimate, wilson
from foveal.evaluation.metrics import BINS, sureness_bins

POINTS = 40
"""Shares at which accuracy on what is answered is measured, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Pictures of which a classifier was about equally sure."""

    sure: float
    """Mean probability of the class called."""
    right: Estimate
    """Share of them called right."""
    pictures: int


def calibration_curve(
    sure_n: Doubles, right_n: Truths, bins: int = BINS, worth: float = 1.0
) -> tuple[CalibrationBin, ...]:
    """Compare how sure a classifier is with how often it is right (DeGroot and Fienberg, 1983).

    The bins are those of the calibration error: equally many pictures each, in the order of the
    probability of the class called.

    Parameters
    ----------
    sure_n : array of float, (n,)
        Probability of the class called.
    right_n : array of bool, (n,)
        Whether that is the true one.
    bins : int
        Bins, at most.
    worth : float
        Independent pictures that each is worth, at most 1.
    """
    return tuple(
        CalibrationBin(
            sure=float(sure_n[part].mean()),
            right=wilson(float(right_n[part].sum()), len(part), worth=worth),
            pictures=len(part),
        )
        for part in sureness_bins(sure_n, bins)
    )


def label_calibration_curve(
    probabilities_nk: Doubles, truths_nk: Truths, bins: int = BINS, worth: float = 1.0
) -> tuple[CalibrationBin, ...]:
    """Compare how likely labels are with how often they are there, all labels together.

    Parameters
    ----------
    probabilities_nk : array of float, (n, k)
        Of each label by itself.
    truths_nk : array of bool, (n, k)
        Which pictures bear it.
    bins, worth
        As in `calibration_curve`. Labels of a picture hang together: a bin counts its pictures.
    """
    flat, there = probabilities_nk.ravel(), truths_nk.ravel()
    labels = max(probabilities_nk.shape[1], 1)
    found = []
    for part in sureness_bins(flat, bins):
        pictures = len(np.unique(part // labels))
        share = worth * pictures / len(part)
        found.append(
            CalibrationBin(
                sure=float(flat[part].mean()),
                right=wilson(float(there[part].sum()), len(part), worth=share),
                pictures=pictures,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How a classifier fares that answers only where it is sure enough."""

    least: float
    """Probability of the class called from which on it answers."""
    share: float
    """Share of all pictures that it answers."""
    accuracy: Estimate
    """Share of those answered that are right."""
    pictures: int
    """Pictures answered."""


def accuracy_by_answered(
    sure_n: Doubles, right_n: Truths, points: int = POINTS, worth: float = 1.0
) -> tuple[Answered, ...]:
    """Measure accuracy on the pictures answered, against their share of all.

    The curve of El-Yaniv and Wiener (Journal of Machine Learning Research 11, 2010) with accuracy
    for risk. Pictures of equal probability are answered together, since no threshold parts them.

    Parameters
    ----------
    sure_n : array of float, (n,)
        Probability of the class called.
    right_n : array of bool, (n,)
        Whether that is the true one.
    points : int
        Shares, at most, evenly spaced; the last is 1.
    worth : float
        Independent pictures that each is worth, at most 1.

    Returns
    -------
    tuple of Answered
        By rising share; empty without pictures.
    """
    count = len(sure_n)
    order = np.argsort(-sure_n, kind="stable")
    sure, right = sure_n[order], np.cumsum(right_n[order])
    ends = np.flatnonzero(np.append(sure[1:] < sure[:-1], True)) + 1 if count else np.array([], int)
    wanted = np.linspace(1, count, min(points, count)).round()
    picked = np.unique(ends[np.searchsorted(ends, wanted)]) if count else ends
    return tuple(
        Answered(
            least=float(sure[end - 1]),
            share=end / count,
            accuracy=wilson(float(right[end - 1]), end, worth=worth),
            pictures=end,
        )
        for end in picked.tolist()
    )
