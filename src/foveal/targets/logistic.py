"""The default head: logistic regression on standardised features, its penalty cross-validated.

Axes: n picture, v view of a picture, d feature, k class.
"""

from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from foveal.arrays import Doubles, Floats, Hashes, Rows
from foveal.pictures.splits import deal
from foveal.pictures.units import majority
from foveal.randomness import generator
from foveal.targets.blocks import FeatureBlocks, descended
from foveal.targets.head import FittedHead, Vectors, standardised

CANDIDATES = tuple(10.0 ** (step / 2) for step in range(-8, 5))
"""Inverse penalties that are tried, from the strongest penalty on, 1e-4 to 1e2."""
DEFAULT_C = 0.01
"""Taken where there are too few pictures to choose."""
FOLDS = 5
WORSE = 2
"""Strengths in a row that must fare worse before the search ends."""
MOST_TO_CHOOSE_BY = 20_000
"""Pictures that choose the penalty, at most; all of them fit the head."""
FEWEST = 50
"""Pictures of a class among these, at least, where it has so many."""
ITERATIONS, TOLERANCE = 500, 1e-4
SMALL = 100_000_000
"""Features times classes below which one thread is faster than two that wait for each other."""


def fit_head(
    features_vnd: Vectors,
    class_ids_n: Rows,
    units_n: Hashes,
    *,
    classes: int,
    class_weights: Floats | None,
    sample_weights_n: np.ndarray[Any, Any] | None = None,
    seed: int,
    threads: int,
    C: float | None = None,
    judged: bool = True,
) -> FittedHead:
    """Choose the penalty by cross-validation and fit a head on all pictures.

    Parameters
    ----------
    features_vnd : array or FeatureBlocks, (views, pictures, features)
        The first view is the picture as it is; it alone is judged. Of blocks the pictures that
        choose the penalty are in memory, and of the rest a block at a time.
    class_ids_n : array of int
        Class number of each picture.
    units_n : array of int64
        Pictures of one unit never stand on two sides of a fold.
    classes : int
        Number of classes.
    class_weights : array, (classes,), optional
        Weight of each class in the loss.
    sample_weights_n : array, optional
        Weight of each picture in the loss, besides that of its class.
    seed : int
        Seed of the folds.
    threads : int
        Threads on the processor.
    C : float, optional
        Inverse of the penalty, where it is not to be chosen.
    judged : bool
        Whether to go through the folds; without, a given C is fitted at once.
    """

    def teacher(scaled_vnd: Vectors) -> _Teacher:
        weights = None if class_weights is None else class_weights.astype(np.float64)
        return _Teacher(scaled_vnd, class_ids_n, classes, weights, sample_weights_n)

    return fitted_head(
        features_vnd,
        class_ids_n,
        units_n,
        teacher,
        seed=seed,
        threads=threads,
        C=C,
        judged=judged,
    )


def fitted_head(
    features_vnd: Vectors,
    strata_n: Rows,
    units_n: Hashes,
    teacher_of: Callable[[Vectors], Teacher],
    *,
    seed: int,
    threads: int,
    C: float | None,
    judged: bool,
) -> FittedHead:
    """Choose the penalty of any such head in folds, and fit it on all pictures.

    Parameters
    ----------
    features_vnd, units_n, seed, threads, C, judged
        As in `fit_head`.
    strata_n : array of int
        What folds hold evenly: of classes these.
    teacher_of : callable
        Gives what fits heads on standardised features.
    """
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scaled, mean, deviation = standardised(features_vnd)
        teacher = teacher_of(scaled)
        work = features_vnd.size * teacher.outputs
        with threadpool_limits(1 if work < SMALL else threads):
            picked = _picked(strata_n, seed)
            fold_of = folds(strata_n[picked], units_n[picked], seed)
            count = int(fold_of.max(initial=-1)) + 1
            logits = np.empty((0, teacher.outputs))
            if count > 1 and judged:
                C, logits = teacher.choose(picked, fold_of, C)
            chosen = DEFAULT_C if C is None else C
            weight, bias = teacher.fit(np.arange(len(strata_n)), chosen)
    return FittedHead(
        weight_kd=(weight / deviation).astype(np.float32),
        bias_k=(bias - weight @ (mean / deviation)).astype(np.float32),
        C=chosen,
        folds=count if len(logits) else 0,
        held_out_outputs_nk=logits,
        held_out=picked[fold_of >= 0] if len(logits) else picked[:0],
        seconds=time.perf_counter() - began,
    )


def _picked(class_ids_n: Rows, seed: int) -> Rows:
    """Draw the pictures that choose the penalty: the same share of each class, a few at least."""
    count = len(class_ids_n)
    if count <= MOST_TO_CHOOSE_BY:
        return np.arange(count)
    drawn: list[Rows] = []
    for code in np.unique(class_ids_n):
        rows = np.flatnonzero(class_ids_n == code)
        wanted = max(round(len(rows) * MOST_TO_CHOOSE_BY / count), min(len(rows), FEWEST))
        order = generator(seed, "choose", int(code)).permutation(rows)
        drawn.append(order[:wanted])
    return np.sort(np.concatenate(drawn))


def folds(class_ids_n: Rows, units_n: Hashes, seed: int) -> Rows:
    """Deal pictures out to folds, each class evenly, the pictures of a unit together.

    As many folds as the smallest class of at least two units has, at most `FOLDS`; see
    `foveal.pictures.splits.deal`.
    """
    unit = np.unique(units_n, return_inverse=True)[1]
    sizes = np.bincount(majority(class_ids_n, unit, int(unit.max(initial=-1)) + 1))
    several = sizes[sizes > 1]
    return deal(class_ids_n, units_n, min(FOLDS, int(several.min(initial=FOLDS))), seed)


