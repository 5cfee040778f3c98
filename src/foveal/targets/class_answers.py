"""What a classifier says of pictures, and how that is judged: of logits, one a class.

scikit-learn is imported where it is needed: a model is loaded and asked without it.

Axes: n picture, k class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import log_softmax
from torch import nn

from foveal.arrays import Array, Doubles, Rows, Truths
from foveal.errors import UsageError
from foveal.evaluation.calibration import fit_temperature, probabilities
from foveal.evaluation.called import COLUMNS, Called
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.metrics import Metrics, gap_of_sureness, log_losses, metrics, metrics_of
from foveal.evaluation.reliability import Answered, accuracy_by_answered
from foveal.targets import class_words
from foveal.targets.named import Named
from foveal.targets.predictors import TemperedSoftmax

if TYPE_CHECKING:
    from foveal.evaluation.baselines import Baseline, Fold


MANY = 1_000
"""Classes up to which judging keeps the probability of each."""


class ClassAnswers(Named):
    """Answers of a network that ends with a logit for each of its `names`."""

    applied: ClassVar[str] = "softmax"
    rightness: ClassVar[str] = "accuracy"
    headings: ClassVar[tuple[str, str]] = ("label", "probability")
    judged_columns: ClassVar[tuple[str, ...]] = ("true", "predicted", "probability", "loss")

    def temperature(self, outputs_nk: Array, values_n: Array) -> float:
        """Fit the temperature of the softmax on pictures that did not train."""
        return fit_temperature(outputs_nk, values_n)

    def doubts(
        self,
        figures: Mapping[str, Estimate],
        counts_k: Sequence[int],
        remedies: Sequence[str],
    ) -> tuple[str, ...]:
        """Say where held-out pictures cannot tell the classifier from the largest class."""
        return class_words.chance_notes(figures.get("accuracy"), counts_k, remedies)

    def head_doubts(
        self,
        figures: Mapping[str, Estimate],
        values_n: Array,
        counts_k: Sequence[int],
        remedies: Sequence[str],
        *,
        fixed: bool,
    ) -> tuple[str, ...]:
        """Say so too where classes have few pictures, or fixed features do not tell them apart."""
        notes = class_words.head_notes(figures.get("accuracy"), values_n, counts_k, fixed=fixed)
        return (*notes, *self.doubts(figures, counts_k, remedies))

    def predicted(self, outputs_nk: Array, temperature: float) -> Doubles:
        """Make probabilities of logits: the softmax at a temperature."""
        return probabilities(outputs_nk, temperature)

    def predictor(self, temperature: float) -> nn.Module:
        """Make the softmax at a temperature as a module."""
        return TemperedSoftmax(temperature)

    def labels(self, predicted_nk: Doubles) -> Array:
        """Return the most probable class of each row.

        Of the dtype of the classes; where a row has none, an object array with None there.
        """
        readable = ~np.isnan(predicted_nk[:, 0])
        best = np.where(readable, np.nan_to_num(predicted_nk).argmax(axis=1), 0)
        labels: Array = self.names[best]
        if readable.all():
            return labels
        found = labels.astype(object)
        found[~readable] = None
        return found

    def said(self, predicted_nk: Doubles) -> Rows:
        """Count the pictures whose most probable class each is, (k,)."""
        return np.bincount(self.called(predicted_nk), minlength=len(self.names))

    def probabilities(self, predicted_nk: Doubles) -> Doubles:
        """Return the predictions, which are probabilities."""
        if self._is_condensed(predicted_nk):
            raise UsageError(
                "probabilities",
                needed=f"at most {MANY:,} classes: of more, judging keeps what it needs alone",
                came=f"{len(self.names):,}",
                remedy="use predict_proba",
            )
        return predicted_nk

    def _is_condensed(self, predicted_nk: Array) -> bool:
        """Whether these are not all probabilities, but what `condensed` leaves of many."""
        return len(self.names) > MANY and predicted_nk.shape[1] == COLUMNS

    def _judged(self, predicted_nk: Doubles, values_n: Array) -> Called:
        """Return what judging needs of predictions, or of what `condensed` left of them."""
        if self._is_condensed(predicted_nk):
            return Called.of_table(predicted_nk)
        return Called.of(predicted_nk, values_n)

    def condensed(self, predicted_nk: Doubles, values_n: Array) -> Doubles:
        """Keep of many classes the one called, its probability, and that of the true one."""
        if len(self.names) <= MANY:
            return predicted_nk
        return Called.of(predicted_nk, values_n).table()

    def called(self, predicted_nk: Doubles) -> Rows:
        """Return the class with the greatest probability."""
        if self._is_condensed(predicted_nk):
            return Called.of_table(predicted_nk).classes
        found: Rows = predicted_nk.argmax(axis=1)
        return found

    def given(self, predicted_nk: Doubles) -> Truths:
        """Return which class is given to each picture, (n, k): the one called."""
        found: Truths = self.called(predicted_nk)[:, None] == np.arange(len(self.names))
        return found

    def sureness(self, predicted_nk: Doubles) -> Doubles:
        """Return the probability of the class called."""
        condensed = self._is_condensed(predicted_nk)
        found: Doubles = predicted_nk[:, 1] if condensed else predicted_nk.max(axis=1)
        return found

    def columns(self) -> tuple[list[str], list[str]]:
        """Name label and probability, and the probability of each class."""
        return list(self.headings), [f"p:{one}" for one in self.names]

    def cells(self, predicted_nk: Doubles) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield what stands under `columns`."""
        labels = self.labels(predicted_nk).tolist()
        for label, row in zip(labels, predicted_nk, strict=True):
            yield [label, float(row.max())], list(map(float, row))

    def written(self, predicted_k: Doubles, most: int = 1) -> tuple[str, str, str]:
        """Write the class, its probability, and the classes that follow it."""
        first, *others = np.argsort(-predicted_k, kind="stable")[:most].tolist()
        said = [f"{self.names[one]} {100 * predicted_k[one]:.1f} %" for one in others]
        return (str(self.names[first]), f"{100 * predicted_k[first]:.1f} %", ", ".join(said))

    def verdict(self, predicted_k: Doubles, value: Any) -> tuple[str, ...]:
        """Name the class, the one called where it is another, and how sure that was."""
        called = self.written_value(int(self.called(predicted_k[None])[0]))
        true, sure = self.written_value(value), float(self.sureness(predicted_k[None])[0])
        first = true if true == called else f"{true}, called {called}"
        return first, f"{100 * sure:.1f} % sure"

    def right(self, predicted_nk: Doubles, values_n: Array) -> Truths:
        """Return whether the most probable class is the true one."""
        found: Truths = self.called(predicted_nk) == values_n
        return found

    def written_value(self, value: Any) -> str:
        """Name the class of one picture."""
        return str(self.names[value])

    def mean_loss(self, outputs_nk: Array, values_n: Array) -> float:
        """Compute the mean log loss of logits, natural logarithm."""
        logs = log_softmax(outputs_nk, axis=1)
        return -float(logs[np.arange(len(values_n)), values_n].mean())

    def losses(self, predicted_nk: Doubles, values_n: Array) -> Doubles:
        """Compute the log loss of each picture, natural logarithm."""
        return log_losses(self._judged(predicted_nk, values_n).true)

    def judged_rows(self, predicted_nk: Doubles, values_n: Array) -> Iterator[list[Any]]:
        """Yield the names of both classes, the probability of the one called, and the loss."""
        called, sure = self.truths(self.called(predicted_nk)), self.sureness(predicted_nk).tolist()
        each = self.losses(predicted_nk, values_n).tolist()
        yield from map(list, zip(self.truths(values_n), called, sure, each, strict=True))

    def truths(self, values_n: Array) -> list[Any]:
        """Return the name of the class of each picture."""
        names = list(map(str, self.names))
        return [names[one] for one in values_n.tolist()]

    def metrics(self, predicted_nk: Doubles, values_n: Array, worth: float) -> Metrics:
        """Judge probabilities; see `foveal.evaluation.metrics.metrics`."""
        names = list(map(str, self.names))
        if self._is_condensed(predicted_nk):
            return metrics_of(Called.of_table(predicted_nk), values_n, names, worth)
        return metrics(predicted_nk, values_n, names, worth)

    def estimates(self, metrics: Any) -> dict[str, Estimate]:
        """Return the accuracy."""
        return {"accuracy": metrics.accuracy}

    def calibration_error(self, predicted_nk: Doubles, values_n: Array) -> float:
        """Compute the expected calibration error of the class called."""
        called = self._judged(predicted_nk, values_n)
        return gap_of_sureness(called.sure, called.right(values_n))

    def figures(
        self, metrics: Any, raw_error: float | None, temperature: float
    ) -> list[tuple[str, str]]:
        """Write accuracy, ranking, log loss and calibration."""
        return class_words.figures(metrics, raw_error, temperature)

    def measured(self, metrics: Any) -> tuple[str, Estimate]:
        """Return the accuracy."""
        from foveal.evaluation.baselines import ACCURACY

        return ACCURACY, metrics.accuracy

    def unjudged(self, metrics: Any) -> tuple[str, ...]:
        """Return the classes of which no picture was judged."""
        return tuple(one.label for one in metrics.classes if not one.pictures)

    def details(self, metrics: Any) -> list[str]:
        """Write how each class fares, and the confusion."""
        return class_words.details(metrics)

    def tables(self, metrics: Any) -> list[str]:
        """Write the same as tables of HTML."""
        return class_words.tables(metrics)

    def by_answered(
        self, predicted_nk: Doubles, values_n: Array, worth: float
    ) -> tuple[Answered, ...]:
        """Measure accuracy where only what is sure enough is answered."""
        right = self.right(predicted_nk, values_n)
        return accuracy_by_answered(self.sureness(predicted_nk), right, worth=worth)

    def baselines(self, folds: Iterable[Fold], worth: float) -> list[Baseline]:
        """Fit and judge the largest class, and classifiers of pixels."""
        from foveal.evaluation.baselines import cross_fit_baselines

        return cross_fit_baselines(folds, worth)

    def plainest_baselines(self, counts_k: Rows, values_n: Array, worth: float) -> list[Baseline]:
        """Judge the answer that is always the largest class."""
        from foveal.evaluation.baselines import majority

        return [majority(counts_k, values_n, worth)]

    def unknown(self, labels: Sequence[Any]) -> list[str]:
        """Name the classes that the model does not know, with those that they may stand for."""
        return class_words.unknown(labels, self.names.tolist())

    def score(self, y: Any, labels: Array, sample_weight: Any) -> float:
        """Compute the accuracy; texts are held against the names of the classes as texts."""
        from sklearn.metrics import accuracy_score

        true, called = np.asarray(y), np.asarray(labels)
        if {true.dtype.kind, called.dtype.kind} <= set("biuf"):
            return float(accuracy_score(true, called, sample_weight=sample_weight))
        known = [row for row, label in enumerate(true.tolist()) if label is not None]
        true, called = true[known].astype(str), called[known].astype(str)
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(accuracy_score(true, called, sample_weight=weights))
