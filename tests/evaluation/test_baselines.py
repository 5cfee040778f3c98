"""Baselines reach what pixels allow, on the pictures they are given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from foveal.evaluation import baselines as module
from foveal.evaluation.baselines import (
    MOST_PIXELS,
    as_vectors,
    cross_fit_baselines,
    majority,
)
from foveal.evaluation.intervals import wilson

Toy = tuple[np.ndarray, np.ndarray]


def separable(count: int, seed: int, shape: tuple[int, int, int] = (8, 8, 1)) -> Toy:
    """Bright left half or bright right half."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 60, (count, *shape)).astype(np.uint8)
    codes = np.arange(count) % 2
    half = shape[1] // 2
    images[codes == 0, :, :half] += 150
    images[codes == 1, :, half:] += 150
    return images, codes


def fit_baselines(*fold: np.ndarray) -> list[module.Baseline]:
    """Fit and judge the baselines of one fold."""
    return cross_fit_baselines([fold])  # type: ignore[list-item]


def names(baselines: list[module.Baseline]) -> list[str]:
    return [baseline.name for baseline in baselines]


def test_baselines_reach_what_they_should() -> None:
    baselines = fit_baselines(*separable(40, 0), *separable(30, 1))
    assert names(baselines) == [
        "majority class",
        "nearest neighbour on pixels",
        "logistic regression on pixels",
    ]
    assert [baseline.estimate.value for baseline in baselines] == [0.5, 1, 1]
    assert [baseline.estimate for baseline in baselines] == [
        wilson(right, 30) for right in (15, 30, 30)
    ]
    assert {baseline.trained_on for baseline in baselines} == {40}


def test_baselines_reach_no_more_than_chance_on_noise() -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (600, 6, 6, 1), dtype=np.uint8)
    codes = generator.integers(0, 2, 600)
    for baseline in fit_baselines(images[:300], codes[:300], images[300:], codes[300:]):
        assert 0.38 < baseline.estimate.value < 0.62  # 4 standard deviations


def test_baselines_of_several_folds_are_less_sure() -> None:
    images = np.random.default_rng(3).random((40, 4, 4, 1))
    codes, fold = np.arange(40) % 2, np.arange(40) // 2 % 2
    sides = [(fold != one, fold == one) for one in (0, 1)]
    parts = [(images[a], codes[a], images[b], codes[b]) for a, b in sides]
    for whole, first, second in zip(
        cross_fit_baselines(parts), *(cross_fit_baselines([one]) for one in parts), strict=True
    ):
        right = round(20 * (first.estimate.value + second.estimate.value))
        assert whole.estimate.value == right / 40
        alone = wilson(right, 40)
        assert 1.1 < (whole.estimate.high - whole.estimate.low) / (alone.high - alone.low) < 1.28


def test_nearest_neighbour_agrees_with_a_loop() -> None:
    generator = np.random.default_rng(1)
    train = generator.random((30, 4, 4, 1))
    test = generator.random((20, 4, 4, 1))
    codes, wanted = generator.integers(0, 3, 30), generator.integers(0, 3, 20)
    right = 0
    for picture, code in zip(test, wanted, strict=True):
        gaps = [float(((picture - other) ** 2).sum()) for other in train]
        right += int(codes[int(np.argmin(gaps))] == code)
    assert fit_baselines(train, codes, test, wanted)[1].estimate == wilson(right, 20)


@given(
    train=st.lists(st.integers(0, 4), min_size=1, max_size=50),
    test=st.lists(st.integers(0, 4), min_size=1, max_size=50),
)
def test_majority_is_exact(train: list[int], test: list[int]) -> None:
    counts = np.bincount(train, minlength=5)
    found = majority(counts, np.array(test))
    most = max(range(5), key=lambda code: (train.count(code), -code))
    assert found.estimate.value == test.count(most) / len(test)
    assert found.trained_on == len(train)


def test_one_class_has_one_baseline() -> None:
    images, _ = separable(10, 0)
    assert names(fit_baselines(images, np.zeros(10, int), images, np.zeros(10, int))) == [
        "majority class"
    ]


def test_many_pictures_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PICTURES", 11)
    images, codes = separable(101, 0)
    seen: list[np.ndarray] = []
    real = KNeighborsClassifier.fit

    def spy(self: KNeighborsClassifier, X: np.ndarray, y: np.ndarray) -> KNeighborsClassifier:
        seen.append(X)
        return real(self, X, y)

    monkeypatch.setattr(KNeighborsClassifier, "fit", spy)
    codes[::20] = 1  # or every tenth would be of one class
    baselines = fit_baselines(images, codes, images, codes)
    assert [baseline.trained_on for baseline in baselines] == [101, 11, 11]
    np.testing.assert_allclose(seen[0], as_vectors(images[::10], images[::10].mean()), atol=1e-4)


@pytest.mark.parametrize(
    "shape", [(1, 2000, 1), (2000, 8, 1), (3, 700, 1), (1, 3000, 3), (64, 64, 3)]
)
def test_any_shape_can_be_climbed(shape: tuple[int, int, int]) -> None:
    baselines = fit_baselines(*separable(20, 0, shape), *separable(20, 1, shape))
    assert [baseline.estimate.value for baseline in baselines] == [0.5, 1, 1]


def test_floats_far_from_zero_are_told_apart() -> None:
    (train, train_codes), (test, test_codes) = separable(40, 0), separable(30, 1)
    baselines = fit_baselines(train / 255 + 1e9, train_codes, test / 255 + 1e9, test_codes)
    assert [baseline.estimate.value for baseline in baselines] == [0.5, 1, 1]


@settings(max_examples=60)
@given(height=st.integers(1, 90), width=st.integers(1, 90), channels=st.integers(1, 4))
def test_vectors_are_means_of_blocks(height: int, width: int, channels: int) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    vectors = as_vectors(images)
    assert 1 <= vectors.shape[1] <= MOST_PIXELS
    if height * width * channels <= MOST_PIXELS:
        np.testing.assert_array_equal(vectors, images.reshape(2, -1))
    first = np.unique([images[0, :block, :block, 0].mean() for block in range(1, 91)])
    assert np.abs(first - vectors[0, 0]).min() < 1e-3


def test_blocks_by_hand() -> None:
    images = np.zeros((1, 64, 64, 1), dtype=np.uint8)
    images[0, :2, 2:4, 0] = [[0, 4], [8, 4]]
    vectors = as_vectors(images)
    assert vectors.shape == (1, 32 * 32)
    assert vectors[0, 1] == 4


def test_pictures_that_belong_together_widen_the_interval_of_a_baseline() -> None:
    counts, test = np.array([5, 3]), np.repeat([0, 1], 100)
    alone, together = majority(counts, test).estimate, majority(counts, test, 0.25).estimate
    quarter = majority(counts, np.repeat([0, 1], 25)).estimate
    assert alone.value == together.value == quarter.value == 0.5
    assert (together.low, together.high) == pytest.approx((quarter.low, quarter.high))
    assert together.high - together.low > 1.8 * (alone.high - alone.low)
