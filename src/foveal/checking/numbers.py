"""What is wrong with labels that are numbers: those that are none, and those far from all others.

Axes: n picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from foveal.arrays import Doubles, Rows
from foveal.checking.fences import beyond
from foveal.checking.findings import Finding, finding
from foveal.pictures.collection import Pictures
from foveal.results import Result
from foveal.targets.number_labels import numbers_of, plainly_numbers
from foveal.wording import four_digits

BINS = 24
"""Bars of a histogram, at most."""
ALIKE = 1e-9
"""Share of the range below which no number is far from the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSummary(Result):
    """How numbers are spread, of pictures that can be read."""

    pictures: int
    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    greatest: float

    def __str__(self) -> str:
        ends = f"{four_digits(self.least)} to {four_digits(self.greatest)}"
        return f"numbers from {ends}, median {four_digits(self.median)}"


@dataclass(frozen=True, eq=False, slots=True)
class NumberLabels:
    """Labels of pictures, where they are numbers."""

    values_n: Doubles
    """NaN where a label is none."""
    reasons: tuple[str, ...]
    """Why it is none; empty where it is one."""

    @classmethod
    def of(cls, pictures: Pictures, target_kind: str | None) -> Self | None:
        """Read labels as numbers; None where they are no numbers, or are not to be read so.

        Parameters
        ----------
        target_kind : str, optional
            What labels say; where left out they are numbers if they plainly are.
        """
        labels = pictures.labels
        if labels is None or labels.ndim != 1 or target_kind not in (None, "numbers"):
            return None
        if target_kind is None and not plainly_numbers(labels.tolist()):
            return None
        values, reasons = numbers_of(labels)
        return cls(values, tuple(reasons))

    def summary(self, rows: Rows) -> NumberSummary | None:
        """Summarise the numbers of some rows; None where there is none."""
        known = self._known(rows)
        if not len(known):
            return None
        least, lower, median, upper, greatest = np.quantile(known, (0, 0.25, 0.5, 0.75, 1)).tolist()
        return NumberSummary(
            pictures=len(known),
            least=least,
            lower_quartile=lower,
            median=median,
            upper_quartile=upper,
            greatest=greatest,
        )

    def histogram(self, rows: Rows) -> tuple[Rows, Doubles]:
        """Count the numbers of some rows in bins of one width; gives counts and edges."""
        known = self._known(rows)
        bins = int(np.clip(np.sqrt(len(known)), 1, BINS))
        counts, edges = np.histogram(known, bins)
        return counts, edges

    def _known(self, rows: Rows) -> Doubles:
        values = self.values_n[rows]
        found: Doubles = values[np.isfinite(values)]
        return found

    def findings(self, pictures: Pictures, rows: Rows) -> Iterator[Finding | None]:
        """Find labels that are no numbers, and numbers far from all others, among some rows."""
        missing = [(row, self.reasons[row]) for row in rows.tolist() if self.reasons[row]]
        yield finding("number", (([row], why) for row, why in missing), pictures.names)
        values = np.full(len(self.values_n), np.nan)
        values[rows] = self.values_n[rows]
        size = float(np.ptp(self._known(rows))) if len(self._known(rows)) else 0.0
        far, middle = beyond(values, ALIKE * size)
        order = far[np.argsort(-np.abs(values[far] - middle), kind="stable")]
        told = f"where the median is {four_digits(middle)}"
        items = (([row], f"{four_digits(values[row])}, {told}") for row in order.tolist())
        yield finding("far", items, pictures.names)
