"""How errors fall as pictures are added: a power law, and what it says of more of them.

Errors of many kinds of networks fall as a power of the number of examples, down to a floor
(Hestness et al., arXiv:1712.00409); Mohr and van Rijn (arXiv:2201.12150) compare the forms that
were proposed.

Axes: s size, b draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles
from foveal.results import Result

EXPONENTS = np.linspace(0.05, 2.0, 40)
"""Powers that are tried."""


@dataclass(frozen=True, slots=True)
class PowerLaw(Result):
    """The error after so many pictures: floor + scale * pictures ** -exponent."""

    floor: float
    """What is left however many pictures teach, at least 0."""
    scale: float
    """At least 0: more pictures never do harm."""
    exponent: float

    def at(self, sizes_s: Doubles) -> Doubles:
        """Compute the error at some sizes, at most 1."""
        fallen = np.power(np.asarray(sizes_s, dtype=np.float64), -self.exponent)
        return np.minimum(self.floor + self.scale * fallen, 1.0)


def fit_power_laws(sizes_s: Doubles, errors_bs: Doubles, weights_s: Doubles) -> list[PowerLaw]:
    """Fit a power law to each of several draws of errors, by weighted least squares.

    Parameters
    ----------
    sizes_s : array, (s,)
        Pictures that taught, above 0.
    errors_bs : array, (b, s)
        Errors that were measured, 0 to 1.
    weights_s : array, (s,)
        What each size weighs: one through the variance of its error.

    Returns
    -------
    list of PowerLaw
        One for each draw.
    """
    best_b = np.full(len(errors_bs), np.inf)
    found_b3 = np.zeros((len(errors_bs), 3))
    for exponent in EXPONENTS:
        floors_b, scales_b = _fitted(sizes_s**-exponent, errors_bs, weights_s)
        made_bs = floors_b[:, None] + scales_b[:, None] * sizes_s**-exponent
        loss_b = (weights_s * np.square(made_bs - errors_bs)).sum(axis=1)
        better = loss_b < best_b * (1 - 1e-9)
        best_b[better] = loss_b[better]
        found_b3[better] = np.stack([floors_b, scales_b, np.full(len(floors_b), exponent)], axis=1)[
            better
        ]
    return [PowerLaw(*map(float, row)) for row in found_b3]


def _fitted(fallen_s: Doubles, errors_bs: Doubles, weights_s: Doubles) -> tuple[Doubles, Doubles]:
    """Fit floors and scales, (b,) each and none below 0, at one exponent."""
    total = weights_s.sum()
    x = (weights_s * fallen_s).sum() / total
    y_b = (weights_s * errors_bs).sum(axis=1) / total
    spread = (weights_s * np.square(fallen_s - x)).sum()
    scales_b = (weights_s * (fallen_s - x) * (errors_bs - y_b[:, None])).sum(axis=1) / spread
    floors_b = y_b - scales_b * x
    alone_b = (weights_s * fallen_s * errors_bs).sum(axis=1) / (weights_s * fallen_s**2).sum()
    scales_b = np.where(floors_b < 0, alone_b, scales_b)
    floors_b = np.where(floors_b < 0, 0.0, floors_b)
    floors_b = np.where(scales_b < 0, y_b, floors_b)
    return floors_b, np.maximum(scales_b, 0.0)
