"""What a network says that gives a picture several labels, and how that is judged.

Axes: n picture, k label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import nn

from foveal.arrays import Array, Doubles, Rows, Truths
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.label_metrics import (
    LabelMetrics,
    label_calibration_error,
    label_losses,
    label_metrics,
)
from foveal.evaluation.label_regression import cross_entropy
from foveal.evaluation.label_thresholds import (
    HALF,
    fit_label_temperature,
    label_probabilities,
)
from foveal.html_tables import html_lines
from foveal.pictures.label_sets import joined, label_sets, matrix_of, of_texts
from foveal.targets import class_words, label_words
from foveal.targets.named import Named
from foveal.targets.predictors import TemperedSigmoid
from foveal.vocabulary import SEPARATORS

if TYPE_CHECKING:
    from foveal.evaluation.baselines import Baseline, Fold

NONE = "none"
"""How an answer without a label is written for a person."""


class LabelAnswers(Named):
    """Answers of a network that ends with a logit for each label."""

    thresholds: tuple[float, ...]
    chosen: tuple[bool, ...]
    applied: ClassVar[str] = "sigmoid"
    rightness: ClassVar[str] = "exact matches"
    headings: ClassVar[tuple[str, str]] = ("labels", "probability")
    noun: ClassVar[tuple[str, str]] = ("label", "labels")
    chosen_by: ClassVar[tuple[str, float]] = ("mean average precision", 1.0)
    exclusive: ClassVar[bool] = False
    judged_columns: ClassVar[tuple[str, ...]] = ("true", "predicted", "loss")

    @property
    def cuts(self) -> Doubles:
        """Probability above which each label is given, (k,)."""
        return np.array(self.thresholds or [HALF] * len(self.names), dtype=np.float64)

    @property
    def between(self) -> str:
        """What is written between labels: the first of the usual ones that no label holds."""
        names = list(map(str, self.names))
        free = (one for one in SEPARATORS if not any(one in name for name in names))
        return next(free, SEPARATORS[0])

    def joined(self, there_k: Truths) -> str:
        """Write labels as one text; the separator alone where there is none."""
        return joined(self.names[there_k].tolist(), self.between)

    def written_value(self, value: Any) -> str:
        """Write the labels that one picture bears."""
        return self.joined(np.asarray(value, dtype=bool))

    def given(self, predicted_nk: Doubles) -> Truths:
        """Return which labels are given to each picture, (n, k)."""
        with np.errstate(invalid="ignore"):
            found: Truths = np.asarray(predicted_nk > self.cuts, dtype=bool)
        return found

    # What it says of pictures ---------------------------------------------------------------

    def temperature(self, outputs_nk: Array, values_n: Array) -> float:
        """Fit the temperature of the sigmoid on pictures that did not train."""
        return fit_label_temperature(outputs_nk, np.asarray(values_n, dtype=bool))

    def predicted(self, outputs_nk: Array, temperature: float) -> Doubles:
        """Make the probability of each label of its logit: the sigmoid at a temperature."""
        return label_probabilities(outputs_nk, temperature)

    def predictor(self, temperature: float) -> nn.Module:
        """Make the sigmoid at a temperature as a module."""
        return TemperedSigmoid(temperature)

    def labels(self, predicted_nk: Doubles) -> Array:
        """Return 1 for each label that is given and 0 for others, (n, k), as scikit-learn does.

        Whole numbers; where a row has no answer, floats with NaN there.
        """
        found = self.given(predicted_nk).astype(np.int64)
        lost: Truths = np.isnan(predicted_nk[:, 0])
        if not lost.any():
            return found
        return np.where(lost[:, None], np.nan, found)

    def said(self, predicted_nk: Doubles) -> Rows:
        """Count the pictures to which each label is given, (k,)."""
        found: Rows = self.given(predicted_nk).sum(axis=0)
        return found

    def probabilities(self, predicted_nk: Doubles) -> Doubles:
        """Return the predictions, which are the probability of each label by itself."""
        return predicted_nk

    def sureness(self, predicted_nk: Doubles) -> Doubles:
        """Return how likely the least sure label of each answer is right, given or not."""
        found: Doubles = np.where(self.given(predicted_nk), predicted_nk, 1 - predicted_nk).min(
            axis=1
        )
        return found

    def columns(self) -> tuple[list[str], list[str]]:
        """Name the labels as one text, and the probability of each."""
        return ["labels"], [f"p:{one}" for one in self.names]

    def cells(self, predicted_nk: Doubles) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield what stands under `columns`."""
        for row, there in zip(predicted_nk, self.given(predicted_nk), strict=True):
            yield [self.joined(there)], list(map(float, row))

    def written(self, predicted_k: Doubles, most: int = 1) -> tuple[str, str, str]:
        """Write the labels, the surest first, with their probabilities, and what comes next."""
        there = self.given(predicted_k[None])[0]
        order: Rows = np.argsort(-predicted_k, kind="stable")
        given, others = order[there[order]], order[~there[order]][: most - 1]
        sure = ", ".join(f"{100 * one:.1f}" for one in predicted_k[given])
        said = [f"{self.names[one]} {100 * predicted_k[one]:.1f} %" for one in others]
        names = ", ".join(map(str, self.names[given])) or NONE
        return names, f"{sure} %" if sure else "", ", ".join(said)

    def verdict(self, predicted_k: Doubles, value: Any) -> tuple[str, ...]:
        """Name the labels, those missed and those said too much."""
        true, called = np.asarray(value, dtype=bool), self.given(predicted_k[None])[0]
        parts = {"missed": true & ~called, "too much": called & ~true}
        told = [f"{name}: {self._listed(there)}" for name, there in parts.items() if there.any()]
        return self._listed(true), *told

    def _listed(self, there_k: Truths) -> str:
        return ", ".join(map(str, self.names[there_k])) or NONE

    # How it is judged -----------------------------------------------------------------------

    def right(self, predicted_nk: Doubles, values_n: Array) -> Truths:
        """Return whether all labels of each picture are right, and none too many."""
        found: Truths = (self.given(predicted_nk) == values_n).all(axis=1)
        return found

    def mean_loss(self, outputs_nk: Array, values_n: Array) -> float:
        """Compute the mean cross-entropy of logits, natural logarithm."""
        return float(cross_entropy(outputs_nk, np.asarray(values_n, dtype=bool)).mean())

    def losses(self, predicted_nk: Doubles, values_n: Array) -> Doubles:
        """Compute the cross-entropy of each picture, the mean over labels, natural logarithm."""
        return label_losses(predicted_nk, np.asarray(values_n, dtype=bool))

    def judged_rows(self, predicted_nk: Doubles, values_n: Array) -> Iterator[list[Any]]:
        """Yield the labels that a picture bears, those that it was given, and the loss."""
        given, each = self.truths(self.given(predicted_nk)), self.losses(predicted_nk, values_n)
        yield from map(list, zip(self.truths(values_n), given, each.tolist(), strict=True))

    def truths(self, values_n: Array) -> list[Any]:
        """Return the labels of each picture, as one text."""
        return list(map(self.joined, np.asarray(values_n, dtype=bool)))

    def metrics(self, predicted_nk: Doubles, values_n: Array, worth: float) -> LabelMetrics:
        """Judge probabilities; see `foveal.evaluation.label_metrics.label_metrics`."""
        truths = np.asarray(values_n, dtype=bool)
        return label_metrics(predicted_nk, truths, self.cuts, list(map(str, self.names)), worth)

    def calibration_error(self, predicted_nk: Doubles, values_n: Array) -> float:
        """Compute the expected calibration error of all labels together."""
        return label_calibration_error(predicted_nk, np.asarray(values_n, dtype=bool))

    def held_out_figures(
        self, outputs_nk: Array, values_n: Array, worth: float
    ) -> dict[str, Estimate]:
        """Compute F1, ranking and exact matches, as a model file keeps them."""
        predicted = self.predicted(outputs_nk, self.temperature(outputs_nk, values_n))
        return self.estimates(self.metrics(predicted, values_n, worth))

    def estimates(self, metrics: Any) -> dict[str, Estimate]:
        """Return F1, ranking and exact matches."""
        named = {
            "micro F1": metrics.micro_f1,
            "macro F1": metrics.macro_f1,
            "mean average precision": metrics.mean_average_precision,
            "exact matches": metrics.exact_match,
        }
        return {name: one for name, one in named.items() if one.value == one.value}

    def figures(
        self, metrics: Any, raw_error: float | None, temperature: float
    ) -> list[tuple[str, str]]:
        """Write ranking, F1, exact matches, single errors and calibration."""
        return label_words.figures(metrics, raw_error, temperature)

    def unjudged(self, metrics: Any) -> tuple[str, ...]:
        """Return the labels that no judged picture bears."""
        return tuple(one.label for one in metrics.labels if not one.pictures)

    def details(self, metrics: Any) -> list[str]:
        """Write how each label fares, and which were taken for which."""
        return [*label_words.details(metrics), *label_words.unchosen(self)]

    def tables(self, metrics: Any) -> list[str]:
        """Write the same as tables of HTML."""
        return [*label_words.tables(metrics), html_lines(label_words.unchosen(self))]

    def head_doubts(
        self,
        figures: Mapping[str, Estimate],
        values_n: Array,
        counts_k: Sequence[int],
        remedies: Sequence[str],
        *,
        fixed: bool,
    ) -> tuple[str, ...]:
        """Say so where labels have few pictures."""
        few = label_words.few_notes(list(map(str, self.names)), counts_k)
        return (*few, *self.doubts(figures, counts_k, remedies))

    def baselines(self, folds: Iterable[Fold], worth: float) -> list[Baseline]:
        """Fit and judge the most frequent labels, and what pixels alone reach."""
        from foveal.evaluation.label_baselines import cross_fit_label_baselines

        return cross_fit_label_baselines(folds, worth)

    def plainest_baselines(self, counts_k: Rows, values_n: Array, worth: float) -> list[Baseline]:
        """Judge the answer that is always the most frequent labels."""
        from foveal.evaluation.label_baselines import most_frequent

        return [most_frequent(counts_k, np.asarray(values_n, dtype=bool), worth)]

    def unknown(self, labels: Sequence[Any]) -> list[str]:
        """Name the labels that the model does not know, with those that they may stand for."""
        known = set(map(str, self.names))
        sets, _ = of_texts(labels, known=known) if _are_texts(labels) else (labels, ())
        odd = [
            next((one for one in each.labels if str(one) not in known), "")
            for each in sets
            if each is not None
        ]
        return class_words.unknown(odd, self.names.tolist(), self.noun)

    def score(self, y: Any, labels: Array, sample_weight: Any) -> float:
        """Compute the share of pictures all of whose labels are right, as scikit-learn does.

        Pictures of which nothing is known are passed over, and those that could not be read.
        """
        sets = label_sets(y).tolist()
        truths, unknown = matrix_of(sets, self.names.tolist())
        known = np.array([one is not None for one in sets]) & ~np.isnan(labels[:, 0])
        right = (truths == (labels == 1)).all(axis=1) & np.array([not one for one in unknown])
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(np.average(right[known], weights=weights))


def _are_texts(labels: Sequence[Any]) -> bool:
    return not all(hasattr(one, "labels") for one in labels)
