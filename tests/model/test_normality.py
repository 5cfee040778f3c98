"""What usual pictures are like: distances against SciPy, thresholds against a plain loop."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis

from foveal import DataError, UsageError
from foveal.evaluation.conformal import rank_of, threshold_of
from foveal.model.normal import SHRINKAGE, Normality, spread


def normality(codes: np.ndarray) -> Normality:
    mean, whitening = spread(codes)
    nothing = np.empty(0)
    return Normality(mean=mean, whitening=whitening, errors=nothing, distances=nothing)


def correlated(count: int, size: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, size)) @ generator.normal(size=(size, size)) + 5


@settings(max_examples=30)
@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 1_000))
def test_distances_are_those_of_mahalanobis(count: int, size: int, seed: int) -> None:
    codes, others = correlated(count, size, seed), correlated(5, size, seed + 1)
    covariance = np.atleast_2d(np.cov(codes.T, bias=True))
    covariance += SHRINKAGE * np.trace(covariance) / size * np.eye(size)
    inverse = np.linalg.inv(covariance)
    wanted = [mahalanobis(one, codes.mean(axis=0), inverse) / size**0.5 for one in others]
    np.testing.assert_allclose(normality(codes).distance(others), wanted, rtol=1e-6)


def test_codes_like_those_of_the_training_lie_about_one_away() -> None:
    codes = np.random.default_rng(0).normal(7, [0.5, 1, 2, 1, 3], (500, 5))
    found = normality(codes).distance(codes)
    assert np.sqrt((found**2).mean()) == pytest.approx(1, abs=0.01)
    assert found.std() < 0.5


def test_a_number_that_never_varied_makes_whatever_differs_far() -> None:
    codes = correlated(50, 3)
    codes[:, 1] = 2.0
    usual, unusual = np.array([5.0, 2.0, 5.0]), np.array([5.0, 9.0, 5.0])
    near, far = normality(codes).distance(np.array([usual, unusual]))
    assert near < 2 and 20 < far < np.inf


@pytest.mark.parametrize("codes", [np.full((9, 3), 7.0), np.full((1, 2), 7.0), np.ones((4, 1))])
def test_codes_that_are_all_the_same_have_distances(codes: np.ndarray) -> None:
    found = normality(codes)
    assert found.distance(codes).max() == 0
    assert 1 < found.distance(codes + 1).min() < np.inf


# Thresholds -------------------------------------------------------------------------------


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


# Tensors ----------------------------------------------------------------------------------


def full(size: int = 3, held_out: int = 7) -> Normality:
    generator = np.random.default_rng(0)
    mean, whitening = spread(correlated(20, size))
    return Normality(
        mean=mean,
        whitening=whitening,
        errors=generator.random(held_out),
        distances=generator.random(held_out),
    )


@pytest.mark.parametrize("held_out", [0, 1, 7])
def test_tensors_bring_everything_back(held_out: int) -> None:
    found = full(held_out=held_out)
    again = Normality.of_tensors(found.tensors(), 3)
    assert again is not None
    for name in ("mean", "whitening", "errors", "distances"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
        assert getattr(again, name).dtype == np.float64


@pytest.mark.parametrize("name", ["mean", "whitening", "errors", "distances"])
def test_tensors_that_are_missing_or_of_other_shapes_are_nothing(name: str) -> None:
    tensors = full().tensors()
    key = f"normal/{name}"
    for other in (None, tensors[key][None], tensors[key][:-1], torch.tensor(1.0)):
        given = {**tensors, key: other}
        if other is None:
            del given[key]
        assert Normality.of_tensors(given, 3) is None
    assert Normality.of_tensors(tensors, 4) is None


def test_a_rate_near_one_takes_the_lowest_score() -> None:
    assert rank_of(149, 1 - 1e-13) == 1
