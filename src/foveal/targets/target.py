"""What every kind of target answers: the places that read, train and judge ask it, not its kind.

A further kind is one module beside this one, named in `foveal.targets.kinds`.

Axes: n picture, k output of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import torch

from foveal.nets.plan import Plan
from foveal.pictures.collection import Array, Pictures
from foveal.pictures.splits import Rows
from foveal.pictures.store import Hashes
from foveal.training.steps import LossOf, Scores
from foveal.vocabulary import Task


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of pictures, in the numbers that a network is taught by."""

    values_n: Array
    """The value of each row; without meaning where there is a reason."""
    reasons: Sequence[str]
    """Why a row has no value; empty where it has one."""

    @property
    def known(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for each row that has a value."""
        return np.array([not reason for reason in self.reasons], dtype=bool)


class Target(Protocol):
    """What a network is taught to say of a picture."""

    @property
    def task(self) -> Task:
        """What the card of a model calls it."""
        ...

    @property
    def names(self) -> Array:
        """What the outputs of the network are called, in their order; none where they are not."""
        ...

    @property
    def outputs(self) -> int | None:
        """Numbers that the network ends with; None where its plan alone says so."""
        ...

    def learned(self, pictures: Pictures) -> Self:
        """Return the target as the labels of pictures have it.

        Raises
        ------
        UsageError, DataError
            For labels of another kind, and for too few of them.
        """
        ...

    def answers(self, pictures: Pictures) -> Answers:
        """Read the labels of pictures.

        Raises
        ------
        UsageError, DataError
            For labels of another kind, or none at all.
        """
        ...

    def strata(self, values_n: Array) -> Rows:
        """Return the stratum of each row, of which every part of a split gets its share."""
        ...

    def counts(self, values_n: Array) -> Rows:
        """Count the pictures of each name; all of them where there are no names."""
        ...

    def check_enough(self, values_n: Array, hashes_n: Hashes, left_out: str) -> None:
        """Check that training pictures are enough to learn from.

        Parameters
        ----------
        values_n, hashes_n : array, (n,)
            Values and content hashes of the training pictures.
        left_out : str
            What became of the others, for the error; may be empty.

        Raises
        ------
        DataError
            Where they are not.
        """
        ...


class Labelled(Target, Protocol):
    """A target that labels say: what a network answers is held against them."""

    @property
    def label_smoothing(self) -> float:
        """Share of each label that the loss spreads out."""
        ...

    def loss(self, values_n: Array, device: str) -> LossOf:
        """Make the loss to minimise.

        Parameters
        ----------
        values_n : array, (n,)
            Values of all training pictures: they decide what each weighs.
        device : str
            Where it is computed.
        """
        ...

    def judge(self, outputs_nk: torch.Tensor, values_n: Array) -> Scores:
        """Score what a network said of pictures."""
        ...

    def right(self, outputs_nk: Array, values_n: Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return whether each picture is answered right."""
        ...

    def temperature(self, outputs_nk: Array, values_n: Array) -> float:
        """Fit what outputs are divided by, on pictures that did not train; 1 for nothing."""
        ...

    def check_end(self, plan: Plan) -> None:
        """Check how a network ends against what the loss takes.

        Raises
        ------
        UsageError
            Where the loss would do again what the last layer does.
        """
        ...
