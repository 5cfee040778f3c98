"""Batches: rows of a store as normalised tensors, in an order that depends on seeds alone.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch

from foveal.arrays import Array, Rows
from foveal.pictures.augment import Augmentation, gather_varied, varied
from foveal.pictures.prepared import Prepared, RowsOfArrays
from foveal.pictures.scaling import Scaling
from foveal.pictures.tensors import selections
from foveal.randomness import generator


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pictures and what is to be said of them, ready for a network."""

    images_nchw: torch.Tensor
    """Normalised pictures, channels last in memory; or features of pictures."""
    values_n: torch.Tensor
    """What is to be said of each, such as the number of its class, int64."""
    weights_n: torch.Tensor | None = None
    """What each weighs in the loss, 1 on average; None for the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBatches:
    """The training pictures, shuffled and varied anew every epoch.

    Every picture comes once an epoch; the batches of an epoch differ in size by one at most.
    """

    images: RowsOfArrays
    """(n, h, w, c), memory-mapped or in memory."""
    values: Array
    """What is to be said of each row, such as the number of its class."""
    rows: Rows
    """Rows that train."""
    scaling: Scaling
    """Of their values."""
    batch_size: int
    """Pictures in a batch, at most."""
    augmentation: Augmentation
    """Variations."""
    seed: int
    """Seed of shuffling and variations."""
    device: str
    """Where the tensors go."""
    weights: Array | None = None
    """What each row weighs in the loss; None for the same."""

    def __len__(self) -> int:
        """Batches an epoch."""
        return batches_in(self.rows, self.batch_size)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch, from batch `first` on: a pure function of the seed."""
        parts = shuffled(self.rows, self.batch_size, self.seed, epoch)[first:]
        steps = range(epoch * len(self) + first, (epoch + 1) * len(self))
        for rows, images, step in zip(
            parts, selections(self.images, parts, self.device), steps, strict=True
        ):
            yield self._batch(rows, images, step)

    def _batch(self, rows: Rows, images_nhwc: torch.Tensor, step: int) -> Batch:
        draws = generator(self.seed, "augment", step)
        raw = gather_varied(images_nhwc, self.augmentation, draws)
        images = varied(normalised(raw, self.scaling), self.augmentation, draws)
        values = torch.from_numpy(self.values[rows]).to(self.device)
        return Batch(images, values, weights_of(self.weights, rows, self.device))


