"""How well two classes are told apart whatever the threshold: ROC area and average precision."""

from __future__ import annotations

import numpy as np

from foveal.arrays import Doubles, Truths
from foveal.evaluation.intervals import Estimate, Z, wilson_bounds

UNKNOWN = Estimate(float("nan"), 0.0, 1.0)
NEAR = 1e-12


def roc_area(scores_n: Doubles, positive_n: Truths, worth: float = 1.0) -> Estimate:
    """Estimate the area under the ROC curve; NaN where one of the classes is missing.

    The probability that a positive picture scores above a negative one, ties counted by half. The
    interval is that of Newcombe, Statistics in Medicine 25, 2006, method 5: a score interval with
    the variance of Hanley and McNeil (1982), which has a width where all are told apart, too.

    Parameters
    ----------
    scores_n : array of float, (n,)
        Higher for positive pictures.
    positive_n : array of bool, (n,)
        Which are.
    worth : float
        Independent pictures that each is worth, at most 1.
    """
    above = int(positive_n.sum())
    below = len(positive_n) - above
    if not above or not below:
        return UNKNOWN
    from sklearn.metrics import roc_auc_score  # slow: models are loaded without it

    area = float(roc_auc_score(positive_n, scores_n))
    sizes = worth * above, worth * below
    return Estimate(area, _least(area, *sizes), 1 - _least(1 - area, *sizes))


def _least(area: float, above: float, below: float) -> float:
    """Return the smallest area that the one found is not too far above."""

    def gap(least: float) -> float:
        pairs = max((above + below) / 2 - 1, 0.0)
        spread = 1 + pairs * ((1 - least) / (2 - least) + least / (1 + least))
        return area - least - Z * float(np.sqrt(least * (1 - least) * spread / (above * below)))

    if area <= 2 * NEAR:
        return 0.0
    from scipy.optimize import brentq  # slow: models are loaded without it

    return float(brentq(gap, 0.0, area - NEAR))


def average_precision(scores_n: Doubles, positive_n: Truths, worth: float = 1.0) -> Estimate:
    """Estimate the average precision, the area under precision and recall; NaN without positives.

    Its interval is that of a share of as many pictures as are positive (Boyd, Eng and Page, "Area
    under the precision-recall curve: point estimates and confidence intervals", 2013), by Wilson.

    Parameters
    ----------
    scores_n : array of float, (n,)
        Higher for positive pictures.
    positive_n : array of bool, (n,)
        Which are.
    worth : float
        Independent pictures that each is worth, at most 1.
    """
    above = int(positive_n.sum())
    if not above:
        return UNKNOWN
    from sklearn.metrics import average_precision_score

    value = float(average_precision_score(positive_n, scores_n))
    counted = np.array([worth * above])
    low, high = wilson_bounds(value * counted, counted, Z)
    return Estimate(value, min(float(low[0]), value), max(float(high[0]), value))


def precision_at_positives(scores_n: Doubles, positive_n: Truths) -> Doubles:
    """Compute for each positive picture, in order, the precision among all that score no less.

    Their mean is the average precision.
    """
    order = np.argsort(-scores_n, kind="stable")
    ranked, found = scores_n[order], np.cumsum(positive_n[order])
    last = np.searchsorted(-ranked, -scores_n[positive_n], side="right")
    precisions: Doubles = found[last - 1] / last
    return precisions
