"""How numbers that were predicted fare against those that are true, each figure with its interval.

Axes: n picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles
from foveal.evaluation.intervals import Estimate, Z, mean, wilson
from foveal.results import Result

NOTHING = Estimate(float("nan"), float("-inf"), 1.0)
"""Of a figure that has no meaning: where all true numbers are one, or there are too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberMetrics(Result):
    """How predicted numbers fare; errors are in the unit of the numbers."""

    pictures: int
    mean_absolute_error: Estimate
    root_mean_squared_error: Estimate
    r2: Estimate
    """Share of the variance that is explained; 0 for their mean, below 0 for what is worse."""
    spearman: Estimate
    """Correlation of the ranks, -1 to 1."""
    stated: float | None
    """Share of numbers that the intervals of the answers are said to hold; None without any."""
    coverage: Estimate | None
    """Share of numbers that they hold."""
    width: float | None
    """Mean width of the intervals."""


def number_metrics(
    predicted_n: Doubles,
    true_n: Doubles,
    *,
    low_n: Doubles,
    high_n: Doubles,
    stated: float | None,
    worth: float = 1.0,
) -> NumberMetrics:
    """Judge predicted numbers.

    Parameters
    ----------
    predicted_n, true_n : array of float, (n,)
        At least one, all finite.
    low_n, high_n : array of float, (n,)
        Interval of each prediction; NaN where there is none.
    stated : float, optional
        Share of numbers that the intervals are said to hold.
    worth : float
        Independent pictures that each is worth, at most 1; it widens the intervals.
    """
    size = _size(true_n, predicted_n)
    predicted, true = predicted_n / size, true_n / size
    there = stated is not None and bool(np.isfinite(low_n).all())
    held = (low_n <= true_n) & (true_n <= high_n)
    errors = np.abs(predicted - true)
    squares = mean(errors**2, least=0, worth=worth)
    return NumberMetrics(
        pictures=len(true_n),
        mean_absolute_error=times(mean(errors, least=0, worth=worth), size),
        root_mean_squared_error=times(
            Estimate(squares.value**0.5, squares.low**0.5, squares.high**0.5), size
        ),
        r2=r2(predicted, true, worth),
        spearman=spearman(predicted, true, worth),
        stated=stated if there else None,
        coverage=wilson(float(held.sum()), len(held), worth=worth) if there else None,
        width=float(np.mean(high_n - low_n)) if there else None,
    )


def _size(*numbers: Doubles) -> float:
    """Return the largest of numbers, so that squares of what is divided by it do not overflow."""
    return max(float(np.abs(one).max(initial=0.0)) for one in numbers) or 1.0


def times(estimate: Estimate, size: float) -> Estimate:
    """Return an estimate in another unit."""
    return Estimate(*(size * one for one in (estimate.value, estimate.low, estimate.high)))


def r2(predicted_n: Doubles, true_n: Doubles, worth: float = 1.0) -> Estimate:
    """Estimate the share of the variance that is explained, with its interval.

    By the delta method: a picture moves the mean squared error and the variance, of which R2 is
    one minus their ratio, by what it has more of each than the mean (van der Vaart, Asymptotic
    Statistics, 1998, chapter 3).
    """
    squares, spreads = (predicted_n - true_n) ** 2, (true_n - true_n.mean()) ** 2
    error, variance = float(squares.mean()), float(spreads.mean())
    if not variance > 0 or len(true_n) < 3:
        return NOTHING
    moved = (squares - error) / variance - error * (spreads - variance) / variance**2
    reach = Z * float(np.std(moved, ddof=1)) / np.sqrt(worth * len(true_n))
    value = 1 - error / variance
    return Estimate(value, float(value - reach), min(float(value + reach), 1.0))


def spearman(predicted_n: Doubles, true_n: Doubles, worth: float = 1.0) -> Estimate:
    """Estimate the correlation of the ranks, with its interval.

    By Fisher's transformation, with the variance (1 + r^2 / 2) / (n - 3) of Bonett and Wright
    (Psychometrika 65, 2000).
    """
    from scipy.stats import rankdata  # slow: models are loaded without it

    ranks = rankdata(predicted_n), rankdata(true_n)
    number = worth * len(true_n)
    if min(float(np.ptp(one)) for one in ranks) == 0:
        return Estimate(float("nan"), -1.0, 1.0)
    value = float(np.corrcoef(*ranks)[0, 1])
    if number <= 3:
        return Estimate(value, -1.0, 1.0)
    inside = min(max(value, -1 + 1e-12), 1 - 1e-12)
    reach = Z * np.sqrt((1 + value**2 / 2) / (number - 3))
    low, high = np.tanh(np.arctanh(inside) + np.array([-reach, reach]))
    return Estimate(value, float(low), float(high))
