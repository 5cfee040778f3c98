"""Split conformal prediction: a threshold that scores of the same kind exceed at a known rate.

Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005. Axes: m score.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

from foveal.arrays import Doubles
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import LEVEL, Estimate
from foveal.parameters import Real

LEAST_RATE = 1e-9
"""Lowest rate of false alarms that can be asked for."""
RATE = Real(LEAST_RATE, 1, below=True)
ROUNDED = 1e-9
"""What binary fractions may add to a rank: (1 - 0.18) * 150 comes out above 123."""


def threshold_of(scores: Doubles, false_alarms: float) -> float:
    """Find the score that usual pictures exceed with at most a given probability.

    Parameters
    ----------
    scores : array, (m,)
        Of held-out, usual pictures.
    false_alarms : float
        Rate, 0 to 1. The threshold is the smallest of the scores that keeps a further
        picture of the same kind below it with the stated probability (split conformal
        prediction, Vovk et al., 2005).

    Raises
    ------
    UsageError
        For a rate that is none.
    DataError
        Where there are too few pictures for so low a rate.
    """
    count = len(scores)
    rank = rank_of(count, checked_rate(false_alarms))
    if rank > count:
        raise DataError(
            "usual pictures",
            needed=f"at least {int(np.ceil(1 / false_alarms)) - 1} that did not teach, for a "
            f"rate of false alarms of {false_alarms:g}",
            came=str(count),
            remedy="allow a higher rate (`false_alarms`), or name more usual pictures (`usual`)",
        )
    return float(np.sort(scores)[rank - 1])


def true_rate(usual: int, false_alarms: float) -> Estimate:
    """Describe which share of usual pictures lies above a threshold set by some of them.

    With m usual pictures the threshold is their r-th smallest score, r = ceil((1 - rate)(m + 1)).
    Over all choices of them the share of further ones above it has the Beta distribution with
    parameters m + 1 - r and r where no scores are equal, and less where some are (Vovk,
    "Conditional validity of inductive conformal predictors", 2012, proposition 2b). Where each of
    them is scored against the others, leaving itself out, the mean is an upper bound, and the
    interval an approximation: too narrow where the pictures fall into many small clusters.

    Parameters
    ----------
    usual : int
        How many set the threshold.
    false_alarms : float
        The rate asked for; `usual` suffices for it.

    Returns
    -------
    Estimate
        Mean of that distribution, and its 2.5 and 97.5 % quantiles.

    Examples
    --------
    >>> true_rate(19, 0.05).percent()
    '5.0 % (0.1 to 17.6 %)'
    """
    rank = rank_of(usual, false_alarms)
    over, tail = usual + 1 - rank, (1 - LEVEL) / 2
    low, high = betaincinv(over, rank, [tail, 1 - tail])
    return Estimate(over / (usual + 1), float(low), float(high))


def rank_of(count: int, false_alarms: float) -> int:
    """Find the rank among so many scores of the threshold that keeps a rate of false alarms.

    >>> rank_of(19, 0.05), rank_of(149, 0.18)
    (19, 123)
    """
    return max(1, int(np.ceil((1 - false_alarms) * (count + 1) - ROUNDED)))


def checked_rate(false_alarms: float) -> float:
    """Check a rate of false alarms.

    Raises
    ------
    UsageError
        Where it is not above 0 and below 1.
    """
    if not RATE.accepts(false_alarms):
        raise UsageError(
            "false_alarms",
            needed=f"a rate above 0 and below 1, of at least {LEAST_RATE:g}",
            came=repr(false_alarms),
            remedy="write 0.05 for one usual picture in twenty",
        )
    return false_alarms
