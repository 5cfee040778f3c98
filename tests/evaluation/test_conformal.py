"""Thresholds that keep a rate of false alarms: against a plain loop and the Beta distribution."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from foveal.errors import DataError, UsageError
from foveal.evaluation.conformal import rank_of, threshold_of, true_rate


def smallest_that_holds(scores: list[float], rate: Fraction) -> float | None:
    """Try the scores in turn: how often would one more picture lie above, were any order alike?"""
    for rank, score in enumerate(sorted(scores), 1):
        above = Fraction(len(scores) + 1 - rank, len(scores) + 1)
        if above <= rate:
            return score
    return None


@settings(max_examples=300)
@given(st.integers(1, 999), st.integers(1, 160), st.integers(0, 1_000))
def test_the_threshold_is_the_smallest_score_that_holds(
    thousandths: int, count: int, seed: int
) -> None:
    scores = np.random.default_rng(seed).permutation(count).astype(float)
    wanted = smallest_that_holds(scores.tolist(), Fraction(thousandths, 1_000))
    if wanted is not None:
        assert threshold_of(scores, thousandths / 1_000) == wanted
        return
    with pytest.raises(DataError, match="usual pictures: needed at least") as caught:
        threshold_of(scores, thousandths / 1_000)
    enough = int(caught.value.needed.split()[2])
    assert smallest_that_holds([1.0] * enough, Fraction(thousandths, 1_000)) is not None
    assert smallest_that_holds([1.0] * (enough - 1), Fraction(thousandths, 1_000)) is None
    threshold_of(np.ones(enough), thousandths / 1_000)


def test_a_rate_whose_product_is_rounded_up_takes_the_rank_of_the_exact_one() -> None:
    scores = np.arange(1.0, 150.0)  # (1 - 0.18) * 150 is 123, and a hair more in binary
    assert threshold_of(scores, 0.18) == 123


def test_usual_pictures_lie_above_at_the_rate_that_was_asked_for() -> None:
    generator = np.random.default_rng(0)
    alarms = [
        float(generator.random()) > threshold_of(generator.random(29), 0.1) for _ in range(20_000)
    ]
    assert np.mean(alarms) == pytest.approx(0.1, abs=0.007)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, float("nan")])
def test_rates_outside_of_nought_and_one_are_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="false_alarms: needed a rate above 0 and below 1"):
        threshold_of(np.arange(100.0), rate)


def test_no_usual_pictures_are_too_few() -> None:
    with pytest.raises(DataError, match=r"at least 19 .* 0\.05, got 0\..*`false_alarms`"):
        threshold_of(np.empty(0), 0.05)


def test_a_rate_near_one_takes_the_lowest_score() -> None:
    assert rank_of(149, 1 - 1e-13) == 1


@given(st.integers(1, 2000), st.floats(0.001, 0.999))
def test_the_interval_of_the_rate_is_that_of_the_beta_distribution(
    usual: int, false_alarms: float
) -> None:
    rank = int(np.ceil((1 - false_alarms) * (usual + 1) - 1e-9))
    if rank > usual:
        with pytest.raises(DataError, match="that did not teach, for a rate of false alarms"):
            threshold_of(np.arange(usual), false_alarms)
        return
    oracle = beta(usual + 1 - rank, rank)
    found = true_rate(usual, false_alarms)
    assert found.value == pytest.approx(oracle.mean())
    np.testing.assert_allclose([found.low, found.high], oracle.ppf([0.025, 0.975]), rtol=1e-9)
    assert found.low < found.value < found.high and found.value <= false_alarms + 1e-9


def test_the_true_rate_lies_in_its_interval_as_often_as_promised() -> None:
    generator = np.random.default_rng(0)
    found = true_rate(60, 0.1)
    rates = np.array([1 - threshold_of(generator.random(60), 0.1) for _ in range(4000)])
    assert rates.mean() == pytest.approx(found.value, abs=0.003)
    inside = ((rates >= found.low) & (rates <= found.high)).mean()
    assert inside == pytest.approx(0.95, abs=0.012)


@given(st.lists(st.integers(0, 6), min_size=3, max_size=40), st.floats(0.05, 0.9))
def test_exchangeable_scores_exceed_the_threshold_at_most_as_often_as_asked(
    scores: list[int], false_alarms: float
) -> None:
    values = np.array(scores, dtype=float)  # many of them equal
    if np.ceil((1 - false_alarms) * len(values) - 1e-9) > len(values) - 1:
        return
    above = [
        value > threshold_of(np.delete(values, row), false_alarms)
        for row, value in enumerate(values)
    ]
    assert np.mean(above) <= false_alarms + 1e-9
