"""The pictures that excite each kernel most, out of any number that pass by.

What is kept does not grow with the pictures. Axes: n picture, k kernel, p place of the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.inference.session import at_once
from foveal.looking.contrast import content, in_content
from foveal.looking.subject import Subject, no_numbers
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import BatchNorm, Conv
from foveal.nets.tracing import trace
from foveal.pictures.batches import normalised
from foveal.pictures.collection import Pictures
from foveal.pictures.preparing import batches
from foveal.pictures.scaling import scaling
from foveal.pictures.tensors import as_tensor

if TYPE_CHECKING:
    from foveal.pictures.store import Progress

BEST = 9
"""Pictures that are kept for each kernel."""


class Leaders:
    """The best pictures of each kernel so far, and how their answers vary."""

    def __init__(self, kernels: int) -> None:
        self.values = np.full((kernels, BEST), -np.inf)
        self.rows = np.full((kernels, BEST), -1)
        self.places = np.zeros((kernels, BEST), np.int64)
        self.count = 0
        self.mean = np.zeros(kernels)
        self.squares = np.zeros(kernels)

    def add(self, values_nk: Array, places_nk: Array, rows_n: Array) -> None:
        """Add pictures: the peak of each map, where it lies, and which pictures they are."""
        rows = np.broadcast_to(rows_n[:, None], values_nk.shape)
        values = np.where(np.isfinite(values_nk), values_nk, -np.inf)
        kept = [
            np.concatenate([old, new.T], axis=1)
            for old, new in zip(
                (self.values, self.rows, self.places), (values, rows, places_nk), strict=True
            )
        ]
        best = np.argsort(-kept[0], axis=1, kind="stable")[:, :BEST]  # of equal ones the first
        self.values, self.rows, self.places = (np.take_along_axis(one, best, 1) for one in kept)
        self._vary(np.where(np.isfinite(values), values, 0))

    def _vary(self, values_nk: Array) -> None:
        """Add to mean and squared differences, batch by batch (Chan, Golub and LeVeque, 1983)."""
        count, mean = len(values_nk), values_nk.mean(axis=0)
        total = self.count + count
        apart = mean - self.mean
        self.squares += np.square(values_nk - mean).sum(axis=0)
        self.squares += np.square(apart) * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    @property
    def silent(self) -> int:
        """Kernels that answer all pictures alike; 0 where there is only one picture."""
        return int(np.isneginf(self.selectivity()).sum()) if self.count > 1 else 0

    @property
    def known(self) -> Array:
        """Which of the best are there, (k, p)."""
        return np.asarray(np.isfinite(self.values))

    def chosen(self, count: int) -> list[int]:
        """Choose the kernels that tell pictures apart most; those that tell none only as a last."""
        order = np.argsort(-self.selectivity(), kind="stable")
        found: list[int] = order[:count].tolist()
        return found

    def selectivity(self) -> Array:
        """Return how far the best lie above the mean of all, in standard deviations, (k,)."""
        spread = np.sqrt(self.squares / max(self.count, 1))
        known = self.known
        mean = np.where(known, self.values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        alike = spread <= 1e-6 * (1 + np.abs(self.mean))
        above = (mean - self.mean) / np.maximum(spread, 1e-30)
        return np.asarray(np.where(alike, -np.inf, above))


def led(
    subject: Subject,
    pictures: Pictures,
    layers: Sequence[PlannedLayer],
    progress: Progress | None,
) -> tuple[dict[str, Leaders], int]:
    """Go through all pictures once, in bounded memory.

    Returns
    -------
    dict, int
        The leaders of each layer by its number, and how many pictures could not be read.

    Raises
    ------
    DataError
        Where no picture can be read.
    NothingToSee
        Where a layer answers NaN or infinity alone.
    """
    answers = {one.number: _answering(subject.plan, one) for one in layers}
    planned = {one.number: one for one in layers}
    leaders = {one.number: Leaders(one.out_shape[0]) for one in layers}
    recipe = pictures.content.suited(subject.recipe)
    by, size, unreadable = scaling(pictures, recipe), at_once(recipe), 0
    with subject.device.at_work(), torch.inference_mode():
        for start, raw, reasons in batches(pictures, recipe, subject.device.threads, size):
            there = np.flatnonzero([not reason for reason in reasons])
            unreadable += len(reasons) - len(there)
            if len(there):
                inputs = normalised(as_tensor(raw[there]), by)
                on_device = inputs.to(subject.device.name, subject.device.dtype)
                _, passed = trace(subject.network, subject.plan, on_device, set(answers.values()))
                bounds_n4, sides = content(inputs.numpy()), tuple(inputs.shape[2:])
                for number, answer in answers.items():
                    peaks = _peaks(passed[answer].outputs, planned[number], bounds_n4, sides)
                    leaders[number].add(*peaks, start + there)
            if progress is not None:
                progress(start + len(reasons), len(pictures))
    _check_led(leaders, len(pictures), unreadable)
    return leaders, unreadable


def _peaks(
    outputs: torch.Tensor, layer: PlannedLayer, bounds_n4: Array, sides: tuple[int, ...]
) -> tuple[Array, Array]:
    """Return the largest number of each map, (n, k), and its place in the map, flat.

    Places whose middle lies in even bars at the edges of a picture do not count.
    """
    if outputs.ndim == 2:
        return outputs.float().cpu().numpy(), np.zeros(outputs.shape, np.int64)
    inside = torch.from_numpy(in_content(layer, bounds_n4, sides)).to(outputs.device)
    shown = outputs.float().masked_fill(~inside[:, None], -torch.inf)
    best = shown.flatten(2).max(dim=2)
    return best.values.cpu().numpy(), best.indices.cpu().numpy()


def _check_led(leaders: dict[str, Leaders], pictures: int, unreadable: int) -> None:
    if unreadable == pictures:
        raise DataError(
            "pictures",
            needed="at least 1 that can be read",
            came=f"{pictures}, none of which can",
            remedy="name others",
        )
    if not all(one.known.any() for one in leaders.values()):
        raise no_numbers()


def _answering(plan: Plan, layer: PlannedLayer) -> str:
    """Return the number of the layer whose outputs are a kernel's answers."""
    plain = isinstance(layer.layer, Conv) and layer.layer.activation is None
    for siblings in (plan.layers, *(one.inner for one in plan.walk())):
        for one, after in pairwise(siblings):
            if plain and one.number == layer.number and isinstance(after.layer, BatchNorm):
                return after.number
    return layer.number
