"""Intervals against SciPy, and by how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

from foveal.evaluation.intervals import (
    Estimate,
    cross_validated_number,
    effective_number,
    mean,
    resampled_mean,
    wilson,
)


def test_large_numbers_are_written_out() -> None:
    assert Estimate(924.0, 821.2, 1034.6).plain() == "924 (821 to 1,035)"
    assert Estimate(0.01234, -1e9, 999.6).plain() == "0.0123 (-1e+09 to 1,000)"


@given(
    total=st.integers(1, 10_000), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99])
)
def test_wilson_agrees_with_scipy(total: int, share: float, level: float) -> None:
    right = round(share * total)
    wanted = binomtest(right, total).proportion_ci(level, method="wilson")
    found = wilson(right, total, level)
    assert found.value == right / total
    np.testing.assert_allclose([found.low, found.high], [wanted.low, wanted.high], atol=1e-12)


def test_wilson_holds_its_value_always() -> None:
    for total in range(1, 120):
        for right in range(total + 1):
            found = wilson(right, total)
            assert 0 <= found.low <= found.value <= found.high <= 1, (right, total)


def test_wilson_of_nothing_is_ignorance() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0, 1)


def test_mean_is_the_normal_approximation() -> None:
    values = np.random.default_rng(0).exponential(size=50)
    found = mean(values)
    error = norm.ppf(0.975) * math.sqrt(((values - values.mean()) ** 2).sum() / 49 / 50)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - error, values.mean() + error))


def test_the_mean_of_one_value_is_unsure() -> None:
    assert mean(np.array([3.0])) == Estimate(3.0, -math.inf, math.inf)


def test_texts() -> None:
    assert Estimate(0.925, 0.919, 0.9304).percent() == "92.5 % (91.9 to 93.0 %)"
    assert Estimate(0.21149, 0.195, 0.2281).plain() == "0.211 (0.195 to 0.228)"


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.999])
@pytest.mark.parametrize(("units", "each"), [(32, 5), (10, 40)])
def test_intervals_of_answers_that_hang_together_cover(
    units: int, each: int, alike: float, share: float
) -> None:
    generator = np.random.default_rng(0)
    of = np.repeat(np.arange(units), each)
    covered, plain, repeats = 0, 0, 400
    for _ in range(repeats):
        spread = (1 - alike) / max(alike, 1e-9)
        chance = generator.beta(share * spread, (1 - share) * spread, units)
        right = generator.random(units * each) < chance[of]
        worth = effective_number(right, of)
        assert 1 <= worth <= len(right)
        found = wilson(right.mean() * worth, worth)
        covered += found.low <= share <= found.high
        naive = wilson(int(right.sum()), len(right))
        plain += naive.low <= share <= naive.high
    assert covered >= 0.92 * repeats
    assert alike == 0 or plain < 0.9 * repeats, "the case needs no correction"


def test_answers_that_stand_alone_are_worth_their_number() -> None:
    right = np.array([True, False, True, True])
    assert effective_number(right, np.arange(4)) == 4.0
    assert effective_number(np.ones(200, dtype=bool), np.repeat(np.arange(40), 5)) < 60


def cross_validated(count: int, signal: float, generator: np.random.Generator) -> tuple[int, float]:
    """Judge class means in five folds, each class evenly; how many are right, and what is true."""
    y = np.where(np.arange(count) % 2, 1.0, -1.0)
    fold = np.arange(count) // 2 % 5
    features = generator.standard_normal((count, 60))
    features[:, 0] += signal * y
    taught = (fold[:, None] != fold) @ (features * y[:, None])  # by all folds but one's own
    whole = y @ features
    truth = norm.cdf(signal * whole[0] / np.linalg.norm(whole))
    return int(((taught * features).sum(axis=1) * y > 0).sum()), float(truth)


@pytest.mark.parametrize("signal", [0.0, 1.0, 2.5])
def test_intervals_of_a_cross_validation_cover(signal: float) -> None:
    generator, count, repeats = np.random.default_rng(0), 40, 1_000
    covered, plain = 0, 0
    for _ in range(repeats):
        right, truth = cross_validated(count, signal, generator)
        worth = cross_validated_number(right / count, count)
        found = wilson(right / count * worth, worth)
        covered += found.low <= truth <= found.high
        naive = wilson(right, count)
        plain += naive.low <= truth <= naive.high
    assert covered >= 0.92 * repeats
    assert signal or plain < 0.9 * repeats, "the case needs no correction"


def test_worth_widens_an_interval_and_leaves_its_share_alone() -> None:
    for total in range(1, 60):
        for right in range(total + 1):
            found = wilson(right, total, worth=0.7)
            assert found.value == right / total and 0 <= found.low <= found.value <= found.high <= 1
    wanted = wilson(18, 30)
    found = wilson(30, 50, worth=0.6)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_a_cross_validation_is_worth_more_the_more_is_right() -> None:
    found = [cross_validated_number(share, 1_000) / 1_000 for share in (0.5, 0.9, 0.99, 1.0)]
    assert found[0] == pytest.approx(1 / (1 + 2 / math.pi))
    assert found == sorted(found) and found[-1] < 1
    assert 1 / found[2] == pytest.approx(1.08, abs=0.02)
    assert cross_validated_number(0.2, 50) == pytest.approx(cross_validated_number(0.8, 50))


def test_splits_that_share_no_picture_are_as_strangers_and_others_are_worth_less() -> None:
    values = np.array([0.3, 0.5, 0.1, 0.45])
    error = values.std(ddof=1) / math.sqrt(4)
    found = resampled_mean(values, 0.0)
    wanted = t.interval(0.95, 3, values.mean(), error)
    np.testing.assert_allclose([found.low, found.high], wanted)
    wider = resampled_mean(values, 0.25)  # 1 / 4 + 1 / 4 is twice 1 / 4
    assert wider.high - wider.value == pytest.approx(math.sqrt(2) * (found.high - found.value))
    assert resampled_mean(values[:1], 0.25) == Estimate(0.3, -math.inf, math.inf)
