"""What follows a pass of a network over pictures: its last layer, and how unfamiliar they are.

Axes: n picture, k output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

from foveal.arrays import Array, Doubles, Floats, Rows
from foveal.device import Device
from foveal.model.appearance import appearance
from foveal.model.familiar import Familiar, View
from foveal.nets.build import part
from foveal.nets.plan import Plan
from foveal.pictures.batches import RowsOfFeatures, feature_tensor
from foveal.pictures.scaling import Scaling
from foveal.training.steps import logits_of

BATCH = 128
"""Features that go through the last layers at once."""
Appearance = tuple[Floats, Floats]
"""What is seen of pictures before any network: their pixels made small, and statistics."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AfterPass:
    """What makes answers of what a pass made of pictures."""

    network: nn.Sequential
    plan: Plan
    device: Device
    last: nn.Sequential
    """The last layer of the network."""
    familiar: Familiar | None

    @property
    def by_features(self) -> bool:
        """Whether a pass ends before the last layer: what that sees tells unfamiliar pictures."""
        return self.familiar is not None and self.familiar.sees_features

    def look(self, images: Array, by: Scaling) -> Appearance | None:
        """Look at prepared pictures, where that tells unfamiliar ones."""
        if self.familiar is None or not self.familiar.sees_pixels:
            return None
        return appearance(images, by)

    def answers(self, values: Doubles, seen: Appearance | None) -> tuple[Doubles, Doubles]:
        """Finish a pass: outputs (n, k), and unfamiliarity (n,), NaN where nothing tells it.

        Parameters
        ----------
        values : array of float, (n, ...)
            What the pass made: features where it ended before the last layer.
        seen : tuple of arrays, optional
            What `look` saw of the same pictures.
        """
        nothing = np.full(len(values), np.nan)
        if self.familiar is None:
            return values, nothing
        outputs_nk = self._last(values) if self.by_features else values
        if self.familiar.sees_pixels and seen is None:
            return outputs_nk, nothing
        views: dict[View, Floats] = {"features": values.astype(np.float32)}
        if seen is not None:
            views |= {"pixels": seen[0], "statistics": seen[1]}
        unfamiliarity = self.familiar.unfamiliarity(views)
        unfamiliarity[np.isnan(values.reshape(len(values), -1)).any(axis=1)] = np.nan
        return outputs_nk, unfamiliarity

    def through(self, features: RowsOfFeatures, rows: Rows, end: int) -> Doubles:
        """Run what the fixed layers made of pictures through the layers up to one."""
        rest = part(self.network, self.plan, self.plan.fixed, end)
        starts = range(0, len(rows), BATCH)
        chunks = (features[rows[start : start + BATCH]] for start in starts)
        with self.device.at_work():
            tensors = (feature_tensor(chunk, self.device.name) for chunk in chunks)
            found: Doubles = logits_of(rest, tensors).double().numpy()
        return found

    def _last(self, features: Doubles) -> Doubles:
        """Run features through the last layer."""
        starts = range(0, len(features), BATCH)
        with self.device.at_work():
            tensors = (feature_tensor(features[at : at + BATCH], self.device.name) for at in starts)
            outputs: Doubles = logits_of(self.last, tensors).double().numpy()
        return outputs
