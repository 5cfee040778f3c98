"""What a classifier is judged by. Each number comes with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles, Integers, Rows
from foveal.evaluation.composed import mean_f1, mean_recall
from foveal.evaluation.intervals import Estimate, mean, wilson
from foveal.evaluation.ranking import average_precision, roc_area

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
    average_precision: Estimate | None = None
    """Area under precision and recall, of two classes; None of more."""


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
    roc_area: Estimate | None
    """Area under the ROC curve, of two classes; None of more."""
    calibration_error: float
    """Expected calibration error, top class, equally filled bins."""
    confusion: Integers
    """(true class, class called), counts."""
    classes: tuple[ClassScores, ...]


def metrics(
    probabilities_nk: Doubles, class_ids_n: Integers, labels: list[str], worth: float = 1.0
) -> Metrics:
    """Judge probabilities against true class numbers.

    Parameters
    ----------
    probabilities_nk : array of float, (n, k)
        Rows sum to 1.
    class_ids_n : array of int, (n,)
        True class numbers.
    labels : list of str
        Names of the k classes.
    worth : float
        Independent pictures that each is worth, at most 1: less where some belong together (see
        `foveal.evaluation.intervals.effective_number`). It widens the intervals.
    """
    called = probabilities_nk.argmax(axis=1)
    count = len(labels)
    cells = np.bincount(class_ids_n * count + called, minlength=count * count)
    confusion: Integers = cells.reshape(count, count).astype(np.int64, copy=False)
    counted: Integers | Doubles = (
        confusion if worth == 1 else np.multiply(worth, confusion, dtype=np.float64)
    )  # no copy of many classes
    held = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    area, averages = _rankings(probabilities_nk, class_ids_n, worth)
    return Metrics(
        pictures=len(class_ids_n),
        accuracy=wilson(float(held[0].sum()), len(class_ids_n), worth=worth),
        balanced_accuracy=mean_recall(counted),
        macro_f1=mean_f1(counted),
        log_loss=mean(losses(probabilities_nk, class_ids_n), least=0.0, worth=worth),
        roc_area=area,
        calibration_error=calibration_error(probabilities_nk, class_ids_n),
        confusion=confusion,
        classes=tuple(
            _class_scores(right, there, so, worth, label, averages.get(index))
            for index, (label, right, there, so) in enumerate(
                zip(labels, *(one.tolist() for one in held), strict=True)
            )
        ),
    )


def losses(probabilities_nk: Doubles, class_ids_n: Integers) -> Doubles:
    """Compute the log loss of each picture, natural logarithm, (n,)."""
    picked = probabilities_nk[np.arange(len(class_ids_n)), class_ids_n]
    found: Doubles = -np.log(np.clip(picked, LEAST_PROBABILITY, 1))
    return found


def _rankings(
    probabilities_nk: Doubles, class_ids_n: Integers, worth: float
) -> tuple[Estimate | None, dict[int, Estimate]]:
    """Return the ROC area of two classes, and the average precision of either."""
    if probabilities_nk.shape[1] != 2:
        return None, {}
    averages = {
        one: average_precision(probabilities_nk[:, one], class_ids_n == one, worth)
        for one in (0, 1)
    }
    return roc_area(probabilities_nk[:, 1], class_ids_n == 1, worth), averages


def calibration_error(probabilities_nk: Doubles, class_ids_n: Integers, bins: int = BINS) -> float:
    """Average how far being sure is from being right (Naeini, Cooper and Hauskrecht, 2015).

    The expected calibration error of the class called.

    Bins hold equally many pictures, so that none is decided by a handful.
    """
    if not len(class_ids_n):
        return float("nan")
    sure = probabilities_nk.max(axis=1)
    right = probabilities_nk.argmax(axis=1) == class_ids_n
    gaps = [
        len(part) * abs(float(sure[part].mean()) - float(right[part].mean()))
        for part in sureness_bins(sure, bins)
    ]
    return sum(gaps) / len(class_ids_n)


def sureness_bins(sure_n: Doubles, bins: int) -> list[Rows]:
    """Deal pictures into bins of equally many, in the order of their probabilities.

    Parameters
    ----------
    sure_n : array of float, (n,)
        Probability of the class called of each picture.
    bins : int
        Bins, at most.

    Returns
    -------
    list of arrays of int
        Rows of the pictures of each bin; none is empty.
    """
    order = np.argsort(sure_n, kind="stable")
    return np.array_split(order, min(bins, len(order))) if len(order) else []


def _class_scores(
    right: int, there: int, called: int, worth: float, label: str, average: Estimate | None
) -> ClassScores:
    return ClassScores(
        label=label,
        pictures=there,
        precision=wilson(right, called, worth=worth),
        recall=wilson(right, there, worth=worth),
        f1=2 * right / (there + called) if there + called else float("nan"),
        average_precision=average,
    )
