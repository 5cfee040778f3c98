"""What usual pictures are like: distances against SciPy, thresholds against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import mahalanobis

from foveal.model.normal import SHRINKAGE, NormalStats, spread


def normal(codes: np.ndarray) -> NormalStats:
    mean, whitening = spread(codes)
    nothing = np.empty(0)
    return NormalStats(mean=mean, whitening=whitening, errors=nothing, distances=nothing)


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
    np.testing.assert_allclose(normal(codes).distance(others), wanted, rtol=1e-6)


def test_codes_like_those_of_the_training_lie_about_one_away() -> None:
    codes = np.random.default_rng(0).normal(7, [0.5, 1, 2, 1, 3], (500, 5))
    found = normal(codes).distance(codes)
    assert np.sqrt((found**2).mean()) == pytest.approx(1, abs=0.01)
    assert found.std() < 0.5


def test_a_number_that_never_varied_makes_whatever_differs_far() -> None:
    codes = correlated(50, 3)
    codes[:, 1] = 2.0
    usual, unusual = np.array([5.0, 2.0, 5.0]), np.array([5.0, 9.0, 5.0])
    near, far = normal(codes).distance(np.array([usual, unusual]))
    assert near < 2 and 20 < far < np.inf


@pytest.mark.parametrize("codes", [np.full((9, 3), 7.0), np.full((1, 2), 7.0), np.ones((4, 1))])
def test_codes_that_are_all_the_same_have_distances(codes: np.ndarray) -> None:
    found = normal(codes)
    assert found.distance(codes).max() == 0
    assert 1 < found.distance(codes + 1).min() < np.inf


# Tensors ----------------------------------------------------------------------------------


def full(size: int = 3, held_out: int = 7) -> NormalStats:
    generator = np.random.default_rng(0)
    mean, whitening = spread(correlated(20, size))
    return NormalStats(
        mean=mean,
        whitening=whitening,
        errors=generator.random(held_out),
        distances=generator.random(held_out),
    )


@pytest.mark.parametrize("held_out", [0, 1, 7])
def test_tensors_bring_everything_back(held_out: int) -> None:
    found = full(held_out=held_out)
    again = NormalStats.of_tensors(found.tensors(), 3)
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
        assert NormalStats.of_tensors(given, 3) is None
    assert NormalStats.of_tensors(tensors, 4) is None
