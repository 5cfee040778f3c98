"""Figures of numbers: the values of scikit-learn and SciPy, intervals that hold, any range."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from foveal.evaluation.intervals import Estimate
from foveal.evaluation.number_baselines import constant, cross_fit_number_baselines
from foveal.evaluation.regression import NumberMetrics, number_metrics


def judged(made: np.ndarray, true: np.ndarray, reach: float = 1.0, **more: float) -> NumberMetrics:
    return number_metrics(made, true, low_n=made - reach, high_n=made + reach, stated=0.9, **more)


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    true = generator.normal(10, 3, count)
    return true + generator.normal(0, 2, count), true


def test_figures_are_those_of_scikit_learn_and_scipy() -> None:
    made, true = drawn(300, 0)
    found = judged(made, true)
    assert found.mean_absolute_error.value == pytest.approx(mean_absolute_error(true, made))
    assert found.root_mean_squared_error.value == pytest.approx(root_mean_squared_error(true, made))
    assert found.r2.value == pytest.approx(r2_score(true, made))
    assert found.spearman.value == pytest.approx(spearmanr(true, made).statistic)
    assert found.coverage is not None
    assert found.coverage.value == pytest.approx(np.mean(np.abs(made - true) <= 1))
    assert found.width == pytest.approx(2.0)


@pytest.mark.parametrize(
    "name", ["mean_absolute_error", "root_mean_squared_error", "r2", "spearman"]
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(name: str) -> None:
    truth: float = getattr(judged(*drawn(200_000, 1)), name).value
    held = 0
    for seed in range(200):
        found: Estimate = getattr(judged(*drawn(120, 100 + seed)), name)
        held += found.low <= truth <= found.high
    assert 0.90 <= held / 200 <= 0.99  # 95 %, give or take 3 standard deviations


def test_intervals_widen_where_pictures_belong_together() -> None:
    made, true = drawn(100, 3)
    alone, together = judged(made, true), judged(made, true, worth=0.25)
    for name in ("mean_absolute_error", "r2", "spearman", "coverage"):
        one, other = getattr(alone, name), getattr(together, name)
        assert 1.6 < (other.high - other.low) / (one.high - one.low) < 2.6


def test_numbers_of_any_size_have_the_same_figures() -> None:
    made, true = drawn(50, 4)
    plain, huge = judged(made, true), judged(1e99 * made, 1e99 * true, 1e99)
    assert huge.r2.value == pytest.approx(plain.r2.value)
    assert huge.root_mean_squared_error.low == pytest.approx(
        1e99 * plain.root_mean_squared_error.low
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_has_no_meaning_is_no_number(count: int) -> None:
    found = judged(np.arange(float(count)), np.full(count, 7.0))
    assert np.isnan(found.r2.value) and np.isnan(found.spearman.value)
    assert np.isfinite(found.mean_absolute_error.value)


def test_without_intervals_nothing_is_said_of_them() -> None:
    made, true = drawn(30, 5)
    nothing = np.full(30, np.nan)
    found = number_metrics(made, true, low_n=nothing, high_n=nothing, stated=None)
    assert found.coverage is None and found.width is None and found.stated is None


def test_baselines_are_judged_on_all_folds_together() -> None:
    generator = np.random.default_rng(6)
    images = generator.integers(0, 256, (80, 4, 4, 1), dtype=np.uint8)
    numbers = images.mean(axis=(1, 2, 3)) + 1e30 * 0
    folds = [
        (images[20:], numbers[20:], images[:20], numbers[:20]),
        (images[:60], numbers[:60], images[60:], numbers[60:]),
    ]
    found = {one.name: one for one in cross_fit_number_baselines(folds)}
    assert list(found) == [
        "median",
        "mean",
        "nearest neighbour on pixels",
        "ridge regression on pixels",
    ]
    judged_on = np.concatenate([numbers[:20], numbers[60:]])
    medians = np.repeat([np.median(numbers[20:]), np.median(numbers[:60])], 20)
    wanted = np.abs(judged_on - medians).mean()
    assert found["median"].estimate.value == pytest.approx(wanted)
    assert found["ridge regression on pixels"].estimate.value < 0.3 * wanted
    assert {one.measure for one in found.values()} == {"mean absolute error"}


def test_a_constant_answer_is_off_by_its_distance() -> None:
    found = constant("median", 2.0, np.array([1.0, 5.0]), 30)
    assert found.estimate.value == 2.0 and found.trained_on == 30
    assert found.written() == "2 (0.04 to 3.96)"


def test_numbers_that_belong_together_widen_the_interval_of_a_baseline() -> None:
    true = np.arange(400.0)
    alone, together = (constant("median", 200.0, true, 30, one).estimate for one in (1.0, 0.25))
    assert alone.value == together.value
    assert together.high - together.low == pytest.approx(2 * (alone.high - alone.low))
