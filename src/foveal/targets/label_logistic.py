"""The default head of several labels: a logistic regression each, all of one penalty.

Axes: n picture, v view of a picture, d feature, k label.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from foveal.arrays import Doubles, Floats, Hashes, Rows, Truths
from foveal.evaluation.label_thresholds import cross_entropy
from foveal.targets.label_strata import strata_of
from foveal.targets.logistic import (
    FOLDS,
    ITERATIONS,
    TOLERANCE,
    LogisticHead,
    Teacher,
    fitted_head,
)

MEMORY = 10
"""Steps that L-BFGS remembers, as in scikit-learn."""


def fit_label_head(
    features_vnd: Floats,
    truths_nk: Truths,
    units_n: Hashes,
    *,
    label_weights: Doubles | None,
    sample_weights_n: np.ndarray[Any, Any] | None,
    seed: int,
    threads: int,
    C: float | None = None,
    judged: bool = True,
) -> LogisticHead:
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
        strata=int(strata_n.max(initial=-1)) + 1,
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

    parameters: np.ndarray[Any, Any] | None = None


class _LabelTeacher(Teacher):
    """Fits a logistic regression for each label, all at once: their losses add up."""

    def __init__(
        self,
        features_vnd: Floats,
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
        """Fit on some pictures; see `Teacher`. Biases are not penalised, as in scikit-learn."""
        features = np.concatenate([view[rows] for view in self.features_vnd])
        weights = self._weights(rows)
        total = float(self.weights_n[rows].sum()) * len(self.features_vnd)
        truths = np.tile(self.truths_nk[rows], (len(self.features_vnd), 1))
        shape = self.outputs, features.shape[1] + 1
        penalty = 1 / (C * total)

        def objective(flat: Doubles) -> tuple[float, Doubles]:
            found = flat.reshape(shape)
            kernels = found[:, :-1].astype(np.float32)
            logits = features @ kernels.T + found[:, -1]
            losses = float((weights * cross_entropy(logits, truths)).sum()) / total
            slopes = weights * (expit(logits) - truths) / total
            gradient = np.empty(shape)
            gradient[:, :-1] = slopes.astype(np.float32).T @ features + penalty * found[:, :-1]
            gradient[:, -1] = slopes.sum(axis=0)
            return losses + penalty / 2 * float((found[:, :-1] ** 2).sum()), gradient.ravel()

        first = np.zeros(shape).ravel() if learner.parameters is None else learner.parameters
        options = {"maxiter": ITERATIONS, "gtol": TOLERANCE, "maxcor": MEMORY, "maxls": 50}
        found = minimize(objective, first, jac=True, method="L-BFGS-B", options=options)
        learner.parameters = found.x
        kept = found.x.reshape(shape)
        return kept[:, :-1], kept[:, -1]

    def losses(self, logits_nk: np.ndarray[Any, Any], rows: Rows) -> np.ndarray[Any, Any]:
        """Compute the cross-entropy of some pictures, the mean over their labels."""
        found: np.ndarray[Any, Any] = (
            cross_entropy(logits_nk, self.truths_nk[rows]) * self._of_labels(rows)
        ).mean(axis=1)
        return found

    def _of_labels(self, rows: Rows) -> Doubles:
        """Return what each label of some pictures weighs, (rows, k)."""
        if self.label_weights is None:
            return np.ones((1, 1))
        absent, there = self.label_weights
        found: Doubles = np.where(self.truths_nk[rows], there, absent)
        return found

    def _weights(self, rows: Rows) -> Doubles:
        """Return what each label of each view of some pictures weighs, (views * rows, k or 1)."""
        each = self._of_labels(rows) * self.weights_n[rows, None]
        return np.tile(each, (len(self.features_vnd), 1))
