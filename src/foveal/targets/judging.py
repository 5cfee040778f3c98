"""How well a network answers: what it says of pictures, held against what their labels say.

Axes: n picture, k output of the network.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from foveal.arrays import Array, Doubles, Rows, Truths
from foveal.errors import UsageError
from foveal.evaluation.intervals import Estimate
from foveal.targets.answering import Answering
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.evaluation.baselines import Baseline, Fold
    from foveal.evaluation.reliability import Answered


class Judging(Answering):
    """What evaluation asks of a target that labels say.

    What has a body here need not be written by a kind.
    """

    chosen_by: ClassVar[tuple[str, float]] = ("accuracy", 1.0)
    """Figure of held-out pictures by which trainings are held against one another, and 1 where more
    of it is better, else -1."""
    judged_columns: ClassVar[tuple[str, ...]]
    """Columns of `judged_rows`, the truth first."""

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

    def truths(self, values_n: Array) -> list[Any]:
        """Return what is true of each picture, as `judged_rows` begins with it."""
        found: list[Any] = values_n.tolist()
        return found

    def verdict(self, predicted_k: Doubles, value: Any) -> tuple[str, ...]:
        """Say in short lines what a picture is, and what was said of it."""
        said, sure, _ = self.written(predicted_k)
        return self.written_value(value), *[one for one in (said, sure) if one]

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
    def estimates(self, metrics: Any) -> dict[str, Estimate]:
        """Return the figures of `metrics` that a model is told by, by name."""

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

    def baselines(self, folds: Iterable[Fold], worth: float) -> list[Baseline]:
        """Fit and judge what pixels alone reach, in each fold; see `cross_fit_baselines`.

        Parameters
        ----------
        worth : float
            Independent pictures that each judged one is worth, as some belong together; at most 1.
        """
        return []

    def plainest_baselines(self, counts_k: Rows, values_n: Array, worth: float) -> list[Baseline]:
        """Judge what needs no picture, only the numbers of training pictures."""
        return []

    def unknown(self, labels: Sequence[Any]) -> list[str]:
        """Say of labels that a model does not know which they are."""
        said = f"{counted(len(labels), 'picture')} left out: labelled by another kind of label"
        return [said] * bool(labels)

    @abstractmethod
    def score(self, y: Any, labels: Array, sample_weight: Any) -> float:
        """Compute scikit-learn's score of answers, as `labels` gives them, against labels."""
