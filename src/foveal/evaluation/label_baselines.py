"""Baselines of several labels: what pixels alone reach without a network, on the same pictures.

Axes: n picture, k label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from foveal.arrays import Array, Integers, Rows, Truths
from foveal.evaluation.baselines import (
    ITERATIONS,
    MICRO_F1,
    MOST_PICTURES,
    Baseline,
    Fold,
    as_vectors,
)
from foveal.evaluation.intervals import cross_validated_number
from foveal.evaluation.label_metrics import micro_f1
from foveal.evaluation.label_regression import fit_regressions
from foveal.evaluation.label_thresholds import label_probabilities

MOST_VALUES = 2_000_000
"""Labels times training pictures of the logistic regression, at most."""
FEWEST = 1_000
"""Training pictures that it is fitted on, where there are so many, whatever the labels."""
HELD_OUT = 5
"""One in so many of them chooses its threshold."""
PENALTY, TOLERANCE = 0.01, 1e-3


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a baseline says in one fold, and what is true."""

    name: str
    called_nk: Truths
    truths_nk: Truths
    trained_on: int


def cross_fit_label_baselines(folds: Iterable[Fold], worth: float = 1.0) -> list[Baseline]:
    """Fit the baselines in each fold, and judge them on the pictures of all folds together.

    `worth` as of `foveal.evaluation.baselines.cross_fit_baselines`.
    """
    found = [list(_fitted(*fold)) for fold in folds]
    return [_judged(parts, worth) for parts in zip(*found, strict=False)]


def most_frequent(counts_k: Integers, truths_nk: Truths, worth: float = 1.0) -> Baseline:
    """Judge the answer that is always the labels of some share of the training pictures.

    How many of the most frequent labels it names is not known without their pictures: one.
    """
    called = np.zeros(truths_nk.shape, dtype=bool)
    called[:, int(np.argmax(counts_k))] = True
    return Baseline(
        name="most frequent label",
        measure=MICRO_F1,
        estimate=micro_f1(called, truths_nk, worth),
        trained_on=int(np.max(counts_k)),
    )


def _judged(parts: tuple[_Answers, ...], worth: float) -> Baseline:
    """Judge the answers of all folds; those of several hang together."""
    called = np.concatenate([one.called_nk for one in parts])
    truths = np.concatenate([one.truths_nk for one in parts])
    plain = micro_f1(called, truths)
    count = len(truths)
    if len(parts) > 1:
        worth = cross_validated_number(plain.value, worth * count) / count
    return Baseline(
        name=parts[0].name,
        measure=MICRO_F1,
        estimate=plain if worth == 1 else micro_f1(called, truths, worth),
        trained_on=max(one.trained_on for one in parts),
    )


def _fitted(
    train_images: Array, train_values: Array, test_images: Array, test_values: Array
) -> Iterator[_Answers]:
    """Yield the answers of each: the most frequent labels, the nearest neighbour, a regression."""
    taught, truths = np.asarray(train_values, dtype=bool), np.asarray(test_values, dtype=bool)
    always = np.broadcast_to(_always(taught), truths.shape)
    yield _Answers("most frequent labels", always, truths, len(taught))
    picked = _evenly(len(taught), MOST_PICTURES)
    middle = float(np.mean(train_images[picked], dtype=np.float64))
    train, test = (as_vectors(one, middle) for one in (train_images[picked], test_images))
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train)
    called = taught[picked[nearest.kneighbors(test, return_distance=False)[:, 0]]]
    yield _Answers("nearest neighbour on pixels", called, truths, len(picked))
    some = _evenly(len(picked), max(MOST_VALUES // taught.shape[1], FEWEST))
    scaler = StandardScaler().fit(train[some])
    scaled, judged = (scaler.transform(one).astype(np.float32) for one in (train[some], test))
    called = _regression(scaled, taught[picked[some]], judged)
    yield _Answers("logistic regression on pixels", called, truths, len(some))


def _always(taught_nk: Truths) -> Truths:
    """Choose the labels that are best always said, (k,): the most frequent ones, by micro F1."""
    counts = taught_nk.sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    said = np.arange(1, len(order) + 1) * len(taught_nk)
    best = int((2 * np.cumsum(counts[order]) / (said + counts.sum())).argmax())
    found = np.zeros(len(order), dtype=bool)
    found[order[: best + 1]] = True
    return found


def _regression(train: Array, taught: Truths, test: Array) -> Truths:
    """Fit a logistic regression for each label; one threshold for all is chosen on a fifth."""
    aside = np.arange(len(train)) % HELD_OUT == HELD_OUT - 1
    found = fit_regressions(
        train[~aside], taught[~aside], C=PENALTY, iterations=ITERATIONS, tolerance=TOLERANCE
    )
    chooses, probabilities = (
        label_probabilities(one @ found[:, :-1].T + found[:, -1], 1.0)
        for one in (train[aside], test)
    )
    flat, there = chooses.ravel(), taught[aside].ravel()
    order = np.argsort(-flat, kind="stable")
    f1 = 2 * np.cumsum(there[order]) / (np.arange(1, len(order) + 1) + max(there.sum(), 1))
    threshold = flat[order[int(f1.argmax())]] if len(f1) else 0.5
    return probabilities >= threshold


def _evenly(total: int, most: int) -> Rows:
    return np.linspace(0, total - 1, min(total, most)).round().astype(np.intp)