class RowsOfFeatures(Protocol):
    """Features by row, in memory or on disk."""

    def __getitem__(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the features of some rows, (rows, ...)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureBatches:
    """What a frozen network made of the training pictures, shuffled anew every epoch.

    Of a picture with several views each epoch takes the next.
    """

    views: Sequence[RowsOfArrays]
    """The features of the pictures as they are, and of each variation of them."""
    values: Array
    """What is to be said of each row, such as the number of its class."""
    rows: Rows
    """Rows that train."""
    batch_size: int
    """Pictures in a batch, at most."""
    seed: int
    """Seed of shuffling."""
    device: str
    """Where the tensors go."""
    weights: Array | None = None
    """What each row weighs in the loss; None for the same."""

    def __len__(self) -> int:
        """Batches an epoch."""
        return batches_in(self.rows, self.batch_size)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch, from batch `first` on: a pure function of the seed."""
        view = self.views[epoch % len(self.views)]
        for rows in shuffled(self.rows, self.batch_size, self.seed, epoch)[first:]:
            values = torch.from_numpy(self.values[rows]).to(self.device)
            weights = weights_of(self.weights, rows, self.device)
            yield Batch(feature_tensor(view[rows], self.device), values, weights)


def training_batches(
    prepared: Prepared,
    by: Scaling | None,
    *,
    values: Array,
    rows: Rows,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    device: str,
    weights: Array | None = None,
) -> TrainingBatches | FeatureBatches:
    """Return the training rows of prepared pictures, by epoch.

    Parameters
    ----------
    prepared : Prepared
        The pictures.
    by : Scaling, optional
        How their values become a network's input; without it they are that already, and neither
        scaled nor varied.
    """
    if by is None:
        return FeatureBatches(
            views=prepared.views,
            values=values,
            rows=rows,
            batch_size=batch_size,
            seed=seed,
            device=device,
            weights=weights,
        )
    return TrainingBatches(
        images=prepared.views[0],
        values=values,
        rows=rows,
        scaling=by,
        batch_size=batch_size,
        augmentation=augmentation,
        seed=seed,
        device=device,
        weights=weights,
    )


def inputs(
    prepared: Prepared, rows: Rows, by: Scaling | None, *, batch_size: int, device: str
) -> Iterator[torch.Tensor]:
    """Return rows of prepared pictures in order, unvaried; `by` is as in `training_batches`."""
    view = prepared.views[0]
    if by is not None:
        yield from ordered(view, rows, by, batch_size=batch_size, device=device)
        return
    for start in range(0, len(rows), batch_size):
        yield feature_tensor(view[rows[start : start + batch_size]], device)


def weights_of(weights: Array | None, rows: Rows, device: str) -> torch.Tensor | None:
    """Return what rows weigh in the loss, float32; None for the same."""
    if weights is None:
        return None
    return torch.from_numpy(weights[rows].astype(np.float32)).to(device)


def feature_tensor(features: np.ndarray[Any, np.dtype[Any]], device: str) -> torch.Tensor:
    """Make a float32 tensor of features; maps (n, c, h, w) lie channels last in memory."""
    found = torch.from_numpy(np.array(features, dtype=np.float32)).to(device)
    return found.contiguous(memory_format=torch.channels_last) if found.ndim == 4 else found


def batches_in(rows: Rows, batch_size: int) -> int:
    """Count the batches of an epoch."""
    return max(1, -(-len(rows) // batch_size))


def shuffled(rows: Rows, batch_size: int, seed: int, epoch: int) -> list[Rows]:
    """Shuffle rows for an epoch and divide them into batches that differ by one at most."""
    order = generator(seed, "shuffle", epoch).permutation(rows)
    return np.array_split(order, batches_in(rows, batch_size))


def ordered(
    images: RowsOfArrays, rows: Rows, by: Scaling, *, batch_size: int, device: str
) -> Iterator[torch.Tensor]:
    """Return rows in order, unvaried, as normalised tensors (n, c, h, w)."""
    parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    for found in selections(images, parts, device):
        yield normalised(found, by)


def normalised(images_nhwc: torch.Tensor, by: Scaling) -> torch.Tensor:
    """Bring stored values to zero mean and unit deviation: (n, h, w, c) to (n, c, h, w).

    The answer is float32 and lies channels last in memory, without a copy.
    """
    if images_nhwc.dtype == torch.uint8:
        floats = images_nhwc.to(torch.float32)
        scale, shift = _affine(by, torch.float32, str(floats.device))
        floats.mul_(scale).add_(shift)
    else:  # far from zero single precision would round before the shift
        scale, shift = _affine(by, torch.float64, "cpu")
        wide = images_nhwc.to("cpu", torch.float64).mul(scale).add_(shift)
        floats = wide.to(images_nhwc.device, torch.float32)
    return floats.permute(0, 3, 1, 2)


@lru_cache(maxsize=16)
def _affine(by: Scaling, dtype: torch.dtype, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return factor and summand of each channel; for every batch the same tensors."""
    with torch.inference_mode(False):  # whoever comes first, they serve training too
        wide = (torch.tensor(one, dtype=torch.float64) for one in by.affine)
        scale, shift = (one.to(device, dtype) for one in wide)
    return scale, shift


def nhwc(maps_nchw: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return maps (n, c, h, w) as an array with channels last."""
    last = maps_nchw.permute(0, 2, 3, 1)
    found: np.ndarray[Any, np.dtype[np.float32]] = last.float().cpu().numpy()
    return found
