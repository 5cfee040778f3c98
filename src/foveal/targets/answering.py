"""What a network says of pictures, where labels say what is true: of its outputs, for a person.

Axes: n picture, k output of the network.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import nn

from foveal.arrays import Array, Doubles, Rows
from foveal.errors import UsageError
from foveal.targets.target import Target


class Answering(Target):
    """What predicting asks of a target that labels say.

    Outputs (n, k) are what the network ends with; `predicted` makes predictions (n, k) of them,
    such as probabilities, and all else here takes these. What has a body here need not be written
    by a kind.
    """

    headings: ClassVar[tuple[str, str]]
    """What `written` gives: the answer, and how sure it is."""
    noun: ClassVar[tuple[str, str]] = ("class", "classes")
    """What a name is called, and several."""
    exclusive: ClassVar[bool] = True
    """Whether one name excludes all others, as a class does."""

    def titles(self, labelled_by: Sequence[str]) -> tuple[str, str]:
        """Return `headings` for a person, by the columns that labels were read of, if any."""
        return self.headings

    @abstractmethod
    def predicted(self, outputs_nk: Array, temperature: float) -> Doubles:
        """Make predictions of outputs, (n, k); NaN for NaN."""

    @abstractmethod
    def predictor(self, temperature: float) -> nn.Module:
        """Make a module that computes `predicted` in single precision; see `Target`."""

    @abstractmethod
    def labels(self, predicted_nk: Doubles) -> Array:
        """Return the answer for each picture, (n,) or (n, ...); None or NaN where there is none."""

    def said(self, predicted_nk: Doubles) -> Rows:
        """Count the pictures that are said to be of each name, (k,); nothing without names."""
        return np.empty(0, dtype=np.intp)

    def probabilities(self, predicted_nk: Doubles) -> Doubles:
        """Return the probability of each name, (n, k).

        Raises
        ------
        UsageError
            Where predictions are none.
        """
        raise UsageError(
            "the model",
            needed="a classifier, which gives probabilities",
            came=f"a model for {self.task}",
            remedy="use predict",
        )

    def sureness(self, predicted_nk: Doubles) -> Doubles:
        """Return how sure each answer is, (n,), the larger the surer; NaN for NaN.

        Raises
        ------
        UsageError
            Where predictions do not say.
        """
        raise UsageError(
            "`reject` and `least_probability`",
            needed="a classifier, which says how sure it is of an answer",
            came=f"a model for {self.task}",
            remedy="leave them out",
        )

    @abstractmethod
    def columns(self) -> tuple[list[str], list[str]]:
        """Name the columns of `cells`: those that a table begins with, and those it ends with."""

    @abstractmethod
    def cells(self, predicted_nk: Doubles) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield for each picture the plain values that stand under `columns`."""

    @abstractmethod
    def written(self, predicted_k: Doubles, most: int = 1) -> tuple[str, str, str]:
        """Write the answer for a picture, how sure it is, and up to `most` - 1 other answers.

        Empty for what a kind does not tell.
        """
