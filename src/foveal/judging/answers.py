"""What a classifier said of each picture that was judged, beside what is true.

Axes: m picture that was judged, k class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.evaluation.intervals import Floats
from foveal.evaluation.metrics import losses
from foveal.pictures.ledger import Entry
from foveal.pictures.splits import Rows

COLUMNS = (
    *("path", "true", "predicted", "probability", "loss", "unfamiliarity", "unfamiliar"),
    *("part", "reason", "remark"),
)


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Answers:
    """Probabilities and truths of the pictures that were judged."""

    rows: Rows
    """Which of all pictures these are, (m,), in order."""
    class_ids: Rows
    """True class numbers, (m,)."""
    probabilities: Floats
    """(m, k)."""
    unfamiliarity: Floats
    """How unlike those that taught, (m,): above 1 where unfamiliar; NaN for those that taught or
    chose the weights, and where the model keeps nothing to tell by."""

    def __repr__(self) -> str:
        return f"Answers({len(self.mistakes)} of {len(self.rows)} wrong)"

    @property
    def predicted(self) -> Rows:
        """Number of the most probable class, (m,)."""
        found: Rows = self.probabilities.argmax(axis=1)
        return found

    @property
    def losses(self) -> Floats:
        """Log loss of each picture, natural logarithm, (m,)."""
        return losses(self.probabilities, self.class_ids)

    @property
    def order(self) -> Rows:
        """Places among the judged pictures by their loss, the largest first, (m,)."""
        return np.argsort(-self.losses, kind="stable")

    @property
    def mistakes(self) -> Rows:
        """Places among the judged pictures that were called wrong, the largest loss first."""
        order = self.order
        found: Rows = order[(self.predicted != self.class_ids)[order]]
        return found

    def table(self, ledger: Sequence[Entry], labels: Sequence[str]) -> Iterator[list[Any]]:
        """Return a row for every picture, judged or not, under `COLUMNS`.

        Parameters
        ----------
        ledger : sequence of Entry
            Every picture with what became of it.
        labels : sequence of str
            Names of the k classes.
        """
        places = dict(zip(self.rows.tolist(), range(len(self.rows)), strict=True))
        true, called = self.class_ids.tolist(), self.predicted.tolist()
        each, strange = self.losses.tolist(), self.unfamiliarity.tolist()
        sure = self.probabilities.max(axis=1).tolist()
        for row, entry in enumerate(ledger):
            name, place = str(entry.path), places.get(row)
            beside = entry.part or None, entry.reason or None, entry.remark or None
            if place is None:
                yield [name, entry.label, *[None] * 5, *beside]
                continue
            names = labels[true[place]], labels[called[place]]
            score = strange[place]
            told = [None, None] if score != score else [score, score > 1]
            yield [name, *names, sure[place], each[place], *told, *beside]
