"""Intervals of figures that are composed of shares: means of recalls and of F1 over classes.

Axes: k class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Doubles, Rows
from foveal.evaluation.confusion import Confusion
from foveal.evaluation.intervals import Estimate, Z, wilson_bounds

HALF = 0.5
"""Right and wrong answers of each class that are added where spreads are compared, as in Jeffreys'
estimate of a share: without them a class that was never wrong would seem to be sure."""


def mean_recall(confusion: Confusion) -> Estimate:
    """Estimate the mean recall over the classes that occur, the balanced accuracy.

    Parameters
    ----------
    confusion : Confusion
        Pictures, or the independent ones that they are worth.
    """
    there = confusion.there > 0
    right = confusion.right[there].astype(np.float64)
    total = confusion.there[there].astype(np.float64)
    if not len(total):
        return Estimate(0.0, 0.0, 1.0)
    share, doubted = right / total, (right + HALF) / (total + 2 * HALF)
    spread = np.sqrt(doubted * (1 - doubted) / total)
    among = float(np.sqrt((spread**2).sum()) / spread.sum())
    variance = float((share * (1 - share) / np.maximum(total - 1, 1)).sum()) / len(total) ** 2
    return _mean(right, total, among, variance**0.5)


def mean_f1(confusion: Confusion) -> Estimate:
    """Estimate the mean F1 over the classes that occur or are called, the macro F1.

    F1 grows with the share j of right answers among the pictures that are of a class, or are called
    so: it is 2 j / (1 + j).

    Parameters
    ----------
    confusion : Confusion
        Pictures, or the independent ones that they are worth.
    """
    right = confusion.right.astype(np.float64)
    total: Doubles = (confusion.so + confusion.there).astype(np.float64) - right
    known = total > 0
    if not known.any():
        return Estimate(0.0, 0.0, 1.0)
    each, mean = _spreads_of_f1(_Cells.of(confusion, HALF), known)
    _, error = _spreads_of_f1(_Cells.of(confusion), known)
    among = mean / each if each else 1.0  # one class alone is always right
    return _mean(right[known], total[known], among, error, lambda j: 2 * j / (1 + j))


def _mean(
    right: Doubles,
    total: Doubles,
    among: float,
    error: float,
    figure: Callable[[Doubles], Doubles] = lambda share: share,
) -> Estimate:
    """Interval of a mean of figures, each of which grows with a share.

    Stratified Wilson intervals (Yan and Su, Statistics in Biopharmaceutical Research 2, 2010): the
    bounds of each share are taken at a lower level, at which their mean has the level wanted. Of
    many shares of few pictures each that is too narrow: so no arm is shorter than the normal one,
    nor longer than if all shares erred together.

    Parameters
    ----------
    right, total : array of float, (k,)
        The shares.
    among : float
        Standard error of the mean, divided by the mean standard error of the figures.
    error : float
        Standard error of the mean, estimated without any assumption.
    figure : callable
        From shares to the figures.
    """
    value = float(figure(right / total).mean())
    low, high = (float(figure(one).mean()) for one in wilson_bounds(right, total, Z * among))
    least, most = (float(figure(one).mean()) for one in wilson_bounds(right, total, Z))
    return Estimate(
        value,
        min(max(min(low, value - Z * error), least), value),
        max(min(max(high, value + Z * error), most), value),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Cells:
    """The cells of a confusion that hold pictures, with a doubt that is spread over the others.

    Each class that occurs may have so many right answers more, and as many wrong ones, spread
    evenly over the other classes: they are counted without being written out, since of many
    classes nearly all cells are empty.
    """

    rows: Rows
    """True classes of the cells, (m,)."""
    columns: Rows
    """Classes called, (m,)."""
    pictures: Doubles
    """What they hold, (m,)."""
    there: Doubles
    """The doubt of each class: 0 where it does not occur, (k,)."""

    @classmethod
    def of(cls, confusion: Confusion, doubt: float = 0.0) -> _Cells:
        there = np.where(confusion.there > 0, doubt, 0.0)
        pictures = confusion.pictures.astype(np.float64)
        return cls(confusion.true, confusion.called, pictures, there)

    @property
    def spread(self) -> Doubles:
        """The doubt in each cell of a row but that of the diagonal, (k,)."""
        found: Doubles = self.there / max(len(self.there) - 1, 1)
        return found

    @property
    def right(self) -> Doubles:
        """What the diagonal holds, (k,)."""
        inside = np.where(self.rows == self.columns, self.pictures, 0.0)
        found: Doubles = np.bincount(self.rows, inside, len(self.there)) + self.there
        return found

    @property
    def both(self) -> Doubles:
        """What row and column of each class hold together, (k,)."""
        count, spread = len(self.there), self.spread
        rows = np.bincount(self.rows, self.pictures, count) + (count - 1) * spread
        columns = np.bincount(self.columns, self.pictures, count) + spread.sum() - spread
        found: Doubles = rows + columns + 2 * self.there
        return found

    @property
    def total(self) -> float:
        """What all cells hold."""
        doubted = self.there.sum() + (len(self.there) - 1) * self.spread.sum()
        return float(self.pictures.sum() + doubted)

    def moved(self, gain: Doubles, loss: Doubles) -> float:
        """Sum what each cell holds times the square of what a picture of it moves.

        That is `gain` of its class on the diagonal, less the `loss` of both classes anywhere.
        """
        here = -(loss[self.rows] + loss[self.columns])
        here = here + np.where(self.rows == self.columns, gain[self.rows], 0.0)
        doubted = (self.there * (gain - 2 * loss) ** 2).sum()
        count, squares, all_of_it = len(loss), (loss**2).sum(), loss.sum()
        others = (count - 2) * loss**2 + 2 * loss * (all_of_it - loss) + squares
        return float((self.pictures * here**2).sum() + doubted + (self.spread * others).sum())


def _spreads_of_f1(
    cells: _Cells, known: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[float, float]:
    """Return the mean standard error of F1 of a class, and that of the mean F1.

    By the delta method (Takahashi, Yamamoto, Kuchiba and Koyama, Applied Intelligence 52, 2022): a
    picture of class t that is called c moves F1 of class i by what the derivatives say.
    """
    pictures = cells.total
    right, both = cells.right / pictures, cells.both / pictures
    below = np.where(both > 0, both, 1.0)
    loss = np.where(known, 2 * right / below**2, 0.0)  # of a picture that is so, or is called so
    gain = np.where(known, 2 / below, 0.0)  # of one that is both
    each = right * (gain - 2 * loss) ** 2 + (both - 2 * right) * loss**2
    variance = cells.moved(gain, loss) / pictures / known.sum() ** 2
    scale = max(pictures - 1, 1)
    mean = float(np.sqrt(np.maximum(each[known], 0) / scale).mean())
    return mean, float(np.sqrt(max(variance, 0.0) / scale))
