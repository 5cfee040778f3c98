"""ROC area and average precision: against loops, and how often their intervals hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from foveal.evaluation.ranking import average_precision, roc_area


def pairs(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of pairs in the right order, ties by half."""
    wins = [
        (one > other) + (one == other) / 2
        for one in scores[positive].tolist()
        for other in scores[~positive].tolist()
    ]
    return sum(wins) / len(wins)


def precisions(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision at each threshold, weighted by what recall gains there."""
    total, before = 0.0, 0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        called = scores >= threshold
        right = int((called & positive).sum())
        total += (right - before) / positive.sum() * right / called.sum()
        before = right
    return total


@given(scores=st.lists(st.integers(0, 6), min_size=4, max_size=25), seed=st.integers(0, 100))
def test_values_agree_with_loops(scores: list[int], seed: int) -> None:
    given = np.array(scores) / 6
    positive = np.random.default_rng(seed).random(len(given)) < 0.4
    positive[:2] = True, False
    area, average = roc_area(given, positive), average_precision(given, positive)
    assert area.value == pytest.approx(pairs(given, positive))
    assert average.value == pytest.approx(precisions(given, positive))
    for found in (area, average):
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_area_of_the_other_class_is_the_same() -> None:
    generator = np.random.default_rng(0)
    scores, positive = generator.random(40), generator.random(40) < 0.3
    one, other = roc_area(scores, positive), roc_area(-scores, ~positive)
    assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high))


def test_all_told_apart_is_not_certain() -> None:
    positive = np.arange(20) < 8
    area, average = roc_area(positive * 1.0, positive), average_precision(positive * 1.0, positive)
    assert area.value == area.high == average.value == average.high == 1
    assert 0.7 < area.low < 0.97 and 0.6 < average.low < 0.97
    worst = roc_area(1 - positive * 1.0, positive)
    assert worst.value == worst.low == 0 and 0.03 < worst.high < 0.3


def test_one_class_alone_says_nothing() -> None:
    scores = np.linspace(0, 1, 5)
    for positive in (np.ones(5, bool), np.zeros(5, bool)):
        found = roc_area(scores, positive)
        assert math.isnan(found.value) and (found.low, found.high) == (0, 1)
    assert math.isnan(average_precision(scores, np.zeros(5, bool)).value)


@pytest.mark.parametrize(
    ("above", "below", "apart"), [(50, 50, 1.5), (5, 95, 1.5), (20, 20, 0.7), (10, 190, 3.0)]
)
def test_the_area_is_held_about_as_often_as_is_said(above: int, below: int, apart: float) -> None:
    generator, held, draws = np.random.default_rng(0), 0, 300
    positive = np.arange(above + below) < above
    truth = norm.cdf(apart / math.sqrt(2))
    for _ in range(draws):
        found = roc_area(generator.normal(apart * positive), positive)
        held += found.low <= truth <= found.high
    # 95 % of 300 are 285; 272 or fewer would come by chance once in a thousand
    assert held > 272, held
