"""Probabilities of labels, and from which of them on a label is given."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import f1_score

from foveal.evaluation.label_thresholds import (
    best_thresholds,
    fit_label_temperature,
    label_probabilities,
)


def test_the_threshold_is_the_one_of_the_highest_f1() -> None:
    generator = np.random.default_rng(0)
    there = generator.random((200, 3)) < (0.5, 0.2, 0.1)
    probabilities = np.clip(0.3 * there + generator.random((200, 3)) * 0.6, 0, 1).round(2)
    found, chosen = best_thresholds(probabilities, there)
    assert chosen.all()
    for at in range(3):
        tried = [
            f1_score(there[:, at], probabilities[:, at] > one) for one in np.arange(0.0025, 1, 0.01)
        ]
        own = f1_score(there[:, at], probabilities[:, at] > found[at])
        assert own == pytest.approx(max(tried))


def test_of_calibrated_probabilities_it_is_half_of_f1() -> None:
    generator = np.random.default_rng(1)
    probabilities = generator.beta(0.6, 2.0, (40_000, 1))
    there = generator.random((40_000, 1)) < probabilities
    (found,), _ = best_thresholds(probabilities, there)
    assert found == pytest.approx(f1_score(there, probabilities > found) / 2, abs=0.03)


def test_few_pictures_with_a_label_or_without_choose_no_threshold() -> None:
    there = np.zeros((40, 3), dtype=bool)
    there[:9, 0] = there[:31, 1] = there[:10, 2] = True
    found, chosen = best_thresholds(np.where(there, 0.4, 0.2), there)
    assert chosen.tolist() == [False, False, True]
    assert found.tolist() == [0.5, 0.5, pytest.approx(0.3)]


def test_the_temperature_brings_logits_back_to_what_was_drawn() -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(-1, 2, (3_000, 4))
    there = generator.random(logits.shape) < expit(logits)
    assert fit_label_temperature(3 * logits, there) == pytest.approx(3, rel=0.1)
    assert fit_label_temperature(logits, there) == pytest.approx(1, rel=0.1)
    np.testing.assert_allclose(label_probabilities(logits, 2.0), expit(logits / 2))


def test_no_temperature_is_fitted_on_few_pictures_and_none_runs_away_without_errors() -> None:
    there = np.eye(9, 4, dtype=bool)
    assert fit_label_temperature(np.where(there, 1.0, -1.0), there) == 1.0
    there = np.arange(400).reshape(100, 4) % 3 == 0
    found = fit_label_temperature(np.where(there, 1.0, -1.0), there)
    assert 0.05 < found < 1  # surer, but not wholly sure
