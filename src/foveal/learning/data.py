"""Prepared pictures with their values and their split: what a training is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from foveal.arrays import Array, Hashes, Rows, RowsOfPictures
from foveal.evaluation.intervals import effective_number
from foveal.learning.context import FitContext
from foveal.pictures import prepared
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import FeatureBatches, TrainingBatches, inputs, training_batches
from foveal.pictures.ledger import Entry
from foveal.pictures.scaling import Scaling, of_values
from foveal.pictures.splits import Split
from foveal.pictures.units import NO_PAIRS, Pairs
from foveal.recipe import PictureRecipe
from foveal.targets.head import Examples, Vectors
from foveal.targets.target import Target

T_co = TypeVar("T_co", bound=Target, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData(Generic[T_co]):
    """Prepared pictures with what is to be said of them, and their split."""

    store: prepared.Prepared
    """The pictures, or what a frozen network made of them."""
    target: T_co
    """What a network is taught to say of a picture, as the labels have it."""
    values: Array
    """Value of each row, such as the number of its class; see `Answers`."""
    units: Hashes
    """What may not be torn apart, as `foveal.pictures.units.units_of` gives it."""
    split: Split
    recipe: PictureRecipe
    weights: Array | None = None
    """What each row weighs in the loss, 1 on average over training; None for the same."""
    entries: Sequence[Entry] = ()
    """What became of every row."""
    labelled_by: tuple[str, ...] = ()
    """Columns of a table that labels were asked to be of."""
    near: Pairs = field(default_factory=lambda: NO_PAIRS)
    """Near copies among the pictures; see `Pictures.near`."""

    @property
    def images(self) -> RowsOfPictures:
        """The pixels of the pictures, where no network came before."""
        assert self.store.images is not None
        return self.store.images

    @property
    def scaling(self) -> Scaling:
        """How the values of the pictures become the network's input."""
        return of_values(self.recipe)

    @property
    def taught(self) -> Array:
        """Values of the training pictures."""
        found: Array = self.values[self.split.train]
        return found

    @property
    def class_counts(self) -> Rows:
        """Training pictures of each class; of all, where there are no classes."""
        return self.target.counts(self.taught)

    def worth(self, right_n: np.ndarray[Any, Any] | None, rows: Rows) -> float | None:
        """Compute the independent pictures that judged rows are worth; None for all of them.

        `right_n` says whether each is answered right; None where nothing is right or wrong.
        """
        worth = effective_number(right_n, self.units[rows]) if len(rows) else 0.0
        return None if worth == len(rows) else worth

    def examples(
        self,
        rows: Rows,
        features_vnd: Vectors,
        context: FitContext,
    ) -> Examples:
        """Return rows with their features, for a head to be fitted on."""
        return Examples(
            features_vnd=features_vnd,
            values_n=self.values[rows],
            units_n=self.units[rows],
            weights_n=None if self.weights is None else self.weights[rows],
            seed=context.seed,
            threads=context.device.threads,
        )

    def batches(
        self, batch_size: int, augmentation: Augmentation, seed: int, device: str
    ) -> TrainingBatches | FeatureBatches:
        """Return the training pictures, by epoch."""
        return training_batches(
            self.store,
            self.store.scaled_by(self.scaling),
            values=self.target.scaled(self.values),
            rows=self.split.train,
            batch_size=batch_size,
            augmentation=augmentation,
            seed=seed,
            device=device,
            weights=self.weights,
        )

    def inputs(self, rows: Rows, batch_size: int, device: str) -> Iterator[torch.Tensor]:
        """Return rows in order, unvaried, as a network's input."""
        by = self.store.scaled_by(self.scaling)
        return inputs(self.store, rows, by, batch_size=batch_size, device=device)
