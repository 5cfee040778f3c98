"""What usual pictures are like to an autoencoder: the spread of their codes, and their errors.

A picture unlike those that taught is reconstructed badly, or its code lies far from theirs. What
is far is told by pictures that did not teach.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from foveal.arrays import Doubles

MEAN, WHITENING = "normal/mean", "normal/whitening"
ERRORS, DISTANCES = "normal/errors", "normal/distances"
SHRINKAGE = 1e-3
"""Share of the mean variance added to each, so that codes that never vary have a distance too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalStats:
    """What usual pictures are like."""

    mean: Doubles
    """Mean code of the training pictures, (k,)."""
    whitening: Doubles
    """Brings differences from it to unit covariance, (k, k)."""
    errors: Doubles
    """Mean squared errors of held-out pictures, (m,); none where none were held out."""
    distances: Doubles
    """Distances of their codes from the mean, (m,)."""

    def distance(self, codes: Doubles) -> Doubles:
        """Measure how far codes (n, k) lie from the training pictures' mean.

        The distance of Mahalanobis (1936), divided by the square root of k: about 1 for codes
        like those of the training pictures.
        """
        whitened = (codes - self.mean) @ self.whitening
        found: Doubles = np.sqrt((whitened**2).mean(axis=1))
        return found

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return everything as tensors by name."""
        found = {
            MEAN: self.mean,
            WHITENING: self.whitening,
            ERRORS: self.errors,
            DISTANCES: self.distances,
        }
        return {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in found.items()}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, torch.Tensor], size: int) -> NormalStats | None:
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


def spread(codes: Doubles) -> tuple[Doubles, Doubles]:
    """Find mean (k,) and whitening (k, k) of codes (n, k)."""
    mean = codes.mean(axis=0)
    covariance = np.atleast_2d(np.cov(codes, rowvar=False, bias=True))
    floor = max(SHRINKAGE * float(np.trace(covariance)) / len(mean), 1e-12)
    values, vectors = np.linalg.eigh(covariance + floor * np.eye(len(mean)))
    whitening = vectors / np.sqrt(np.maximum(values, floor))
    return mean, whitening
