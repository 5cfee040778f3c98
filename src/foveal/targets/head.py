"""A last dense layer that is fitted at once on features, whatever is said of pictures.

Axes: n picture, v view of a picture, d feature, k output of the network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles, Floats, Hashes, Rows
from foveal.targets.blocks import FeatureBlocks, moments

Vectors = Floats | FeatureBlocks
"""Features of all views of pictures, (v, n, d): in memory, or read block by block."""

LEAST_DEVIATION = 1e-3
"""Least deviation that a feature is divided by, as a share of the largest."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Examples:
    """Features that a head is fitted on."""

    features_vnd: Vectors
    """The first view is the picture as it is; it alone is judged."""
    values_n: Array
    units_n: Hashes
    """Pictures of one unit never stand on two sides of a fold."""
    weights_n: Array | None
    """What each weighs in the loss; None for the same."""
    seed: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedHead:
    """A fitted head: outputs = features @ weight.T + bias."""

    weight_kd: Floats
    bias_k: Floats
    C: float
    """Inverse of the penalty, as C of scikit-learn."""
    folds: int
    """Folds that chose it; 0 where there were too few pictures."""
    held_out_outputs_nk: np.ndarray[Any, np.dtype[np.float64]]
    """Outputs for each picture by the fold that did not see it; (0, k) without folds."""
    held_out: Rows
    """Which pictures these are."""
    seconds: float


def standardised(features_vnd: Vectors) -> tuple[Vectors, Doubles, Doubles]:
    """Bring features to zero mean and unit deviation, in all views alike.

    Features that hardly vary are rounding; to standardise them would blow it up.

    Returns
    -------
    tuple
        The features, their means (d,), and what they were divided by (d,).
    """
    if isinstance(features_vnd, FeatureBlocks):
        mean, deviation = moments(features_vnd)
        deviation = _bounded(deviation)
        return replace(features_vnd, mean=mean, deviation=deviation), mean, deviation
    mean = features_vnd.mean(axis=(0, 1), dtype=np.float64)
    deviation = _bounded(features_vnd.std(axis=(0, 1), dtype=np.float64))
    return ((features_vnd - mean) / deviation).astype(np.float32), mean, deviation


def _bounded(deviation_d: Doubles) -> Doubles:
    least = LEAST_DEVIATION * max(float(deviation_d.max()), 1e-12)
    return np.asarray(np.maximum(deviation_d, least))
