"""How sure a number is: 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from foveal.arrays import Doubles
from foveal.wording import three_digits

LEVEL = 0.95
Z = float(ndtri((1 + LEVEL) / 2))
"""Standard errors that a normal estimate is off by at most, at this level."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        """Write it as a percentage: "92.5 % (91.9 to 93.0 %)"."""
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f} %)"

    def plain(self) -> str:
        """Write it with three digits: "0.211 (0.195 to 0.228)"."""
        value, low, high = map(three_digits, (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def wilson(right: float, total: float, level: float = LEVEL, worth: float = 1.0) -> Estimate:
    """Interval of a share (Wilson, 1927; recommended by Brown, Cai and DasGupta, 2001).

    Counts need not be whole. `worth` is how many independent answers each stands for, at most 1:
    `effective_number` and `cross_validated_number` give those of answers that hang together.

    >>> wilson(9, 10).percent()
    '90.0 % (59.6 to 98.2 %)'
    """
    if total == 0:
        return Estimate(float("nan"), 0.0, 1.0)
    z = float(ndtri((1 + level) / 2))
    share = right / total
    number = np.array([worth * total])
    low, high = wilson_bounds(share * number, number, z)
    return Estimate(share, min(float(low[0]), share), max(float(high[0]), share))


def wilson_bounds(right: Doubles, total: Doubles, z: float) -> tuple[Doubles, Doubles]:
    """Compute Wilson's bounds of shares, (n,) each, z standard errors away; no total is 0."""
    share = right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total)
    reach = reach * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low, high = np.maximum(middle - reach, 0.0), np.minimum(middle + reach, 1.0)
    return np.minimum(low, share), np.maximum(high, share)


def effective_number(
    right_n: np.ndarray[Any, Any] | None, units_n: np.ndarray[Any, Any], level: float = LEVEL
) -> float:
    """Compute how many independent answers are worth as much as these, some of which hang together.

    What the answers of a unit have in common makes their share vary more than that of as many
    strangers: their number is divided by this ratio of variances, and by that of the quantiles
    of Student's and the normal distribution (Korn and Graubard, Survey Methodology 24, 1998). The
    same is done with one unit more, half of it right, as Agresti and Coull (1998) add answers:
    without it a few units that are all right seem not to hang together at all. The lesser counts;
    where all answers are right, or wrong, that is at most the number of units.

    Parameters
    ----------
    right_n : array of bool, (n,), optional
        Whether each answer is right. Where nothing is right or wrong, each unit counts once.
    units_n : array of int, (n,)
        What each belongs to.

    Returns
    -------
    float
        From 1 to n; n where each answer is a unit of its own.
    """
    unit, sizes = np.unique(units_n, return_inverse=True, return_counts=True)[1:]
    total, count = len(units_n), len(sizes)
    if count == total or right_n is None:
        return float(count)
    right, one = np.bincount(unit, weights=right_n).astype(np.float64), total / count
    tail = (1 + level) / 2
    heavier = float(stdtrit(max(total - 1, 1), tail) / stdtrit(max(count - 1, 1), tail)) ** 2
    doubted = _worth(np.append(right, one / 2), np.append(sizes, one))
    plain = _worth(right, sizes) if 0 < right.sum() < total else float(count)
    return float(np.clip(min(plain, doubted) * heavier, 1.0, total))


def cross_validated_number(share: float, number: float) -> float:
    """Compute how many independent answers are worth as much as these of a cross-validation.

    Its folds teach one another: of two pictures that look alike each speaks for the other's class,
    so that both are right where they agree and both wrong where they do not. One cross-validation
    cannot say how much this adds to the variance of its share (Bengio and Grandvalet, JMLR 5,
    2004), but a bound follows from a model. An answer is right where a normal margin is positive;
    the margin is a sum of many small parts, one for each picture that taught, which the two
    pictures have in common; so its correlations with all other margins add up to 1 at most. To
    first order in them the variance is 1 + density(z)^2 / (share (1 - share)) times that of
    independent answers, z the share's quantile of the normal distribution: 1.64 at one half, 1.34
    at 0.9, 1.07 at 0.99. The share is taken with two answers more that are right and two that are
    wrong (Agresti and Coull, 1998), since a few answers that are all right prove little.

    Parameters
    ----------
    share : float
        Of the answers that are right, 0 to 1.
    number : float
        Independent answers they would be worth if one network, fixed before, had given them.
    """
    doubted = (share * number + 2) / (number + 4)
    density = np.exp(-(float(ndtri(doubted)) ** 2) / 2) / np.sqrt(2 * np.pi)
    return float(number / (1 + density**2 / (doubted * (1 - doubted))))


def _worth(right: Doubles, sizes: np.ndarray[Any, Any]) -> float:
    """Compute how many strangers have a share that varies as much as that of these units."""
    count, total = len(sizes), sizes.sum()
    share = right.sum() / total
    spread = np.square(right - share * sizes).sum() / total**2 * count / max(count - 1, 1)
    return float(share * (1 - share) / spread) if spread else float(total)


def mean(
    values: Doubles,
    level: float = LEVEL,
    least: float = -np.inf,
    most: float = np.inf,
    worth: float = 1.0,
) -> Estimate:
    """Interval of a mean, by the normal approximation, within the values that are possible.

    One value alone says nothing of how they vary: its interval is all of these. `worth` is how many
    independent values each stands for, at most 1.

    >>> mean(np.array([0.25]), least=0, most=1).plain()
    '0.25 (0 to 1)'
    """
    value = float(np.mean(values))
    z = float(ndtri((1 + level) / 2))
    several = len(values) > 1
    error = float(np.std(values, ddof=1) / np.sqrt(worth * len(values))) if several else np.inf
    return Estimate(value, max(value - z * error, least), min(value + z * error, most))


def resampled_mean(values: Doubles, held_share: float, level: float = LEVEL) -> Estimate:
    """Interval of a mean of what several trainings gave, each on another split of some pictures.

    The splits have most pictures in common, so that their values vary less than those of strangers
    would: the variance is taken 1 / n + judged / taught times that of a value (Nadeau and Bengio,
    "Inference for the generalization error", Machine Learning 52, 2003), with Student's t.

    Parameters
    ----------
    values : array of float, (n,)
        One a split. One alone says nothing of how they vary: its interval is everything.
    held_share : float
        Pictures of a split that judged, for each that taught.

    >>> resampled_mean(np.array([1.0, 2.0, 3.0]), 0.25).plain()
    '2 (-1.29 to 5.29)'
    """
    value, count = float(np.mean(values)), len(values)
    if count < 2:
        return Estimate(value, -np.inf, np.inf)
    reach = float(stdtrit(count - 1, (1 + level) / 2)) * resampled_error(values, held_share)
    return Estimate(value, value - reach, value + reach)


def resampled_error(values: Doubles, held_share: float) -> float:
    """Compute the standard error of such a mean; infinite for one value. See `resampled_mean`."""
    if len(values) < 2:
        return float("inf")
    return float(np.std(values, ddof=1)) * float(np.sqrt(1 / len(values) + held_share))
