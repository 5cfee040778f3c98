"""What a model says where it answers with a number, and how that is judged.

Axes: n picture, k output: 1 of a network, and of predictions the number, its low and its high end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import nn

from foveal.arrays import Array, Doubles, Rows
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.regression import NumberMetrics, number_metrics
from foveal.targets.labelled import Labelled
from foveal.targets.predictors import NumbersWithin
from foveal.visible import visible
from foveal.wording import four_digits

if TYPE_CHECKING:
    from foveal.evaluation.baselines import Baseline, Fold

LONGEST = 30
"""Letters of the name of a column of numbers, at most."""


class NumberAnswers(Labelled):
    """Answers of a network that ends with one number, in spreads from a middle."""

    middle: float
    spread: float
    reach: float | None
    headings: ClassVar[tuple[str, str]] = ("number", "interval")
    chosen_by: ClassVar[tuple[str, float]] = ("mean absolute error", -1.0)
    exclusive: ClassVar[bool] = False
    judged_columns: ClassVar[tuple[str, ...]] = ("true", "number", "low", "high", "residual")

    @property
    def stated(self) -> float | None:
        """Share of numbers that the intervals are said to hold."""
        raise NotImplementedError

    def titles(self, labelled_by: Sequence[str]) -> tuple[str, str]:
        """Return the name of the column of numbers, where it is known, and what intervals hold."""
        number, interval = self.headings
        named = visible(labelled_by[0], LONGEST) if labelled_by else number
        return named, interval if self.stated is None else f"{100 * self.stated:.0f} % {interval}"

    def numbers(self, outputs_nk: Array) -> Doubles:
        """Make numbers of outputs, (n,)."""
        return self.middle + self.spread * np.asarray(outputs_nk, dtype=np.float64)[:, 0]

    def predicted(self, outputs_nk: Array, temperature: float) -> Doubles:
        """Make numbers of outputs, with the low and the high end of their intervals."""
        made = self.numbers(outputs_nk)
        reach = np.nan if self.reach is None else self.reach
        return np.stack([made, made - reach, made + reach], axis=1)

    def predictor(self, temperature: float) -> nn.Module:
        """Make numbers and their intervals as a module; NaN for ends that there are not."""
        reach = math.nan if self.reach is None else self.reach
        return NumbersWithin(self.middle, self.spread, reach)

    def labels(self, predicted_nk: Doubles) -> Doubles:
        """Return the numbers; NaN where there is none."""
        return predicted_nk[:, 0]

    def columns(self) -> tuple[list[str], list[str]]:
        """Name the number and the ends of its interval."""
        return ["number", "low", "high"], []

    def cells(self, predicted_nk: Doubles) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield what stands under `columns`; None for an end where there is no interval."""
        for row in predicted_nk.tolist():
            yield [None if one != one else one for one in row], []

    def written(self, predicted_k: Doubles, most: int = 1) -> tuple[str, str, str]:
        """Write the number, and its interval where there is one."""
        made, low, high = predicted_k.tolist()
        return (
            four_digits(made),
            "" if low != low else f"{four_digits(low)} to {four_digits(high)}",
            "",
        )

    def mean_loss(self, outputs_nk: Array, values_n: Array) -> float:
        """Compute the mean of Huber's loss, in spreads."""
        errors = np.abs(self.numbers(outputs_nk) - values_n) / self.spread
        return float(np.where(errors < 1, errors**2 / 2, errors - 0.5).mean())

    def losses(self, predicted_nk: Doubles, values_n: Array) -> Doubles:
        """Compute the absolute error of each picture."""
        return np.abs(predicted_nk[:, 0] - values_n)

    def judged_rows(self, predicted_nk: Doubles, values_n: Array) -> Iterator[list[Any]]:
        """Yield the true number, the answer, its interval, and the answer less the truth."""
        cells = (first for first, _ in self.cells(predicted_nk))
        for true, (made, low, high) in zip(self.truths(values_n), cells, strict=True):
            yield [true, made, low, high, None if made is None else made - true]

    def metrics(self, predicted_nk: Doubles, values_n: Array, worth: float) -> NumberMetrics:
        """Judge numbers; see `foveal.evaluation.regression.number_metrics`."""
        return number_metrics(
            predicted_nk[:, 0],
            np.asarray(values_n, dtype=np.float64),
            low_n=predicted_nk[:, 1],
            high_n=predicted_nk[:, 2],
            stated=self.stated,
            worth=worth,
        )

    def held_out_figures(
        self, outputs_nk: Array, values_n: Array, worth: float
    ) -> dict[str, Estimate]:
        """Compute mean absolute error, R2 and rank correlation, as a model file keeps them."""
        return self.estimates(self.metrics(self.predicted(outputs_nk, 1.0), values_n, worth))

    def estimates(self, metrics: Any) -> dict[str, Estimate]:
        """Return mean absolute error, R2 and rank correlation."""
        named = {
            "mean absolute error": metrics.mean_absolute_error,
            "R2": metrics.r2,
            "rank correlation": metrics.spearman,
        }
        return {
            name: one
            for name, one in named.items()
            if np.isfinite([one.value, one.low, one.high]).all()
        }

    def figures(
        self, metrics: NumberMetrics, raw_error: float | None, temperature: float
    ) -> list[tuple[str, str]]:
        """Write errors, what is explained, and how the intervals of answers hold."""
        found = [
            ("mean absolute error", metrics.mean_absolute_error.plain()),
            ("root mean squared error", metrics.root_mean_squared_error.plain()),
            ("R2", metrics.r2.plain()),
            ("rank correlation", metrics.spearman.plain()),
        ]
        if metrics.coverage is None or metrics.width is None or metrics.stated is None:
            return [*found, ("intervals", "none: too few pictures were held out")]
        held = f"{metrics.coverage.percent()}, {100 * metrics.stated:.0f} % stated"
        return [*found, ("within intervals", f"{held}; {four_digits(metrics.width)} wide")]

    def measured(self, metrics: NumberMetrics) -> tuple[str, Estimate]:
        """Return the mean absolute error."""
        from foveal.evaluation.number_baselines import ERROR

        return ERROR, metrics.mean_absolute_error

    def baselines(self, folds: Iterable[Fold], worth: float) -> list[Baseline]:
        """Fit and judge the median, and regressions on pixels."""
        from foveal.evaluation.number_baselines import cross_fit_number_baselines

        return cross_fit_number_baselines(folds, worth)

    def plainest_baselines(self, counts_k: Rows, values_n: Array, worth: float) -> list[Baseline]:
        """Judge the answer that is always the median of the numbers that taught."""
        from foveal.evaluation.number_baselines import constant

        return [constant("median", self.middle, values_n, int(counts_k.sum()), worth)]

    def unknown(self, labels: Sequence[Any]) -> list[str]:
        """Say which labels are no numbers."""
        if not labels:
            return []
        from foveal.wording import counted

        named = ", ".join(repr(one)[:30] for one in list(labels)[:3])
        more = ", ..." * (len(labels) > 3)
        return [f"{counted(len(labels), 'picture')} left out: no number, {named}{more}"]

    def score(self, y: Any, labels: Array, sample_weight: Any) -> float:
        """Compute R2 of answers; labels that are none are passed over."""
        from sklearn.metrics import r2_score

        from foveal.targets.number_labels import numbers_of

        true, _ = numbers_of(np.asarray(y, dtype=object).ravel())
        made = np.asarray(labels, dtype=np.float64)
        known = np.isfinite(true) & np.isfinite(made)
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        return float(r2_score(true[known], made[known], sample_weight=weights))
