"""What held-out pictures say of a network.

Axes: m picture that was held out, k output of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from foveal.arrays import Array, Rows, Truths
from foveal.evaluation.intervals import Estimate, cross_validated_number, wilson
from foveal.learning.data import TrainingData
from foveal.model.held_out import HeldOutLogits
from foveal.targets.labelled import Labelled
from foveal.vocabulary import CROSSED, Judge


@dataclass(frozen=True, eq=False)
class Held:
    """Outputs of held-out pictures, and how they fare as the target judges them."""

    data: TrainingData[Labelled]
    outputs_mk: np.ndarray[Any, Any]
    rows: Rows
    """Which pictures these are."""
    judged_by: Judge

    @property
    def values_m(self) -> Array:
        """What is true of each."""
        values: Array = self.data.values[self.rows]
        return values

    @cached_property
    def right_m(self) -> Truths | None:
        """Whether each picture is answered right; None where nothing is right or wrong."""
        predicted_mk = self.target.predicted(self.outputs_mk, self.temperature)
        return self.target.right(predicted_mk, self.values_m)

    @property
    def right(self) -> int | None:
        """Pictures answered right; None where nothing was held out, or where `figures` tell it."""
        right_m = self.right_m
        return None if right_m is None or not len(self.rows) or self.figures else int(right_m.sum())

    @property
    def share_right(self) -> float:
        """Share of pictures answered right; NaN where there are none."""
        return float("nan") if self.right is None else self.right / len(self.rows)

    @property
    def accuracy(self) -> Estimate | None:
        """Share of right answers with its interval; None where there are none."""
        if self.right is None:
            return None
        count = len(self.rows)
        return wilson(self.right, count, worth=(self.worth or count) / count)

    @property
    def worth(self) -> float | None:
        """Independent pictures that they are worth; None for all of them."""
        right_m = self.right_m
        worth = self.data.worth(right_m, self.rows)
        if self.judged_by not in CROSSED or right_m is None or not len(self.rows):
            return worth
        return cross_validated_number(float(right_m.mean()), worth or float(len(self.rows)))

    @property
    def loss(self) -> float | None:
        """Mean loss; None where nothing was held out."""
        if not len(self.rows):
            return None
        return self.data.target.mean_loss(self.outputs_mk, self.values_m)

    @property
    def calibrated_loss(self) -> float | None:
        """Mean loss of what is said once it is calibrated; None where nothing was held out.

        None too where it is not finite, which a model file could not keep.
        """
        if not len(self.rows):
            return None
        found = self.data.target.mean_loss(self.outputs_mk / self.temperature, self.values_m)
        return found if np.isfinite(found) else None

    @cached_property
    def temperature(self) -> float:
        """What the outputs are best divided by."""
        return self.data.target.temperature(self.outputs_mk, self.values_m)

    @cached_property
    def target(self) -> Labelled:
        """The target, with what these pictures decide of its answers."""
        return self.data.target.calibrated(self.outputs_mk, self.values_m, self.data.taught)

    @cached_property
    def figures(self) -> dict[str, Estimate]:
        """How they are answered, by name, where a share of right answers does not say it."""
        if not len(self.rows):
            return {}
        worth = (self.worth or len(self.rows)) / len(self.rows)
        return self.target.held_out_figures(self.outputs_mk, self.values_m, worth)

    @property
    def kept(self) -> HeldOutLogits | None:
        """What a model keeps of it."""
        return HeldOutLogits.of(self.data.store.hashes[self.rows], self.outputs_mk)

    def doubts(self, remedies: Sequence[str], *, fixed: bool) -> tuple[str, ...]:
        """Say why the head that it judged may have learned little; `fixed` are its features.

        Parameters
        ----------
        remedies : sequence of str
            What else the learner takes that may help.
        """
        counts = self.data.class_counts.tolist()
        figures = self.figures if self.accuracy is None else {"accuracy": self.accuracy}
        return self.data.target.head_doubts(figures, self.values_m, counts, remedies, fixed=fixed)
