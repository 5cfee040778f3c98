"""Heads fitted on more features than the memory holds: block by block, in as many passes as needed.

What is made small is the same as in memory; where that stops differs, in the last digits.

Axes: n picture, v view of a picture, d feature, k output of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles, Floats, Rows
from foveal.pictures.prepared import RowsOfArrays

IN_MEMORY = 50_000_000
"""Numbers up to which features are fitted on in memory, 200 MB; that takes about five times as
much."""
WIDEST = 4_096
"""Features of a picture, at most, for which blocks are taken: the ridge's products are as wide."""
BLOCK = 16_000_000
"""Numbers of a block, 64 MB."""
MEMORY = 10
"""Steps that L-BFGS remembers, as in scikit-learn."""
LINE_SEARCHES = 50

Slopes = Callable[[Doubles, Rows], tuple[float, Doubles]]
"""From the logits (rows, k) of some pictures to their loss, and its derivative by each logit."""


@dataclass(frozen=True, slots=True)
class FeatureBlocks:
    """Features of some pictures where they lie, standardised as they are read.

    Parameters
    ----------
    views : sequence
        Features of all pictures, (d,) each, one source a view.
    rows : array of int
        The pictures that are meant, (n,).
    mean, deviation : array, (d,), optional
        What is taken off each feature, and what it is divided by.
    """

    views: Sequence[RowsOfArrays]
    rows: Rows
    width: int
    """Numbers of a picture."""
    mean: Doubles | None = None
    deviation: Doubles | None = None

    @property
    def size(self) -> int:
        """Numbers in all."""
        return len(self.views) * len(self.rows) * self.width

    def __len__(self) -> int:
        return len(self.views)

    def __iter__(self) -> Iterator[View]:
        return (View(self, view) for view in range(len(self.views)))

    def __getitem__(self, at: tuple[int, Rows]) -> Floats:
        """Read one view of some of the pictures, (rows, d)."""
        view, rows = at
        found = self.views[view][self.rows[rows]].reshape(len(rows), self.width)
        if self.mean is None or self.deviation is None:
            return np.asarray(found, dtype=np.float32)
        return ((found - self.mean) / self.deviation).astype(np.float32)

    def blocks(self, rows: Rows | None = None) -> Iterator[tuple[Rows, Floats]]:
        """Read all views of some pictures, all where left out: which they are, and (rows, d)."""
        rows = np.arange(len(self.rows)) if rows is None else rows
        step = max(BLOCK // self.width, 1)
        for view in range(len(self.views)):
            for start in range(0, len(rows), step):
                some = rows[start : start + step]
                yield some, self[view, some]


@dataclass(frozen=True, slots=True)
class View:
    """One view of the pictures."""

    features: FeatureBlocks
    view: int

    def __getitem__(self, rows: Rows) -> Floats:
        """Read some of the pictures, (rows, d)."""
        return self.features[self.view, rows]


def moments(features: FeatureBlocks) -> tuple[Doubles, Doubles]:
    """Compute mean and deviation of each feature over all views, (d,) each, in two passes."""
    count = features.size // features.width
    total = np.zeros(features.width)
    for _, block in features.blocks():
        total += block.sum(axis=0, dtype=np.float64)
    mean = total / count
    squares = np.zeros(features.width)
    for _, block in features.blocks():
        squares += np.square(block - mean).sum(axis=0)
    return mean, np.sqrt(squares / count)


def descended(
    features: FeatureBlocks,
    slopes: Slopes,
    outputs: int,
    *,
    C: float,
    strictness: float,
    total: float,
    iterations: int,
    tolerance: float,
) -> tuple[Doubles, Doubles]:
    """Fit weights and biases by L-BFGS, whose every step reads all blocks once or twice.

    Liu and Nocedal, Mathematical Programming 45, 1989. It holds a block, and about 24 doubles a
    weight.

    Parameters
    ----------
    slopes : callable
        The weighted losses of a block and their derivatives.
    outputs : int
        Rows of weights.
    C : float
        Inverse of the penalty of the weights, as in scikit-learn; biases have none.
    strictness : float
        What the penalty of the weights is multiplied by.
    total : float
        Weights of all examples together.
    iterations, tolerance
        Where the descent ends; see `scipy.optimize.minimize`.

    Returns
    -------
    tuple of array
        Weights (k, d) and biases (k,).
    """
    shape = (outputs, features.width + 1)
    penalty = strictness / (C * total)

    def objective(flat: Doubles) -> tuple[float, Doubles]:
        found = flat.reshape(shape)
        weight, bias = found[:, :-1], found[:, -1]
        loss, gradient = penalty / 2 * float((weight**2).sum()), np.zeros(shape)
        gradient[:, :-1] = penalty * weight
        narrow = weight.astype(np.float32)
        for rows, block in features.blocks():
            lost, slope = slopes((block @ narrow.T).astype(np.float64) + bias, rows)
            loss += lost / total
            gradient[:, :-1] += (slope.astype(np.float32).T @ block) / total
            gradient[:, -1] += slope.sum(axis=0) / total
        return loss, gradient.ravel()

    options = {"maxiter": iterations, "gtol": tolerance, "maxcor": MEMORY, "maxls": LINE_SEARCHES}
    first = np.zeros(shape).ravel()
    from scipy.optimize import minimize  # slow to import, and few need it

    found: Any = minimize(objective, first, jac=True, method="L-BFGS-B", options=options)
    kept: Array = found.x.reshape(shape)
    return kept[:, :-1], kept[:, -1]
