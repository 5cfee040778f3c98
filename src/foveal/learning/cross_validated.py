"""What a cross-validation of whole trainings says: of each fold, of all, and of every picture.

Axes: n picture that was given, m picture that was judged, k output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles, Rows
from foveal.evaluation.intervals import Estimate
from foveal.html_tables import html_lines, html_table
from foveal.learning.classification import unjudged
from foveal.learning.held import Held
from foveal.model.fitted import FittedModel
from foveal.model.held_out import HeldOutLogits
from foveal.results import plain
from foveal.targets.labelled import Labelled
from foveal.training.steps import Scores
from foveal.wording import counted

ALWAYS = "taught in every fold: nothing else bears its label"
TEST = "of the test part, which no fold looks at"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldScores:
    """How the training fares whose outcome was judged on one fold."""

    fold: int
    """Its number, from 1 on."""
    taught: int
    """Pictures of the other folds, those included that chose its weights."""
    judged: int
    """Pictures of this one."""
    accuracy: float | None
    """Share of them answered right; None where nothing is right or wrong."""
    loss: float
    """Mean loss of them, as training judges."""

    @classmethod
    def of(cls, fold: int, taught: int, scores: Scores) -> FoldScores:
        """Make them of what a target judged."""
        return cls(
            fold=fold,
            taught=taught,
            judged=scores.pictures,
            accuracy=scores.accuracy,
            loss=scores.loss,
        )


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class CrossValidation:
    """What whole trainings say of pictures that they had not seen.

    ``print(found)`` gives its figures; `rows` what was said of every picture.
    """

    held: Held
    """Outputs of the judged pictures, at a temperature of 1, by the training of their fold."""
    fold_of_n: Rows
    """Fold of each picture that was given, from 1 on; 0 where it was judged in none."""
    folds: tuple[FoldScores, ...]

    def __repr__(self) -> str:
        name, value = self.figures[0]
        return f"CrossValidation({counted(len(self.folds), 'fold')}, {name} {value})"

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        """Return the tables that a notebook shows."""
        head = ("fold", "taught", "judged", "accuracy", "loss")
        rows = [
            (one.fold, one.taught, one.judged, _percent(one.accuracy), f"{one.loss:.3g}")
            for one in self.folds
        ]
        return html_lines(self.lines[:1]) + html_table(head, rows, numbers=range(5))

    @property
    def target(self) -> Labelled:
        """What is said of pictures."""
        return self.held.target

    @property
    def accuracy(self) -> Estimate | None:
        """Share of all judged pictures answered right; None where nothing is right or wrong.

        The interval is as wide as answers ask for whose networks taught one another; see
        `foveal.evaluation.intervals.cross_validated_number`.
        """
        return self.held.accuracy

    @property
    def predicted(self) -> Doubles:
        """What was said of each judged picture, (m, k): probabilities of classes."""
        return self.target.predicted(self.held.outputs_mk, 1.0)

    @property
    def metrics(self) -> Any:
        """How the judged pictures fare, as their target judges them."""
        worth = self.held.worth
        share = 1.0 if worth is None else worth / len(self.held.rows)
        return self.target.metrics(self.predicted, self.held.values_m, share)

    @property
    def figures(self) -> list[tuple[str, str]]:
        """The figures of all judged pictures, each with its name."""
        return self.target.figures(self.metrics, None, 1.0)

    @property
    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation over the folds: of accuracies, or else of losses."""
        shares = [one.accuracy for one in self.folds if one.accuracy is not None]
        values = shares if len(shares) == len(self.folds) else [one.loss for one in self.folds]
        return float(np.mean(values)), float(np.std(values, ddof=1))

    @property
    def lines(self) -> list[str]:
        """Say what came out, in lines of text."""
        name, value = self.figures[0]
        judged = counted(len(self.held.rows), "picture")
        count, (middle, deviation) = len(self.folds), self.spread
        if self.accuracy is None:
            told = f"loss {middle:.3g} on average, standard deviation {deviation:.2g}"
        else:
            told = f"{_percent(middle)} on average, standard deviation {100 * deviation:.1f} points"
        return [
            f"{count} folds: {name} {value} on {judged}, each by a training that had not seen it",
            f"fold by fold: {told}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values; `rows` has the pictures."""
        middle, deviation = self.spread
        return {
            "folds": plain([plain(one) for one in self.folds]),
            "mean": middle,
            "deviation": deviation,
            "accuracy": plain(self.accuracy),
            "effective": self.held.worth,
            "metrics": plain(self.metrics),
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `rows`; `reason` says why a picture was not judged."""
        return (
            *("path", "fold"),
            *self.target.judged_columns,
            *self.target.columns()[1],
            "reason",
        )

    def rows(self) -> Iterator[list[Any]]:
        """Return a row for every picture that was given, judged or not, in order."""
        predicted = self.predicted
        ends = (list(end) for _, end in self.target.cells(predicted))
        said = self.target.judged_rows(predicted, self.held.values_m)
        judged = dict(zip(self.held.rows.tolist(), zip(said, ends, strict=True), strict=True))
        width, truths = len(self.columns) - 4, self.target.truths(self.held.data.values)
        for row, entry in enumerate(self.held.data.entries):
            if row in judged:
                told, end = judged[row]
                yield [entry.path, int(self.fold_of_n[row]), *told, *end, None]
            else:
                reason = entry.reason or (TEST if entry.part == "test" else ALWAYS)
                true = entry.label if entry.reason else truths[row]
                yield [entry.path, None, true, *[None] * width, reason]

    def judge(self, model: FittedModel) -> None:
        """Let a model that was trained on all of these pictures be judged by these folds.

        Its file keeps what was said of each, for `foveal.evaluate`.
        """
        held, target = self.held, model.answering()
        said: Array = target.restated(held.outputs_mk, held.data.target)
        outputs_mk: Array = said * model.temperature  # which divides them again
        model.target = target.calibrated(said, held.values_m, held.data.taught)
        model.held_out = HeldOutLogits.of(held.data.store.hashes[held.rows], outputs_mk)
        model.provenance = model.provenance.model_copy(
            update={
                "judged_by": "folds",
                "validation_pictures": len(held.rows),
                "validation_right": held.right,
                "validation_effective": held.worth,
                "figures": held.figures or None,
                "unjudged": unjudged(held.data, held.rows),
            }
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def fold_figure(scores: FoldScores, figures: Sequence[tuple[str, str]]) -> str:
    """Say how one fold fares: the first figure of its target."""
    name, value = figures[0]
    return f"{name} {value} on {counted(scores.judged, 'picture')}"
