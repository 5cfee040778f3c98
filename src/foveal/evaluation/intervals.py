"""How sure a number is: 95 % intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEVEL = 0.95
DRAWS = 2_000
"""Bootstrap draws."""


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
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def wilson(right: int, total: int, level: float = LEVEL) -> Estimate:
    """Interval of a share (Wilson, 1927; recommended by Brown, Cai and DasGupta, 2001).

    >>> wilson(9, 10).percent()
    '90.0 % (59.6 to 98.2 %)'
    """
    if total == 0:
        return Estimate(float("nan"), 0.0, 1.0)
    z = float(norm.ppf((1 + level) / 2))
    share = right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total)
    reach *= float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    return Estimate(share, max(middle - reach, 0.0), min(middle + reach, 1.0))


def mean(values: Floats, level: float = LEVEL) -> Estimate:
    """Interval of a mean, by the normal approximation."""
    value = float(np.mean(values))
    z = float(norm.ppf((1 + level) / 2))
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf
    return Estimate(value, value - z * error, value + z * error)


def from_counts(
    counts: np.ndarray[Any, np.dtype[np.int64]],
    statistic: Callable[[np.ndarray[Any, Any]], Floats],
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """Interval of a statistic of a table of counts, by the percentile bootstrap (Efron, 1979).

    Drawing pictures with replacement is drawing the table from a multinomial distribution.

    Parameters
    ----------
    counts : array of int, (k, k)
        Confusion matrix, or any table.
    statistic : callable
        From tables (draws, k, k) to values (draws,).
    """
    total = int(counts.sum())
    shares = counts.ravel() / max(total, 1)
    draws = np.random.default_rng(seed).multinomial(total, shares, size=DRAWS)
    values = statistic(draws.reshape(DRAWS, *counts.shape))
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Estimate(float(statistic(counts[None])[0]), float(low), float(high))
