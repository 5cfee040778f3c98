"""What a classifier is judged by. Each number comes with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.evaluation.intervals import (
    Estimate,
    Floats,
    from_confusion,
    mean,
    wilson,
)

Ints = np.ndarray[Any, np.dtype[np.int64]]
BINS = 15
"""Bins of the calibration error, equally filled."""
LEAST_PROBABILITY = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores:
    """How one class fares."""

    label: str
    pictures: int
    precision: Estimate
    """Share of the pictures called so that are so."""
    recall: Estimate
    """Share of the pictures that are so that are called so."""
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How a classifier fares on labelled pictures."""

    pictures: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    """Mean recall over the classes that occur."""
    macro_f1: Estimate
    """Mean F1 over the classes that occur or are called."""
    log_loss: Estimate
    """Natural logarithm."""
    calibration_error: float
    """Expected calibration error, top class, equally filled bins."""
    confusion: Ints
    """(true class, class called), counts."""
    classes: tuple[ClassScores, ...]


def metrics(probabilities_nk: Floats, class_ids_n: Ints, labels: list[str]) -> Metrics:
    """Judge probabilities against true class numbers.

    Parameters
    ----------
    probabilities_nk : array of float, (n, k)
        Rows sum to 1.
    class_ids_n : array of int, (n,)
        True class numbers.
    labels : list of str
        Names of the k classes.
    """
    called = probabilities_nk.argmax(axis=1)
    count = len(labels)
    confusion = np.bincount(class_ids_n * count + called, minlength=count * count)
    confusion = confusion.reshape(count, count).astype(np.int64)
    picked = np.clip(
        probabilities_nk[np.arange(len(class_ids_n)), class_ids_n], LEAST_PROBABILITY, 1
    )
    return Metrics(
        pictures=len(class_ids_n),
        accuracy=wilson(int(np.trace(confusion)), len(class_ids_n)),
        balanced_accuracy=from_confusion(confusion, _balanced_accuracy),
        macro_f1=from_confusion(confusion, _macro_f1),
        log_loss=mean(-np.log(picked), least=0.0),
        calibration_error=calibration_error(probabilities_nk, class_ids_n),
        confusion=confusion,
        classes=tuple(_class_scores(confusion, index, label) for index, label in enumerate(labels)),
    )


def calibration_error(probabilities_nk: Floats, class_ids_n: Ints, bins: int = BINS) -> float:
    """Average how far being sure is from being right (Naeini, Cooper and Hauskrecht, 2015).

    The expected calibration error of the class called.

    Bins hold equally many pictures, so that none is decided by a handful.
    """
    if not len(class_ids_n):
        return float("nan")
    sure = probabilities_nk.max(axis=1)
    right = probabilities_nk.argmax(axis=1) == class_ids_n
    order = np.argsort(sure, kind="stable")
    gaps = [
        len(part) * abs(float(sure[part].mean()) - float(right[part].mean()))
        for part in np.array_split(order, min(bins, len(order)))
        if len(part)
    ]
    return sum(gaps) / len(class_ids_n)


def _balanced_accuracy(right: Floats, there: Floats, called: Floats) -> Floats:
    return _mean_known(right, there)


def _macro_f1(right: Floats, there: Floats, called: Floats) -> Floats:
    return _mean_known(2 * right, there + called)


def _mean_known(above: Floats, below: Floats) -> Floats:
    """Average quotients over the classes where there is something to divide by."""
    known = below > 0
    quotients = np.where(known, above / np.maximum(below, 1), 0.0)
    found: Floats = quotients.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return found


def _class_scores(confusion: Ints, index: int, label: str) -> ClassScores:
    right = int(confusion[index, index])
    there, called = int(confusion[index].sum()), int(confusion[:, index].sum())
    return ClassScores(
        label=label,
        pictures=there,
        precision=wilson(right, called),
        recall=wilson(right, there),
        f1=2 * right / (there + called) if there + called else float("nan"),
    )
