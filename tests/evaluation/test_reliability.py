"""Calibration and accuracy on what is answered, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve as of_scikit_learn

from foveal.evaluation.intervals import wilson
from foveal.evaluation.metrics import calibration_error
from foveal.evaluation.reliability import accuracy_by_answered, calibration_curve


def drawn(count: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and classes drawn by them: calibrated by construction."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet([0.5] * classes, count)
    ids = np.array([generator.choice(classes, p=row) for row in probabilities])
    return probabilities, ids


def told(probabilities: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How sure each answer is, and whether it is right."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == ids


def test_the_curve_is_that_of_scikit_learn_and_adds_up_to_the_error() -> None:
    probabilities, ids = drawn(400, 2)
    sure, right = told(probabilities, ids)
    bins = calibration_curve(sure, right, 8)
    shares, means = of_scikit_learn(right, sure, n_bins=8, strategy="quantile")
    assert [one.right.value for one in bins] == pytest.approx(shares, abs=0.03)
    assert [one.sure for one in bins] == pytest.approx(means, abs=0.02)
    assert sum(one.pictures for one in bins) == 400
    gaps = sum(one.pictures * abs(one.sure - one.right.value) for one in bins) / 400
    assert gaps == pytest.approx(calibration_error(probabilities, ids, 8))


def test_of_calibrated_probabilities_nearly_all_intervals_hold_the_diagonal() -> None:
    bins = calibration_curve(*told(*drawn(6_000)), 20)
    inside = sum(one.right.low <= one.sure <= one.right.high for one in bins)
    assert inside >= 17


def test_accuracy_on_what_is_answered_is_counted_by_thresholds() -> None:
    sure, right = told(*drawn(300))
    points = accuracy_by_answered(sure, right, 20)
    assert len(points) == 20 and points[-1].share == 1
    assert [one.share for one in points] == sorted(one.share for one in points)
    for one in points:
        answered = sure >= one.least
        assert one.pictures == answered.sum() == round(300 * one.share)
        assert one.accuracy == wilson(float(right[answered].sum()), float(answered.sum()))


def test_equal_probabilities_are_answered_together() -> None:
    (point,) = accuracy_by_answered(np.full(10, 0.7), np.ones(10, bool))
    assert (point.share, point.accuracy.value) == (1, 1)


def test_what_belongs_together_widens_the_intervals() -> None:
    sure, right = told(*drawn(200))
    for curve in (calibration_curve, accuracy_by_answered):
        narrow = curve(sure, right, 5)[-1]
        wide = curve(sure, right, 5, worth=0.25)[-1]
        name = "right" if curve is calibration_curve else "accuracy"
        one, other = getattr(narrow, name), getattr(wide, name)
        assert other.high - other.low > 1.5 * (one.high - one.low) and one.value == other.value


def test_without_pictures_there_is_nothing() -> None:
    nothing = np.empty(0), np.empty(0, bool)
    assert calibration_curve(*nothing) == () == accuracy_by_answered(*nothing)
