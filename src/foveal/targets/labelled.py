"""What every kind of target answers that labels say: taught, asked and judged without its kind.

Axes: n picture, k output of the network, v view of a picture, d feature.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import nn

from foveal.arrays import Array, Doubles, Rows, Truths
from foveal.errors import UsageError
from foveal.evaluation.intervals import Estimate
from foveal.nets.plan import Plan
from foveal.nets.spec import Activation, Dense
from foveal.targets.head import Examples, FittedHead
from foveal.targets.target import Target
from foveal.training.steps import LossOf, Scores
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.evaluation.baselines import Baseline, Fold
    from foveal.evaluation.reliability import Answered


def check_plain_sums(plan: Plan, applied: str) -> None:
    """Check that a network ends with plain sums, of which the loss makes probabilities.

    Parameters
    ----------
    plan : Plan
        The network.
    applied : str
        The function that the loss and predict_proba apply to them.

    Raises
    ------
    UsageError
        Where the last layer does so already.
    """
    last = plan.layers[-1].layer
    if not isinstance(last, Dense | Activation):
        return
    function = last.activation if isinstance(last, Dense) else last.function
    if function in ("softmax", "sigmoid"):
        raise UsageError(
            f"layer {plan.layers[-1].number}",
            needed=f"plain sums at the end: the loss and predict_proba apply the {applied}",
            came=function,
            remedy=f"end the network with 'dense {plan.output[0]}'",
        )


class Labelled(Target):
    """A target that labels say: what a network answers is held against them.

    Outputs (n, k) are what the network ends with; `predicted` makes predictions (n, k) of them,
    such as probabilities. What has a body here need not be written by a kind.
    """

    head: ClassVar[str | None] = None
    """What `fit_head` is called, where there is one; see `foveal.learning.options.FITTED`."""
    headings: ClassVar[tuple[str, str]]
    """What `written` gives: the answer, and how sure it is."""
    judged_columns: ClassVar[tuple[str, ...]]
    """Columns of `judged_rows`, the truth first."""
    noun: ClassVar[tuple[str, str]] = ("class", "classes")
    """What a name is called, and several."""
    chosen_by: ClassVar[tuple[str, float]] = ("accuracy", 1.0)
    """Figure of held-out pictures by which trainings are held against one another, and 1 where more
    of it is better, else -1."""
    exclusive: ClassVar[bool] = True
    """Whether one name excludes all others, as a class does."""

    @abstractmethod
    def read(self, y: Any) -> Array:
        """Read the labels that a person gave; see `Target`."""

    def remarks(self, values_n: Array) -> tuple[str, ...]:
        """Say what is unusual of values; see `Target`."""
        return ()

    def scaled(self, values_n: Array) -> Array:
        """Return values as the loss takes them; see `Target`."""
        return values_n

    # How it is taught -----------------------------------------------------------------------

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

    def calibrated(self, outputs_nk: Array, values_n: Array) -> Self:
        """Return the target with what pictures that did not train decide of its answers."""
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

    # What it says of pictures ---------------------------------------------------------------

    @abstractmethod
    def predicted(self, outputs_nk: Array, temperature: float) -> Doubles:
        """Make predictions of outputs, (n, k); NaN for NaN."""

    @abstractmethod
    def predictor(self, temperature: float) -> nn.Module:
        """Make a module that computes `predicted` in single precision; see `Target`."""

    @abstractmethod
    def labels(self, predicted_nk: Doubles) -> Array:
        """Return the answer for each picture, (n,) or (n, ...); None or NaN where there is none."""

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

    def verdict(self, predicted_k: Doubles, value: Any) -> tuple[str, ...]:
        """Say in short lines what a picture is, and what was said of it."""
        said, sure, _ = self.written(predicted_k)
        return self.written_value(value), *[one for one in (said, sure) if one]

    # How it is judged -----------------------------------------------------------------------

    def condensed(self, predicted_nk: Doubles, values_n: Array) -> Doubles:
        """Return what judging keeps of predictions, (n, j): all of them, or of many what it needs.

        Whatever here takes predictions beside what is true takes these too, and so does `sureness`.
        """
        return predicted_nk

    def called(self, predicted_nk: Doubles) -> Rows:
        """Return the number of the name that each picture was called, (n,).

        Raises
        ------
        UsageError
            Where a picture is not called one of several names.
        """
        raise UsageError(
            "the model",
            needed="a classifier, which calls each picture one of its classes",
            came=f"a model for {self.task}",
            remedy="use predict",
        )

    def right(self, predicted_nk: Array, values_n: Array) -> Truths | None:
        """Return whether each picture is answered right; None where nothing is right or wrong.

        Of predictions, or of what `condensed` left of them.
        """
        return None

    def written_value(self, value: Any) -> str:
        """Write what is true of one picture, as `answers` gives it."""
        return str(value)

    @abstractmethod
    def mean_loss(self, outputs_nk: Array, values_n: Array) -> float:
        """Compute the mean loss of outputs, by the measure of `judge`."""

    @abstractmethod
    def losses(self, predicted_nk: Doubles, values_n: Array) -> Doubles:
        """Compute the loss of each picture, (n,): the larger, the worse it is answered."""

    @abstractmethod
    def judged_rows(self, predicted_nk: Doubles, values_n: Array) -> Iterator[list[Any]]:
        """Yield for each picture the plain values that stand under `judged_columns`."""

    @abstractmethod
    def metrics(self, predicted_nk: Doubles, values_n: Array, worth: float) -> Any:
        """Judge predictions: a dataclass of figures, with intervals.

        Parameters
        ----------
        worth : float
            Independent pictures that each is worth, at most 1; it widens the intervals.
        """

    @abstractmethod
    def figures(
        self, metrics: Any, raw_error: float | None, temperature: float
    ) -> list[tuple[str, str]]:
        """Write the figures of `metrics`; `raw_error` as of `calibration_error` at 1."""

    def measured(self, metrics: Any) -> tuple[str, Estimate] | None:
        """Return what baselines are judged by too, and how it stands; None without baselines."""
        return None

    def unjudged(self, metrics: Any) -> tuple[str, ...]:
        """Return the names of which no picture was judged."""
        return ()

    def details(self, metrics: Any) -> list[str]:
        """Write more than `figures`, as lines of text."""
        return []

    def tables(self, metrics: Any) -> list[str]:
        """Write more than `figures`, as tables of HTML."""
        return []

    def calibration_error(self, predicted_nk: Doubles, values_n: Array) -> float | None:
        """Compute how far being sure is from being right; None where nothing says how sure."""
        return None

    def by_answered(
        self, predicted_nk: Doubles, values_n: Array, worth: float
    ) -> tuple[Answered, ...]:
        """Measure accuracy against the share answered; none where nothing says how sure it is.

        `worth` as of `metrics`.
        """
        return ()

    def baselines(self, folds: Iterable[Fold]) -> list[Baseline]:
        """Fit and judge what pixels alone reach, in each fold; see `cross_fit_baselines`."""
        return []

    def plainest_baselines(self, counts_k: Rows, values_n: Array) -> list[Baseline]:
        """Judge what needs no picture, only the numbers of training pictures."""
        return []

    def unknown(self, labels: Sequence[Any]) -> list[str]:
        """Say of labels that a model does not know which they are."""
        said = f"{counted(len(labels), 'picture')} left out: labelled by another kind of label"
        return [said] * bool(labels)

    @abstractmethod
    def score(self, y: Any, labels: Array, sample_weight: Any) -> float:
        """Compute scikit-learn's score of answers, as `labels` gives them, against labels."""
