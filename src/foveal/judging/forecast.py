"""What more pictures would bring, as far as a learning curve tells.

Axes: n picture, s size, b draw, u unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles, Hashes
from foveal.evaluation.intervals import LEVEL, Estimate
from foveal.evaluation.power_law import PowerLaw, fit_power_laws
from foveal.randomness import generator
from foveal.results import Result

DRAWS = 500
"""Draws of the pictures by which intervals are made."""
SKIPPED = 2
"""Smallest sizes that some of the laws pass over, at most."""
MATTERS = 0.005
"""Gain of accuracy below which more pictures hardly help."""
ALONG = 33
"""Sizes at which the law is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Result):
    """What twice as many pictures would bring."""

    pictures: int
    """Twice those that there are."""
    share: Estimate
    """Share of right answers then."""
    gain: Estimate
    """By how much it would rise."""
    law: PowerLaw
    """How errors fall, as fitted to all sizes at once."""
    sizes: tuple[float, ...]
    """Sizes along the law, from where all laws that were fitted hold up to `pictures`."""
    along: tuple[Estimate, ...]
    """Share of right answers at each of them."""

    @property
    def verdict(self) -> str:
        """Say whether more pictures would help: "yes", "no", or "untold"."""
        if self.gain.low > MATTERS:
            return "yes"
        return "no" if self.gain.high < MATTERS else "untold"


def forecast(
    sizes_s: Doubles, right_sn: Doubles, units_n: Hashes, worth: float, total: int, seed: int
) -> Forecast:
    """Fit a power law to errors, and say what twice as many pictures would bring.

    Laws are fitted to all sizes, and to all but the smallest one or two, by turns: where the law
    does not hold from the smallest on, as is usual, they differ. Intervals come of drawing the
    judged units anew, by weights of a gamma distribution (the Bayesian bootstrap of Rubin, Annals
    of Statistics 9, 1981), wider where `worth` is less than 1. Half an answer that is right and
    half a wrong one are drawn with them, the same at all sizes, since a few answers that are all
    right do not prove that no error is left.

    Parameters
    ----------
    sizes_s : array, (s,)
        Pictures that taught.
    right_sn : array, (s, n)
        Share of the repetitions in which each picture was answered right, 0 to 1.
    units_n : array of int, (n,)
        What each belongs to.
    worth : float
        Independent answers that each unit is worth, at most 1.
    total : int
        Pictures that there are.
    seed : int
        Seed of the draws.
    """
    unit = np.unique(units_n, return_inverse=True)[1]
    counts_u = np.bincount(unit).astype(np.float64)
    wrong_su = np.stack([np.bincount(unit, weights=1 - one) for one in right_sn])
    draws = generator(seed, "forecast")
    weights_bu = draws.gamma(worth, size=(DRAWS, len(counts_u)))
    halves = draws.gamma(0.5, size=(2, DRAWS, 1))
    wrong_bs = weights_bu @ wrong_su.T + halves[0]
    errors_bs = wrong_bs / ((weights_bu @ counts_u)[:, None] + halves.sum(axis=0))
    measured_s = 1 - right_sn.mean(axis=1)
    doubted_s = (measured_s * len(units_n) + 2) / (len(units_n) + 4)
    weights_s = 1 / (doubted_s * (1 - doubted_s))
    laws = [
        law
        for skipped in range(SKIPPED + 1)
        for law in fit_power_laws(
            sizes_s[skipped:], errors_bs[skipped :: SKIPPED + 1, skipped:], weights_s[skipped:]
        )
    ]
    along = np.geomspace(sizes_s[SKIPPED], 2 * total, ALONG)  # where all laws hold
    now, later = np.array([float(total)]), np.array([2.0 * total])
    shares_ba = 1 - np.stack([one.at(along) for one in laws])
    gains_b = np.array([float((one.at(now) - one.at(later))[0]) for one in laws])
    estimates = tuple(_middle(shares_b) for shares_b in shares_ba.T)
    return Forecast(
        pictures=2 * total,
        share=estimates[-1],
        gain=_middle(gains_b),
        law=fit_power_laws(sizes_s, measured_s[None], weights_s)[0],
        sizes=tuple(map(float, along)),
        along=estimates,
    )


def _middle(drawn_b: Doubles) -> Estimate:
    """Return the median of draws, and the quantiles that hold 95 % of them."""
    low, value, high = np.quantile(drawn_b, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    return Estimate(float(value), float(low), float(high))
