"""What every kind of target answers: the places that read, train and judge ask it, not its kind.

A further kind is one module beside this one, named in `foveal.targets.kinds`; what labels say is
a `foveal.targets.labelled.Labelled`.

Axes: n picture, k output of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from torch import nn

from foveal.arrays import Array, Hashes, Rows, Truths
from foveal.pictures.collection import Pictures
from foveal.vocabulary import Task


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of pictures, in the numbers that a network is taught by."""

    values_n: Array
    """The value of each row, (n,) or (n, ...); without meaning where there is a reason."""
    reasons: Sequence[str]
    """Why a row has no value; empty where it has one."""

    @property
    def known(self) -> Truths:
        """True for each row that has a value."""
        return np.array([not reason for reason in self.reasons], dtype=bool)


class Target(Protocol):
    """What a network is taught to say of a picture."""

    task: ClassVar[Task]
    """What the card of a model calls it."""

    @property
    def names(self) -> Array:
        """What the outputs of the network are called, in their order; none where they are not."""
        ...

    @property
    def outputs(self) -> int | None:
        """Numbers that the network ends with; None where its plan alone says so."""
        ...

    @property
    def kept(self) -> Mapping[str, float]:
        """Further numbers of it that a model file keeps, by name."""
        ...

    @classmethod
    def restored(cls, names: Sequence[Any], kept: Mapping[str, float]) -> Self:
        """Return the target of a model file, of its `names` and what it `kept`.

        Raises
        ------
        ValueError
            Where these are none of its kind.
        """
        ...

    def predictor(self, temperature: float) -> nn.Module:
        """Make the module that comes after the network in a file that stands alone.

        It takes outputs (n, ...) and gives what is said of pictures, float32: of labels what
        `foveal.targets.labelled.Labelled.predicted` computes, (n, k).

        Parameters
        ----------
        temperature : float
            That of the model.
        """
        ...

    def read(self, y: Any) -> Array | None:
        """Read the labels that a person gave, None for each that is missing.

        Returns
        -------
        array, (n,) or (n, ...), or None
            None where labels are not looked at.

        Raises
        ------
        UsageError, DataError
            For what is no label of this kind.
        """
        ...

    def check_labelled(self, pictures: Pictures) -> None:
        """Check that pictures say what is to be learned of them.

        Raises
        ------
        DataError
            Where they have no labels.
        """
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

    def remarks(self, values_n: Array) -> tuple[str, ...]:
        """Say what is unusual of the values of training pictures, and what is done about it."""
        ...

    def scaled(self, values_n: Array) -> Array:
        """Return values as the loss takes them, each a row; without meaning where unknown."""
        ...

    def strata(self, values_n: Array) -> Rows:
        """Return the stratum of each row, of which every part of a split gets its share."""
        ...

    def named(self, values_n: Array, index: int) -> Truths:
        """Return which rows are of the name with this number, (n,)."""
        ...

    def counts(self, values_n: Array) -> Rows:
        """Count the pictures of each name; all of them where there are no names."""
        ...

    def contradicted(self, hashes_n: Hashes, values_n: Array, rows: Rows) -> dict[int, str]:
        """Find rows whose picture is labelled otherwise elsewhere, with why it is left out."""
        ...

    def check_enough(self, values_n: Array, hashes_n: Hashes, left_out: Callable[[], str]) -> None:
        """Check that training pictures are enough to learn from.

        Parameters
        ----------
        values_n, hashes_n : array, (n,)
            Values and content hashes of the training pictures.
        left_out : callable
            Says what became of the others, for the error; may be empty.

        Raises
        ------
        DataError
            Where they are not.
        """
        ...