class Teacher(ABC):
    """Fits heads on some of the pictures, all views of each."""

    features_vnd: Vectors
    weights_n: np.ndarray[Any, Any]
    """What each picture weighs in the loss."""
    outputs: int
    strictness = 1.0
    """What the penalty is multiplied by where each output has a row of weights."""

    @abstractmethod
    def learner(self) -> Any:
        """Return what fits one head after another, each from where the last one ended."""

    @abstractmethod
    def fitted(
        self, learner: Any, rows: Rows, C: float
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Fit on some pictures; gives weights (k, d) and biases (k,)."""

    @abstractmethod
    def losses(self, logits_nk: np.ndarray[Any, Any], rows: Rows) -> np.ndarray[Any, Any]:
        """Compute the loss of some pictures, (n,)."""

    @abstractmethod
    def slopes(self, logits_nk: Doubles, rows: Rows) -> tuple[float, Doubles]:
        """Compute the weighted loss of some pictures as it is fitted, and its derivative (n, k)."""

    @property
    def total(self) -> float:
        """Weights of all pictures together, in all views."""
        return float(self.weights_n.sum()) * len(self.features_vnd) or 1.0

    def choose(
        self, picked: Rows, fold_of: Rows, asked: float | None
    ) -> tuple[float, np.ndarray[Any, Any]]:
        """Find the C of the least held-out log loss, with the held-out logits."""
        sides = [
            (picked[fold_of != fold], np.flatnonzero(fold_of == fold))
            for fold in range(int(fold_of.max()) + 1)
        ]
        learners = [self.learner() for _ in sides]
        known = np.flatnonzero(fold_of >= 0)
        weights = self.weights_n[picked[known]]
        best: tuple[float, float, Any] | None = None
        worse = 0
        for C in CANDIDATES if asked is None else (asked,):
            logits = np.empty((len(picked), self.outputs))
            for learner, (taught, judged) in zip(learners, sides, strict=True):
                weight, bias = self.fitted(learner, taught, C)
                logits[judged] = self.features_vnd[0, picked[judged]] @ weight.T + bias
            judged_logits = logits[known]
            losses = self.losses(judged_logits, picked[known])
            loss = float(np.average(losses, weights=weights)) if weights.any() else 0.0
            if best is None or loss < best[0]:
                best, worse = (loss, C, judged_logits), 0
            elif (worse := worse + 1) >= WORSE:
                break
        assert best is not None
        return best[1], best[2]

    def fit(self, rows: Rows, C: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Fit on all pictures; gives weights (k, d) and biases (k,)."""
        if not isinstance(self.features_vnd, FeatureBlocks):
            return self.fitted(self.learner(), rows, C)
        return descended(
            self.features_vnd,
            self.slopes,
            self.outputs,
            C=C,
            strictness=self.strictness,
            total=self.total,
            iterations=ITERATIONS,
            tolerance=TOLERANCE,
        )


class _Teacher(Teacher):
    """Fits logistic regressions of classes."""

    def __init__(
        self,
        features_vnd: Vectors,
        class_ids_n: Rows,
        classes: int,
        class_weights: np.ndarray[Any, Any] | None,
        sample_weights_n: np.ndarray[Any, Any] | None,
    ) -> None:
        self.features_vnd, self.class_ids_n, self.outputs = features_vnd, class_ids_n, classes
        self.strictness = 2.0 if classes == 2 else 1.0  # of one row of differences, halved in two
        weights = np.ones(classes) if class_weights is None else class_weights
        self.weights_n = weights[class_ids_n] / len(features_vnd)
        if sample_weights_n is not None:
            self.weights_n = self.weights_n * sample_weights_n

    def learner(self) -> LogisticRegression:
        """Return a logistic regression that goes on from its last weights."""
        return LogisticRegression(max_iter=ITERATIONS, tol=TOLERANCE, warm_start=True)

    def fitted(
        self, learner: LogisticRegression, rows: Rows, C: float
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Fit on some pictures; see `Teacher`."""
        views = len(self.features_vnd)
        learner.C = C
        learner.fit(
            np.concatenate([view[rows] for view in self.features_vnd]),
            np.tile(self.class_ids_n[rows], views),
            np.tile(self.weights_n[rows], views),
        )
        weight = np.asarray(learner.coef_, dtype=np.float64)
        bias = np.asarray(learner.intercept_, dtype=np.float64)
        if self.outputs == 2:  # one row of differences becomes two that differ by it
            return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        return weight, bias

    def losses(self, logits_nk: np.ndarray[Any, Any], rows: Rows) -> np.ndarray[Any, Any]:
        """Compute the log loss of some pictures."""
        found: np.ndarray[Any, Any] = -log_softmax(logits_nk, axis=1)[
            np.arange(len(rows)), self.class_ids_n[rows]
        ]
        return found

    def slopes(self, logits_nk: Doubles, rows: Rows) -> tuple[float, Doubles]:
        """Compute the weighted log loss, and its derivative; see `Teacher`."""
        weights, right = self.weights_n[rows], (np.arange(len(rows)), self.class_ids_n[rows])
        logs = log_softmax(logits_nk, axis=1)
        slopes = np.exp(logs)
        slopes[right] -= 1
        return -float(weights @ logs[right]), slopes * weights[:, None]
