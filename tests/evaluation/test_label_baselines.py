"""What pixels alone reach where pictures bear several labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from foveal.evaluation.label_baselines import cross_fit_label_baselines, most_frequent


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise with a bright quarter for each of three labels; the last corner says nothing."""
    generator = np.random.default_rng(seed)
    there = generator.random((count, 3)) < (0.6, 0.5, 0.1)
    images = generator.normal(60, 30, (count, 8, 8, 1))
    for at, (top, left) in enumerate([(0, 0), (0, 4), (4, 0)]):
        images[there[:, at], top : top + 4, left : left + 4] += 60
    return np.clip(images, 0, 255).astype(np.uint8), there


def test_baselines_are_judged_by_the_micro_f1_of_the_same_pictures() -> None:
    train, test = pictures(300, 0), pictures(200, 1)
    found = cross_fit_label_baselines([(*train, *test)])
    assert [one.name for one in found] == [
        "most frequent labels",
        "nearest neighbour on pixels",
        "logistic regression on pixels",
    ]
    assert {one.measure for one in found} == {"micro F1"}
    assert [one.trained_on for one in found] == [300] * 3
    always, nearest, regression = (one.estimate.value for one in found)
    constant = np.zeros_like(test[1])
    constant[:, :2] = True  # of the third label it would be wrong nine times in ten
    assert always == pytest.approx(f1_score(test[1], constant, average="micro"))
    distances = (
        (test[0].reshape(200, 1, -1).astype(float) - train[0].reshape(1, 300, -1)) ** 2
    ).sum(axis=2)
    same = train[1][distances.argmin(axis=1)]
    assert nearest == pytest.approx(f1_score(test[1], same, average="micro"))
    assert min(regression, nearest) > always


def test_folds_are_judged_together_and_hang_together() -> None:
    train, test = pictures(200, 0), pictures(100, 1)
    half = (*train, test[0][:50], test[1][:50]), (*train, test[0][50:], test[1][50:])
    whole, folds = (cross_fit_label_baselines(one) for one in ([(*train, *test)], half))
    for one, other in zip(whole, folds, strict=True):
        assert one.estimate.value == pytest.approx(other.estimate.value)
        assert other.estimate.high - other.estimate.low > one.estimate.high - one.estimate.low


def test_without_training_pictures_the_most_frequent_label_is_the_answer() -> None:
    _, there = pictures(100, 0)
    found = most_frequent(np.array([5, 9, 1]), there)
    constant = np.zeros_like(there)
    constant[:, 1] = True
    assert found.estimate.value == pytest.approx(f1_score(there, constant, average="micro"))


def test_pictures_that_belong_together_widen_the_interval() -> None:
    there = np.tile([[True, False], [True, True]], (50, 1))
    alone, together = (most_frequent(np.array([5, 2]), there, one).estimate for one in (1.0, 0.25))
    assert alone.value == together.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
