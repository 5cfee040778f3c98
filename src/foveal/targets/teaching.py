"""How a network is taught what labels say: loss, judge, fitted head, what held-out pictures decide.

Axes: n picture, k output of the network.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch

from foveal.arrays import Array
from foveal.errors import UsageError
from foveal.evaluation.intervals import Estimate
from foveal.nets.plan import Plan
from foveal.targets.head import Examples, FittedHead
from foveal.targets.target import Target
from foveal.training.steps import LossOf, Scores


class Teaching(Target):
    """What training asks of a target that labels say.

    Outputs (n, k) are what the network ends with. What has a body here need not be written by a
    kind.
    """

    head: ClassVar[str | None] = None
    """What `fit_head` is called, where there is one; `FITTED` among options of a transfer."""

    @abstractmethod
    def read(self, y: Any) -> Array:
        """Read the labels that a person gave; see `Target`."""

    def remarks(self, values_n: Array) -> tuple[str, ...]:
        """Say what is unusual of values; see `Target`."""
        return ()

    def scaled(self, values_n: Array) -> Array:
        """Return values as the loss takes them; see `Target`."""
        return values_n

    @classmethod
    @abstractmethod
    def asked(cls, **options: Any) -> Self:
        """Return the target before any label was read, as the options of a learner have it.

        Parameters
        ----------
        **options
            Those of the learner that are a `foveal.learning.options.Counting`.
        """

    @property
    def label_smoothing(self) -> float:
        """Share of each label that the loss spreads out."""
        return 0.0

    @abstractmethod
    def loss(self, values_n: Array, device: str) -> LossOf:
        """Make the loss to minimise.

        Parameters
        ----------
        values_n : array, (n,)
            Values of all training pictures: they decide what each weighs.
        device : str
            Where it is computed.
        """

    @abstractmethod
    def judge(self, outputs_nk: torch.Tensor, values_n: Array) -> Scores:
        """Score what a network said of pictures: by this its best weights are chosen."""

    def fit_head(
        self, examples: Examples, taught_n: Array, C: float | None, *, judged: bool = True
    ) -> FittedHead:
        """Fit a last dense layer on features at once, without gradient descent.

        Parameters
        ----------
        examples : Examples
            Features of pictures with their values.
        taught_n : array, (n,)
            Values of all training pictures: they decide what each weighs.
        C : float, optional
            Inverse of the penalty, where it is not to be chosen.
        judged : bool
            Whether to judge it in folds; without, a given C is fitted at once.

        Raises
        ------
        UsageError
            Where no such head suits this kind.
        """
        raise UsageError(
            "head",
            needed=f"layers to be trained, such as 'dense': {self.task} has no head fitted at once",
            came="none",
            remedy="name the layers of the head",
        )

    def check_end(self, plan: Plan) -> None:
        """Check how a network ends against what the loss takes.

        Raises
        ------
        UsageError
            Where the loss would do again what the last layer does.
        """
        return

    def temperature(self, outputs_nk: Array, values_n: Array) -> float:
        """Fit what outputs are divided by, on pictures that did not train; 1 for nothing."""
        return 1.0

    def calibrated(self, outputs_nk: Array, values_n: Array, taught_n: Array) -> Self:
        """Return the target with what pictures that did not train decide of its answers.

        Parameters
        ----------
        outputs_nk, values_n : array
            What was said of pictures that did not train, and what is true of them.
        taught_n : array
            What is true of those that did.
        """
        return self

    def of_its_own(self) -> tuple[str, ...]:
        """Say what figures on the pictures that calibrated it do not show."""
        return ()

    def restated(self, outputs_nk: Array, said_by: Self) -> Array:
        """Return outputs of another training in the units of this target."""
        return outputs_nk

    def held_out_figures(
        self, outputs_nk: Array, values_n: Array, worth: float
    ) -> dict[str, Estimate]:
        """Compute what a model file keeps of how held-out pictures are answered, by name.

        None of it where the share of right answers says it, which is kept then (`right`).

        Parameters
        ----------
        worth : float
            Independent pictures that each is worth, at most 1.
        """
        return {}

    def doubts(
        self,
        figures: Mapping[str, Estimate],
        counts_k: Sequence[int],
        remedies: Sequence[str],
    ) -> tuple[str, ...]:
        """Say why little may have been learned, of held-out figures and training pictures.

        Parameters
        ----------
        figures : mapping
            "accuracy" where answers are right or wrong, else `held_out_figures`; none where no
            picture was held out.
        counts_k : sequence of int
            Training pictures of each name.
        remedies : sequence of str
            What the learner takes that may help, by its parameters.
        """
        return ()

    def head_doubts(
        self,
        figures: Mapping[str, Estimate],
        values_n: Array,
        counts_k: Sequence[int],
        remedies: Sequence[str],
        *,
        fixed: bool,
    ) -> tuple[str, ...]:
        """Say the same of a fitted head, of held-out values too; `fixed` are its features."""
        return self.doubts(figures, counts_k, remedies)
