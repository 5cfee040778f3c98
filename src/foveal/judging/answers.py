"""What a model said of each picture that was judged, beside what is true.

Axes: m picture that was judged, k output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles, Rows, Truths
from foveal.pictures.ledger import Entry
from foveal.targets.labelled import Labelled

ABOUT = ("unfamiliarity", "unfamiliar", "part", "reason", "remark")
"""Columns that the table ends with, whatever is said of pictures."""


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Answers:
    """Predictions and truths of the pictures that were judged."""

    target: Labelled
    """What the model says of a picture."""
    rows: Rows
    """Which of all pictures these are, (m,), in order."""
    values: Array
    """What is true, (m,), in the numbers of the target: those of classes."""
    predicted: Doubles
    """(m, k); probabilities of classes, of many what `Labelled.condensed` leaves of them."""
    unfamiliarity: Doubles
    """How unlike those that taught, (m,): above 1 where unfamiliar; NaN for those that taught or
    chose the weights, and where the model keeps nothing to tell by."""
    others: Mapping[int, Any] = field(default_factory=dict)
    """What is true of other pictures, by their row, as `Labelled.truths` has it."""

    def __repr__(self) -> str:
        return f"Answers({len(self.mistakes)} of {len(self.rows)} wrong)"

    @property
    def probabilities(self) -> Doubles:
        """The predictions of a classifier, (m, k).

        Raises
        ------
        UsageError
            For a model that gives none.
        """
        return self.target.probabilities(self.predicted)

    @property
    def called(self) -> Rows:
        """Number of the class that each picture was called, (m,).

        Raises
        ------
        UsageError
            For a model that calls none.
        """
        return self.target.called(self.predicted)

    @property
    def sure(self) -> Doubles:
        """How sure each answer is, (m,): of classes the probability of the one called."""
        return self.target.sureness(self.predicted)

    @property
    def right(self) -> Truths | None:
        """Whether each picture is answered right, (m,); None where nothing is right or wrong."""
        return self.target.right(self.predicted, self.values)

    @property
    def losses(self) -> Doubles:
        """Loss of each picture, (m,); of classes the log loss, natural logarithm."""
        return self.target.losses(self.predicted, self.values)

    @property
    def order(self) -> Rows:
        """Places among the judged pictures by their loss, the largest first, (m,)."""
        return np.argsort(-self.losses, kind="stable")

    @property
    def mistakes(self) -> Rows:
        """Places among the judged pictures that were called wrong, the largest loss first.

        None of them where nothing is right or wrong.
        """
        order, right = self.order, self.right
        found: Rows = order[~right[order]] if right is not None else order[:0]
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `table`."""
        return ("path", *self.target.judged_columns, *ABOUT)

    def table(self, ledger: Sequence[Entry]) -> Iterator[list[Any]]:
        """Return a row for every picture, judged or not, under `columns`.

        Parameters
        ----------
        ledger : sequence of Entry
            Every picture with what became of it.
        """
        judged = dict(zip(self.rows.tolist(), self._judged(), strict=True))
        nothing = [None] * (len(self.target.judged_columns) + 1)
        for row, entry in enumerate(ledger):
            beside = entry.part or None, entry.reason or None, entry.remark or None
            given = entry.label if len(self.target.names) else None  # which is no number
            true = self.others.get(row, given)
            yield [str(entry.path), *judged.get(row, [true, *nothing]), *beside]

    def _judged(self) -> Iterator[list[Any]]:
        """Yield what stands in the table of each judged picture, between path and part."""
        rows = self.target.judged_rows(self.predicted, self.values)
        for row, score in zip(rows, self.unfamiliarity.tolist(), strict=True):
            yield [*row, *([None, None] if score != score else [score, score > 1])]
