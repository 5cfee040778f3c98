"""Baselines: what pixels alone reach without a network, on the same pictures.

A person should see whether a network earns its cost. Each baseline is fitted on training pictures
and judged on the very pictures that the network is judged on. scikit-learn is imported where they
are fitted: who looks into a network waits for none of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Array, Integers
from foveal.evaluation.intervals import Estimate, cross_validated_number, wilson

MOST_PICTURES = 10_000
"""Training pictures a baseline is fitted on, at most, evenly spaced."""
MOST_PIXELS = 1_024
"""Numbers a picture is reduced to, at most, by averaging blocks."""
ACCURACY, MICRO_F1 = "accuracy", "micro F1"
SHARES = (ACCURACY, MICRO_F1, "macro F1", "mean average precision", "exact matches")
"""Measures that are written as percentages."""
LOGISTIC = "logistic regression on pixels"
MOST_CLASSES = 1_000
"""Classes up to which a logistic regression is fitted: of more it takes gigabytes and minutes."""
ITERATIONS = 50
"""Iterations of the logistic regression; it need not converge to the last digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One baseline and how it fares."""

    name: str
    measure: str
    """What is estimated: "accuracy", "micro F1" or "mean absolute error"."""
    estimate: Estimate
    trained_on: int
    """Training pictures it was fitted on."""

    def written(self) -> str:
        """Write how it fares, with its interval."""
        return written(self.measure, self.estimate)


def written(measure: str, estimate: Estimate) -> str:
    """Write what is estimated: shares as percentages."""
    return estimate.percent() if measure in SHARES else estimate.plain()


Fold = tuple[Array, Array, Array, Array]
"""Pictures to fit on with what is true of them, such as class numbers, and pictures to judge with
theirs."""


def cross_fit_baselines(folds: Iterable[Fold], worth: float = 1.0) -> list[Baseline]:
    """Fit majority class, nearest neighbour and logistic regression in each fold, and judge them.

    They are judged on the pictures of all folds together.

    Those that cannot be fitted in every fold are left out.

    Parameters
    ----------
    folds : iterable
        Pictures to fit on with their class numbers, and pictures to judge with theirs.
    worth : float
        Independent pictures that each judged one is worth, as some belong together; at most 1.
    """
    found = [list(_fitted(*fold)) for fold in folds]
    return [
        Baseline(
            name=parts[0].name,
            measure=ACCURACY,
            estimate=_accuracy(parts, worth),
            trained_on=max(one.trained_on for one in parts),
        )
        for parts in zip(*found, strict=False)  # a later one is never there without those before
    ]


def majority(class_counts: Integers, test_ids: Integers, worth: float = 1.0) -> Baseline:
    """Judge the answer that is always the most frequent training class; `worth` as above."""
    found = _majority(class_counts, test_ids)
    return Baseline(
        name=found.name,
        measure=ACCURACY,
        estimate=wilson(found.right, found.judged, worth=worth),
        trained_on=found.trained_on,
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """How often a baseline is right in one fold."""

    name: str
    right: int
    judged: int
    trained_on: int


def _accuracy(parts: Sequence[_Answers], worth: float) -> Estimate:
    """Share of right answers; those of several folds hang together."""
    judged = sum(one.judged for one in parts)
    right = sum(one.right for one in parts)
    if len(parts) > 1:
        worth = cross_validated_number(right / judged, worth * judged) / judged
    return wilson(right, judged, worth=worth)


def _majority(class_counts: Integers, test_ids: Integers) -> _Answers:
    right = int((test_ids == int(np.argmax(class_counts))).sum())
    return _Answers("majority class", right, len(test_ids), int(class_counts.sum()))


def _fitted(
    train_images: Array, train_ids: Integers, test_images: Array, test_ids: Integers
) -> Iterator[_Answers]:
    from sklearn.exceptions import ConvergenceWarning

    yield _majority(np.bincount(train_ids), test_ids)
    most = min(len(train_ids), MOST_PICTURES)
    picked = np.linspace(0, len(train_ids) - 1, most).round().astype(np.intp)
    class_ids = train_ids[picked]
    if len(np.unique(class_ids)) < 2:
        return
    middle = float(np.mean(train_images[picked], dtype=np.float64))
    train, test = (as_vectors(one, middle) for one in (train_images[picked], test_images))
    learners = _learners()
    if len(np.unique(class_ids)) > MOST_CLASSES:
        del learners[LOGISTIC]
    for name, learner in learners.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            learner.fit(train, class_ids)
        right = int((learner.predict(test) == test_ids).sum())
        yield _Answers(name, right, len(test_ids), most)


def _learners() -> dict[str, Any]:
    """Return classifiers of pixels, by name."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "nearest neighbour on pixels": KNeighborsClassifier(1, algorithm="brute"),
        LOGISTIC: make_pipeline(
            StandardScaler(), LogisticRegression(C=0.01, max_iter=ITERATIONS, tol=1e-3)
        ),
    }


def as_vectors(images: Array, middle: float = 0.0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Lay pictures out as rows of at most about `MOST_PIXELS` numbers, averaging blocks.

    `middle` is taken off first, in double precision: it matters far from zero.
    """
    count, height, width, channels = images.shape
    block = 1
    while len(range(0, height, block)) * len(range(0, width, block)) * channels > MOST_PIXELS:
        block += 1
    down, across = min(block, height), min(block, width)
    rows, columns = height // down, width // across
    cut = images[:, : rows * down, : columns * across].astype(np.float64)
    cut -= middle
    blocks = cut.reshape(count, rows, down, columns, across, channels)
    vectors = blocks.mean(axis=(2, 4), dtype=np.float64).reshape(count, -1)
    found: np.ndarray[Any, np.dtype[np.float32]] = vectors.astype(np.float32)
    return found
