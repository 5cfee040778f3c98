"""The default head of several labels: a logistic regression each, all of one penalty.

Axes: n picture, v view of a picture, d feature, k label.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from foveal.arrays import Doubles, Hashes, Rows, Truths
from foveal.evaluation.label_regression import cross_entropy, fit_regressions
from foveal.targets.head import FittedHead, Vectors
from foveal.targets.label_strata import strata_of
from foveal.targets.logistic import (
    FOLDS,
    ITERATIONS,
    TOLERANCE,
    Teacher,
    fitted_head,
)


def fit_label_head(
    features_vnd: Vectors,
    truths_nk: Truths,
    units_n: Hashes,
    *,
    label_weights: Doubles | None,
    sample_weights_n: np.ndarray[Any, Any] | None,
    seed: int,
    threads: int,
    C: float | None = None,
    judged: bool = True,
) -> FittedHead:
    """Choose the penalty by cross-validation and fit a head on all pictures.

    Parameters
    ----------
    features_vnd, units_n, seed, threads, C, judged
        As in `foveal.targets.logistic.fit_head`.
    truths_nk : array of bool
        Which pictures bear each label. One that none bears, or all do, is said of none, or of all.
    label_weights : array, (2, k), optional
        What each label weighs in the loss where it is absent, and where it is there.
    sample_weights_n : array, optional
        Weight of each picture in the loss.
    """
    strata_n = _large(strata_of(truths_nk))
    return fitted_head(
        features_vnd,
        strata_n,
        units_n,
        lambda scaled: _LabelTeacher(scaled, truths_nk, label_weights, sample_weights_n),
        seed=seed,
        threads=threads,
        C=C,
        judged=judged,
    )


def _large(strata_n: Rows) -> Rows:
    """Join strata that are too small to stand in every fold."""
    sizes = np.bincount(strata_n)
    small = np.flatnonzero(sizes < FOLDS)
    if len(small) and sizes[small].sum() < FOLDS:
        small = np.append(small, sizes.argmax())
    joined = np.where(np.isin(strata_n, small), len(sizes), strata_n)
    return np.unique(joined, return_inverse=True)[1]


class _Start:
    """Where a fit begins: at the last one of the same pictures."""

    found: Doubles | None = None


class _LabelTeacher(Teacher):
    """Fits a logistic regression for each label, all at once: their losses add up."""

    def __init__(
        self,
        features_vnd: Vectors,
        truths_nk: Truths,
        label_weights: Doubles | None,
        sample_weights_n: np.ndarray[Any, Any] | None,
    ) -> None:
        self.features_vnd, self.truths_nk = features_vnd, truths_nk
        self.label_weights, self.outputs = label_weights, truths_nk.shape[1]
        self.weights_n = np.full(len(truths_nk), 1 / len(features_vnd))
        if sample_weights_n is not None:
            self.weights_n = self.weights_n * sample_weights_n

    def learner(self) -> _Start:
        """Return what keeps the last weights."""
        return _Start()

    def fitted(
        self, learner: _Start, rows: Rows, C: float
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Fit on some pictures; see `Teacher`."""
        views = len(self.features_vnd)
        learner.found = fit_regressions(
            np.concatenate([view[rows] for view in self.features_vnd]),
            np.tile(self.truths_nk[rows], (views, 1)),
            C=C,
            weights_n1=np.tile(self._of_labels(rows) * self.weights_n[rows, None], (views, 1)),
            iterations=ITERATIONS,
            tolerance=TOLERANCE,
            start=learner.found,
        )
        return learner.found[:, :-1], learner.found[:, -1]

    def losses(self, logits_nk: np.ndarray[Any, Any], rows: Rows) -> np.ndarray[Any, Any]:
        """Compute the cross-entropy of some pictures, the mean over their labels."""
        found: np.ndarray[Any, Any] = (
            cross_entropy(logits_nk, self.truths_nk[rows]) * self._of_labels(rows)
        ).mean(axis=1)
        return found

    def slopes(self, logits_nk: Doubles, rows: Rows) -> tuple[float, Doubles]:
        """Compute the weighted cross-entropies, and their derivative; see `Teacher`."""
        weights, truths_nk = (
            self._of_labels(rows) * self.weights_n[rows, None],
            self.truths_nk[rows],
        )
        loss = float((weights * cross_entropy(logits_nk, truths_nk)).sum())
        return loss, weights * (expit(logits_nk) - truths_nk)

    @property
    def total(self) -> float:
        """Weights of all pictures together, in all views, each the mean over its labels."""
        means = self._of_labels(np.arange(len(self.truths_nk))).mean(axis=1)
        return float((means * self.weights_n).sum()) * len(self.features_vnd) or 1.0

    def _of_labels(self, rows: Rows) -> Doubles:
        """Return what each label of some pictures weighs, (rows, k)."""
        if self.label_weights is None:
            return np.ones((1, 1))
        absent, there = self.label_weights
        found: Doubles = np.where(self.truths_nk[rows], there, absent)
        return found
