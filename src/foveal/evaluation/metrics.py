"""What a classifier is judged by. Each number comes with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles, Integers, Rows, Truths
from foveal.evaluation.called import Called
from foveal.evaluation.composed import mean_f1, mean_recall
from foveal.evaluation.confusion import Confusion
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
    confusion: Confusion
    """Counts by true class and class called."""
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
    called = Called.of(probabilities_nk, class_ids_n)
    rankings = _rankings(probabilities_nk, class_ids_n, worth)
    return metrics_of(called, class_ids_n, labels, worth, rankings)


Rankings = tuple[Estimate | None, dict[int, Estimate]]
"""ROC area of two classes, and average precision of either; None and nothing of more."""


def metrics_of(
    called: Called,
    class_ids_n: Integers,
    labels: list[str],
    worth: float = 1.0,
    rankings: Rankings = (None, {}),
) -> Metrics:
    """Judge what pictures were called; see `metrics`."""
    confusion = Confusion.of(class_ids_n, called.classes, len(labels))
    counted = confusion.times(worth)
    held = confusion.right, confusion.there, confusion.so
    area, averages = rankings
    return Metrics(
        pictures=len(class_ids_n),
        accuracy=wilson(float(held[0].sum()), len(class_ids_n), worth=worth),
        balanced_accuracy=mean_recall(counted),
        macro_f1=mean_f1(counted),
        log_loss=mean(log_losses(called.true), least=0.0, worth=worth),
        roc_area=area,
        calibration_error=gap_of_sureness(called.sure, called.right(class_ids_n)),
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
    return log_losses(probabilities_nk[np.arange(len(class_ids_n)), class_ids_n])


def log_losses(true_n: Doubles) -> Doubles:
    """Compute the same of the probabilities of the true classes, (n,)."""
    found: Doubles = -np.log(np.clip(true_n, LEAST_PROBABILITY, 1))
    return found


def _rankings(probabilities_nk: Doubles, class_ids_n: Integers, worth: float) -> Rankings:
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
    called = Called.of(probabilities_nk, class_ids_n)
    return gap_of_sureness(called.sure, called.right(class_ids_n), bins)


def gap_of_sureness(sure_n: Doubles, right_n: Truths, bins: int = BINS) -> float:
    """Compute the same of how sure each answer is, and whether it is right."""
    if not len(sure_n):
        return float("nan")
    gaps = [
        len(part) * abs(float(sure_n[part].mean()) - float(right_n[part].mean()))
        for part in sureness_bins(sure_n, bins)
    ]
    return sum(gaps) / len(sure_n)


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
