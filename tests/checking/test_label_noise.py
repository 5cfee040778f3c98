"""Wrong ones among several labels, told from errors of a classifier whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from foveal.arrays import Doubles, Truths
from foveal.checking.label_noise import Noise, doubt_notes, doubted_sets, fit_noise

COUNT, LABELS = 20_000, 4
WRONG = 0.01
SLOPE = 1.5


@pytest.fixture(scope="module")
def drawn() -> tuple[Doubles, Truths, Truths]:
    """Draw logits of labels, which are flatter than they should be, and which are wrong."""
    draws = np.random.default_rng(0)
    logits = draws.normal(0, 5, (COUNT, LABELS))
    truths = draws.random(logits.shape) < expit(SLOPE * logits)
    wrong = draws.random(logits.shape) < WRONG
    return logits, truths ^ wrong, wrong


def test_the_share_of_wrong_labels_and_the_curve_of_errors_are_found(drawn) -> None:
    logits, labels, _ = drawn
    noise = fit_noise(logits, labels)
    assert noise.wrong == pytest.approx(WRONG, rel=0.1)
    assert noise.slope == pytest.approx(SLOPE, rel=0.05)
    assert abs(noise.shift) < 0.1


def test_as_many_labels_are_wrong_as_their_probabilities_say(drawn) -> None:
    logits, labels, wrong = drawn
    sure = fit_noise(logits, labels).probabilities(logits, labels)
    for low, high in ((0.05, 0.3), (0.3, 0.7), (0.7, 0.95), (0.95, 1.0)):
        these = (sure > low) & (sure <= high)
        deviation = np.sqrt(sure[these].mean() * (1 - sure[these].mean()) / these.sum())
        assert abs(wrong[these].mean() - sure[these].mean()) < 4 * deviation + 0.02, (low, high)


def test_as_many_of_the_wrong_ones_are_noticed_as_is_said(drawn) -> None:
    logits, labels, wrong = drawn
    noise = fit_noise(logits, labels)
    doubted = noise.probabilities(logits, labels) > 0.5
    assert doubted[wrong].mean() == pytest.approx(
        noise.noticed(logits, labels).mean(), abs=4 * np.sqrt(0.25 / wrong.sum())
    )


def test_the_probability_of_a_wrong_label_is_that_of_bayes() -> None:
    noise = Noise(0.01, 2.0, 0.5)
    # true with expit(2 * 1 + 0.5): absent it is there and wrong, or is rightly absent
    there = expit(2.5)
    expected = 0.01 * there / (0.01 * there + 0.99 * (1 - there))
    found = noise.probabilities(np.array([[1.0, -1.0]]), np.array([[False, True]]))
    assert found[0, 0] == pytest.approx(expected)
    assert found[0, 1] == pytest.approx(
        0.01 * expit(1.5) / (0.01 * expit(1.5) + 0.99 * expit(-1.5))
    )


def test_labels_that_nothing_contradicts_are_not_doubted() -> None:
    draws = np.random.default_rng(1)
    logits = draws.normal(0, 4, (2_000, 3))
    labels = draws.random(logits.shape) < expit(logits)
    noise = fit_noise(logits, labels)
    assert noise.wrong < 0.003
    assert len(doubted_sets(noise.probabilities(logits, labels), labels)) <= 2


def test_several_labels_of_a_picture_are_doubted_together_the_surest_first() -> None:
    sure = np.array([[0.1, 0.2], [0.7, 0.6], [0.1, 0.95], [0.5, 0.0], [0.4, 0.3]])
    labels = np.array([[1, 0], [0, 1], [0, 1], [1, 1], [0, 0]], dtype=bool)
    found = doubted_sets(sure, labels)
    assert [(one.row, [(x.label, x.there, x.sure) for x in one.labels]) for one in found] == [
        (2, [(1, True, 0.95)]),
        (1, [(0, False, 0.7), (1, True, 0.6)]),
        (4, [(0, False, 0.4), (1, False, 0.3)]),  # 0.58 that one of both is
    ]
    assert [one.sure for one in found] == pytest.approx([0.955, 0.88, 0.58])


def test_notes_say_how_many_are_wrong_and_of_what_nothing_is_noticed() -> None:
    draws = np.random.default_rng(2).random((40_000, 10)) < 0.8
    low, high = np.quantile(draws.sum(axis=1), (0.025, 0.975)).astype(int)
    notes = list(doubt_notes([0.8] * 10, np.array([0.9, 0.05]), ["coat", "shirt"]))
    assert notes == [
        f"of 10 pictures with several labels that look wrong about 8 should be ({low} to {high})",
        "of wrong ones among several labels about 48 % would be noticed",
        "a wrong shirt would seldom be noticed: the network does not tell when it is there",
    ]
    assert "a, b, c, d, e and 2 others" in list(doubt_notes([], np.zeros(7), list("abcdefg")))[-1]
