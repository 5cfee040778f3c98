"""Intervals of mean recall and mean F1: values by hand, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.evaluation.composed import mean_f1, mean_recall
from foveal.evaluation.confusion import Confusion
from foveal.evaluation.intervals import Estimate, wilson

FIGURES = {
    "recall": lambda matrix: mean_recall(Confusion.of_matrix(matrix)),
    "f1": lambda matrix: mean_f1(Confusion.of_matrix(matrix)),
}


def by_hand(confusion: np.ndarray) -> dict[str, float]:
    """Mean recall and mean F1, class by class."""
    recalls, f1s = [], []
    for index in range(len(confusion)):
        right, there = confusion[index, index], confusion[index].sum()
        called = confusion[:, index].sum()
        if there:
            recalls.append(right / there)
        if there + called:
            f1s.append(2 * right / (there + called))
    return {"recall": float(np.mean(recalls)), "f1": float(np.mean(f1s))}


@given(cells=st.lists(st.integers(0, 40), min_size=9, max_size=9).filter(any))
def test_values_are_means_over_classes_and_lie_within(cells: list[int]) -> None:
    confusion = np.array(cells).reshape(3, 3)
    for name, value in by_hand(confusion).items():
        found = FIGURES[name](confusion)
        assert found.value == pytest.approx(value)
        assert 0 <= found.low <= found.value <= found.high <= 1, name


@given(right=st.integers(0, 30), wrong=st.integers(0, 30).filter(bool))
def test_of_one_class_the_interval_is_wilsons(right: int, wrong: int) -> None:
    found, wanted = (
        mean_recall(Confusion.of_matrix([[right, wrong], [0, 0]])),
        wilson(right, right + wrong),
    )
    assert found.value == wanted.value
    assert found.low >= wanted.low - 1e-12 and found.high <= wanted.high + 1e-12


def test_none_of_three_rare_pictures_found_allows_no_more_than_their_recall_does() -> None:
    found = mean_recall(Confusion.of_matrix([[97, 0], [3, 0]]))
    assert found.value == 0.5
    assert 0.7 < found.high <= (1 + wilson(0, 3).high) / 2 < 0.79
    assert (wilson(97, 97).low + 0) / 2 <= found.low < 0.49


@pytest.mark.parametrize("name", FIGURES)
def test_without_an_error_one_is_still_unsure(name: str) -> None:
    few, many = (FIGURES[name](np.diag([count, count])) for count in (10, 1_000))
    assert few.value == many.value == few.high == many.high == 1
    assert 0.8 < few.low < 0.95 and 0.995 < many.low < 1


@pytest.mark.parametrize("name", FIGURES)
def test_of_many_pictures_the_interval_is_the_bootstraps(name: str) -> None:
    confusion = np.array([[900, 60, 40], [30, 250, 20], [10, 30, 60]])
    draws = np.random.default_rng(0).multinomial(
        confusion.sum(), confusion.ravel() / confusion.sum(), 3_000
    )
    values = [by_hand(draw.reshape(3, 3))[name] for draw in draws]
    found = FIGURES[name](confusion)
    low, high = np.quantile(values, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.005)


SITUATIONS = {
    "balanced": (100, [0.5, 0.5], [[0.9, 0.1], [0.2, 0.8]]),
    "rare and badly found": (100, [0.97, 0.03], [[0.98, 0.02], [0.6, 0.4]]),
    "rare and well found": (100, [0.97, 0.03], [[0.99, 0.01], [0.1, 0.9]]),
    "one without error": (60, [1 / 3] * 3, [[1, 0, 0], [0, 0.7, 0.3], [0, 0.2, 0.8]]),
    "one that never occurs": (
        100,
        [0.6, 0.4, 0],
        [[0.9, 0.05, 0.05], [0.1, 0.85, 0.05], [0, 0, 1]],
    ),
    "ten of ten": (100, [0.1] * 10, (0.8 - 0.2 / 9) * np.eye(10) + 0.2 / 9),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_truth_is_held_about_as_often_as_is_said(situation: str) -> None:
    pictures, shares, called = SITUATIONS[situation]
    truth = np.array(shares)[:, None] * np.array(called)
    generator, held, draws = np.random.default_rng(0), dict.fromkeys(FIGURES, 0), 300
    for _ in range(draws):
        confusion = generator.multinomial(pictures, truth.ravel()).reshape(truth.shape)
        there, seen = confusion.any(axis=1), confusion.any(axis=1) | confusion.any(axis=0)
        f1s = 2 * np.diag(truth) / (truth.sum(axis=0) + truth.sum(axis=1))
        wanted = {"recall": np.diag(called)[there].mean(), "f1": f1s[seen].mean()}
        for name, figure in FIGURES.items():
            found: Estimate = figure(confusion)
            held[name] += found.low <= wanted[name] <= found.high
    # 95 % of 300 are 285; 272 or fewer, or all, would come by chance once in a thousand
    assert all(272 < count < 300 for count in held.values()), held
