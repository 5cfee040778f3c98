"""Batches: rows of a store as normalised tensors, in an order that depends on seeds alone.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foveal.pictures.augment import Augmentation, gather_varied, varied
from foveal.pictures.catalogue import Array
from foveal.pictures.splits import Rows
from foveal.randomness import generator
from foveal.recipe import PictureRecipe


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pictures and their classes, ready for a network."""

    images_nchw: torch.Tensor
    """Normalised, channels last in memory."""
    classes_n: torch.Tensor
    """Class numbers, int64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBatches:
    """The training pictures, shuffled and varied anew every epoch.

    Every picture comes once an epoch; the batches of an epoch differ in size by one at most.
    """

    images: Array
    """(n, h, w, c), memory-mapped or in memory."""
    codes: Rows
    """Class number of each row."""
    rows: Rows
    """Rows that train."""
    recipe: PictureRecipe
    """Scaling."""
    batch_size: int
    """Pictures in a batch, at most."""
    augmentation: Augmentation
    """Variations."""
    seed: int
    """Seed of shuffling and variations."""
    device: str
    """Where the tensors go."""

    def __len__(self) -> int:
        """Batches an epoch."""
        return max(1, -(-len(self.rows) // self.batch_size))

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Give the batches of an epoch, from batch `first` on: a pure function of the seed."""
        order = generator(self.seed, "shuffle", epoch).permutation(self.rows)
        parts = np.array_split(order, len(self))
        for index in range(first, len(parts)):
            yield self._batch(parts[index], epoch * len(self) + index)

    def _batch(self, rows: Rows, step: int) -> Batch:
        draws = generator(self.seed, "augment", step)
        raw = gather_varied(_rows(self.images, rows, self.device), self.augmentation, draws)
        images = varied(normalised(raw, self.recipe), self.augmentation, draws)
        return Batch(images, torch.from_numpy(self.codes[rows]).to(self.device))


def ordered(
    images: Array, rows: Rows, recipe: PictureRecipe, *, batch_size: int, device: str
) -> Iterator[torch.Tensor]:
    """Give rows in order, unvaried, as normalised tensors (n, c, h, w)."""
    for start in range(0, len(rows), batch_size):
        picked = rows[start : start + batch_size]
        yield normalised(_rows(images, picked, device), recipe)


def normalised(images_nhwc: torch.Tensor, recipe: PictureRecipe) -> torch.Tensor:
    """Bring stored values to zero mean and unit deviation: (n, h, w, c) to (n, c, h, w).

    The answer is float32 and lies channels last in memory, without a copy.
    """
    extent = recipe.high - recipe.low
    mean = torch.tensor(recipe.mean, dtype=torch.float64)
    scale = 1.0 / (torch.tensor(recipe.std, dtype=torch.float64) * extent)
    shift = -(recipe.low + mean * extent) * scale
    if images_nhwc.dtype == torch.uint8:
        floats = images_nhwc.to(torch.float32)
        floats.mul_(scale.to(floats)).add_(shift.to(floats))
    else:  # far from zero single precision would round before the shift
        wide = images_nhwc.to("cpu", torch.float64).mul(scale).add_(shift)
        floats = wide.to(images_nhwc.device, torch.float32)
    return floats.permute(0, 3, 1, 2)


def _rows(images: Array, rows: Rows, device: str) -> torch.Tensor:
    return as_tensor(images[rows]).to(device)  # a list of rows copies, memory-mapped or not


def as_tensor(images: Array) -> torch.Tensor:
    """Make a tensor of an array; dtypes that torch does not know become wider ones."""
    native = images.astype(images.dtype.newbyteorder("="), copy=False)
    known = native.astype(_UNKNOWN_TO_TORCH.get(native.dtype, native.dtype), copy=False)
    return torch.from_numpy(np.require(known, requirements=["C", "W"]))


_UNKNOWN_TO_TORCH: dict[Any, Any] = {
    np.dtype(np.uint16): np.int32,
    np.dtype(np.uint32): np.int64,
    np.dtype(np.uint64): np.float64,
    np.dtype(np.longdouble): np.float64,
}
