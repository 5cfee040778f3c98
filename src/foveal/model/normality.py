"""What usual pictures are like to an autoencoder: the spread of their codes, and their errors.

A picture unlike those that taught is reconstructed badly, or its code lies far from theirs. What
is far is told by pictures that did not teach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foveal.errors import DataError, UsageError

Numbers = np.ndarray[Any, np.dtype[np.float64]]
MEAN, WHITENING = "normal/mean", "normal/whitening"
ERRORS, DISTANCES = "normal/errors", "normal/distances"
LEAST_RATE = 1e-9
"""Lowest rate of false alarms that can be asked for."""
SHRINKAGE = 1e-3
"""Share of the mean variance added to each, so that codes that never vary have a distance too."""
ROUNDED = 1e-9
"""What binary fractions may add to a rank: (1 - 0.18) * 150 comes out above 123."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normality:
    """What usual pictures are like."""

    mean: Numbers
    """Mean code of the training pictures, (k,)."""
    whitening: Numbers
    """Brings differences from it to unit covariance, (k, k)."""
    errors: Numbers
    """Mean squared errors of held-out pictures, (m,); none where none were held out."""
    distances: Numbers
    """Distances of their codes from the mean, (m,)."""

    def distance(self, codes: Numbers) -> Numbers:
        """Measure how far codes (n, k) lie from the training pictures' mean.

        The distance of Mahalanobis (1936), divided by the square root of k: about 1 for codes
        like those of the training pictures.
        """
        whitened = (codes - self.mean) @ self.whitening
        found: Numbers = np.sqrt((whitened**2).mean(axis=1))
        return found

    def tensors(self) -> dict[str, torch.Tensor]:
        """Give everything as tensors by name."""
        found = {
            MEAN: self.mean,
            WHITENING: self.whitening,
            ERRORS: self.errors,
            DISTANCES: self.distances,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in found.items()}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, torch.Tensor], size: int) -> Normality | None:
        """Read tensors that `tensors` gave; None where they are missing or of other shapes."""
        names = (MEAN, WHITENING, ERRORS, DISTANCES)
        found = [tensors.get(name) for name in names]
        shapes = [() if one is None else tuple(one.shape) for one in found]
        held_out = shapes[2]
        wanted = [(size,), (size, size), held_out, held_out]
        if shapes != wanted or len(held_out) != 1:
            return None
        mean, whitening, errors, distances = (
            one.double().numpy() for one in found if one is not None
        )
        return cls(mean=mean, whitening=whitening, errors=errors, distances=distances)


def checked_rate(false_alarms: object) -> float:
    """Check a rate of false alarms.

    Raises
    ------
    UsageError
        Where it is not above 0 and below 1.
    """
    if not isinstance(false_alarms, int | float) or not LEAST_RATE <= false_alarms < 1:
        raise UsageError(
            "false_alarms",
            needed=f"a rate above 0 and below 1, of at least {LEAST_RATE:g}",
            came=repr(false_alarms),
            remedy="write 0.05 for one usual picture in twenty",
        )
    return false_alarms


def threshold_of(scores: Numbers, false_alarms: float) -> float:
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
            remedy="allow a higher rate (--false-alarms), or name more usual pictures (--usual)",
        )
    return float(np.sort(scores)[rank - 1])


def rank_of(count: int, false_alarms: float) -> int:
    """Find the rank among so many scores of the threshold that keeps a rate of false alarms.

    >>> rank_of(19, 0.05), rank_of(149, 0.18)
    (19, 123)
    """
    return max(1, int(np.ceil((1 - false_alarms) * (count + 1) - ROUNDED)))


def spread(codes: Numbers) -> tuple[Numbers, Numbers]:
    """Find mean (k,) and whitening (k, k) of codes (n, k)."""
    mean = codes.mean(axis=0)
    covariance = np.atleast_2d(np.cov(codes, rowvar=False, bias=True))
    floor = max(SHRINKAGE * float(np.trace(covariance)) / len(mean), 1e-12)
    values, vectors = np.linalg.eigh(covariance + floor * np.eye(len(mean)))
    whitening = vectors / np.sqrt(np.maximum(values, floor))
    return mean, whitening
