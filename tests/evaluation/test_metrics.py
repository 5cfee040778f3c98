"""Metrics against scikit-learn, calibration against a loop, intervals that hold their value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from foveal.evaluation.intervals import Estimate, wilson
from foveal.evaluation.metrics import Metrics, calibration_error, metrics
from support.traced import traced


def answers(seed: int, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Random probabilities, rather right than wrong, and true classes; some may not occur."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, classes, count)
    logits = generator.normal(size=(count, classes))
    logits[np.arange(count), codes] += 1
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True), codes


def judged(seed: int, count: int, classes: int) -> tuple[Metrics, np.ndarray, np.ndarray]:
    probabilities, codes = answers(seed, count, classes)
    labels = [f"class {code}" for code in range(classes)]
    return metrics(probabilities, codes, labels), probabilities, codes


sizes = {"seed": st.integers(0, 10_000), "count": st.integers(2, 60), "classes": st.integers(2, 6)}


@settings(max_examples=30)
@given(**sizes)
def test_values_agree_with_scikit_learn(seed: int, count: int, classes: int) -> None:
    found, probabilities, codes = judged(seed, count, classes)
    called = probabilities.argmax(axis=1)
    every = np.arange(classes)
    there = np.unique(codes)
    either = np.union1d(codes, called)
    recall = oracle.recall_score(codes, called, labels=there, average="macro", zero_division=0)
    f1 = oracle.f1_score(codes, called, labels=either, average="macro", zero_division=0)
    assert found.pictures == count
    assert found.accuracy.value == pytest.approx(oracle.accuracy_score(codes, called))
    assert found.balanced_accuracy.value == pytest.approx(recall)
    assert found.macro_f1.value == pytest.approx(f1)
    log_loss = oracle.log_loss(codes, probabilities, labels=every)
    assert found.log_loss.value == pytest.approx(log_loss)
    wanted = oracle.confusion_matrix(codes, called, labels=every)
    np.testing.assert_array_equal(found.confusion, wanted)


@settings(max_examples=30)
@given(**sizes)
def test_each_class_agrees_with_scikit_learn(seed: int, count: int, classes: int) -> None:
    found, probabilities, codes = judged(seed, count, classes)
    called = probabilities.argmax(axis=1)
    wanted = oracle.precision_recall_fscore_support(
        codes, called, labels=np.arange(classes), zero_division=np.nan
    )
    for index, scores in enumerate(found.classes):
        precision, recall, f1, support = (column[index] for column in wanted)
        assert scores.label == f"class {index}"
        assert scores.pictures == support
        assert scores.precision.value == pytest.approx(precision, nan_ok=True)
        assert scores.recall.value == pytest.approx(recall, nan_ok=True)
        if support + (called == index).sum():
            assert scores.f1 == pytest.approx(f1)
        else:
            assert math.isnan(scores.f1)


@settings(max_examples=60)
@given(**sizes)
def test_intervals_hold_their_value(seed: int, count: int, classes: int) -> None:
    found, _, _ = judged(seed, count, classes)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss"):
        estimate: Estimate = getattr(found, name)
        assert estimate.low <= estimate.value <= estimate.high, name


def test_intervals_cover_the_truth() -> None:
    held = dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1", "log_loss"), 0)
    truth, _, _ = judged(0, 200_000, 3)
    for seed in range(1, 61):
        found, _, _ = judged(seed, 300, 3)
        for name in held:
            estimate = getattr(found, name)
            held[name] += estimate.low <= getattr(truth, name).value <= estimate.high
    # 95 % of 60 is 57; 50 or fewer would come by chance once in 10 000
    assert min(held.values()) > 50, held


def test_two_classes_have_a_ranking_and_more_have_none() -> None:
    found, probabilities, codes = judged(3, 50, 2)
    assert found.roc_area.value == pytest.approx(oracle.roc_auc_score(codes, probabilities[:, 1]))
    for index, scores in enumerate(found.classes):
        wanted = oracle.average_precision_score(codes == index, probabilities[:, index])
        assert scores.average_precision.value == pytest.approx(wanted)
    more, _, _ = judged(3, 50, 3)
    assert more.roc_area is None and more.classes[0].average_precision is None


def test_accuracy_has_the_wilson_interval() -> None:
    found, probabilities, codes = judged(3, 50, 3)
    right = int((probabilities.argmax(axis=1) == codes).sum())
    assert found.accuracy == wilson(right, 50)


def test_being_sure_and_wrong_costs_much_but_not_infinity() -> None:
    found = metrics(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1, 0]), ["a", "b"])
    assert found.log_loss.value == pytest.approx(-math.log(1e-15) / 2)


def test_the_same_pictures_give_the_same_intervals() -> None:
    one, other = judged(1, 40, 3)[0], judged(1, 40, 3)[0]
    assert (one.balanced_accuracy, one.macro_f1) == (other.balanced_accuracy, other.macro_f1)


def slow_calibration_error(probabilities: np.ndarray, codes: np.ndarray, bins: int) -> float:
    """Sort by certainty, deal out into bins as equal as can be, the larger ones first."""
    rows = sorted(
        (max(row), int(np.argmax(row)) == code)
        for row, code in zip(probabilities.tolist(), codes.tolist(), strict=True)
    )
    bins = min(bins, len(rows))
    total, start = 0.0, 0
    for index in range(bins):
        size = len(rows) // bins + (index < len(rows) % bins)
        part = rows[start : start + size]
        start += size
        sure = sum(row[0] for row in part) / size
        right = sum(row[1] for row in part) / size
        total += size / len(rows) * abs(sure - right)
    return total


@given(
    seed=st.integers(0, 999),
    count=st.integers(1, 80),
    classes=st.integers(2, 5),
    bins=st.integers(1, 20),
)
def test_calibration_error_agrees_with_a_slow_loop(
    seed: int, count: int, classes: int, bins: int
) -> None:
    probabilities, codes = answers(seed, count, classes)
    found = calibration_error(probabilities, codes, bins)
    assert found == pytest.approx(slow_calibration_error(probabilities, codes, bins))


def test_calibration_error_of_known_cases() -> None:
    certain = np.tile([1.0, 0.0], (100, 1))
    assert calibration_error(certain, np.zeros(100, dtype=int)) == 0
    assert calibration_error(certain, np.ones(100, dtype=int)) == 1
    boastful = np.tile([0.9, 0.1], (100, 1))
    assert calibration_error(boastful, np.arange(100) % 2) == pytest.approx(0.4, abs=0.05)


def test_many_classes_fit_into_the_memory_of_a_laptop() -> None:
    probabilities, codes = answers(0, 500, 100)
    *_, peak = traced(lambda: metrics(probabilities, codes, [str(code) for code in range(100)]))
    # 10,000 classes need 10,000 times as much of each k * k table: 3 of 80 kB here are 2.4 GB there
    assert peak < 1e6, f"{peak / 1e6:.1f} MB"


def test_a_class_alone_is_always_right() -> None:
    found = metrics(np.ones((5, 1)), np.zeros(5, np.int64), ["a"])
    assert (found.accuracy.value, found.macro_f1.value, found.macro_f1.high) == (1, 1, 1)
    assert 0 < found.macro_f1.low < 1
