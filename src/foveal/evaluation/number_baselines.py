"""Baselines of numbers: the median, and what pixels alone reach, on the same pictures.

Axes: n picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foveal.arrays import Array, Doubles
from foveal.evaluation.baselines import MOST_PICTURES, Baseline, Fold, as_vectors
from foveal.evaluation.intervals import mean
from foveal.evaluation.regression import times

ERROR = "mean absolute error"
PENALTIES = tuple(10.0 ** (step / 2) for step in range(0, 15))
"""Penalties of the ridge regression that are tried, by leaving one picture out."""


def cross_fit_number_baselines(folds: Iterable[Fold], worth: float = 1.0) -> list[Baseline]:
    """Fit the baselines in each fold, and judge them on the pictures of all folds together.

    The mean and the median of the numbers, the nearest neighbour and a ridge regression on pixels.

    Parameters
    ----------
    folds : iterable
        Pictures to fit on with their numbers, and pictures to judge with theirs.
    worth : float
        Independent pictures that each judged one is worth, as some belong together; at most 1.
    """
    found = [list(_fitted(*fold)) for fold in folds]
    return [
        _judged(
            parts[0].name,
            np.concatenate([one.errors_n for one in parts]),
            max(one.trained_on for one in parts),
            worth,
        )
        for parts in zip(*found, strict=False)  # a later one is never there without those before
    ]


def constant(
    name: str, answer: float, true_n: Array, trained_on: int, worth: float = 1.0
) -> Baseline:
    """Judge an answer that is always the same."""
    errors_n = np.abs(np.asarray(true_n, dtype=np.float64) - answer)
    return _judged(name, errors_n, trained_on, worth)


def _judged(name: str, errors_n: Doubles, trained_on: int, worth: float) -> Baseline:
    size = float(errors_n.max(initial=0.0)) or 1.0
    estimate = times(mean(errors_n / size, least=0, worth=worth), size)
    return Baseline(name=name, measure=ERROR, estimate=estimate, trained_on=trained_on)


@dataclass(frozen=True, eq=False, slots=True)
class _Errors:
    """How far a baseline is off in one fold."""

    name: str
    errors_n: Doubles
    trained_on: int


def _fitted(
    train_images: Array, train_numbers: Array, test_images: Array, test_numbers: Array
) -> Iterator[_Errors]:
    taught = np.asarray(train_numbers, dtype=np.float64)
    true = np.asarray(test_numbers, dtype=np.float64)
    yield _Errors("median", np.abs(true - np.median(taught)), len(taught))
    size = float(np.abs(taught).max(initial=0.0)) or 1.0
    yield _Errors("mean", np.abs(true - size * np.mean(taught / size)), len(taught))
    most = min(len(taught), MOST_PICTURES)
    picked = np.linspace(0, len(taught) - 1, most).round().astype(np.intp)
    if most < 2:
        return
    middle = float(np.mean(train_images[picked], dtype=np.float64))
    train, test = (as_vectors(one, middle) for one in (train_images[picked], test_images))
    learners = {
        "nearest neighbour on pixels": KNeighborsRegressor(1, algorithm="brute"),
        "ridge regression on pixels": make_pipeline(StandardScaler(), RidgeCV(PENALTIES)),
    }
    for name, learner in learners.items():
        learner.fit(train, taught[picked] / size)
        yield _Errors(name, np.abs(size * learner.predict(test) - true), most)
