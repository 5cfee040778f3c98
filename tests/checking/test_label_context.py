"""Labels foretold from the picture and its other labels, on vectors that are made for it."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.arrays import Floats, Truths
from foveal.checking.label_context import in_context
from foveal.evaluation.label_regression import fit_regressions

COUNT = 240


@pytest.fixture(scope="module")
def confused() -> tuple[Floats, Truths]:
    """Draw two labels that look the same, at most one a picture, or none, and a third."""
    draws = np.random.default_rng(0)
    kind = draws.integers(0, 3, COUNT)
    labels = np.stack([kind == 0, kind == 1, draws.random(COUNT) < 0.5], axis=1)
    vectors = draws.normal(0, 1, (COUNT, 6))
    vectors[:, 0] += 8 * (kind < 2)
    vectors[:, 1] += 8 * labels[:, 2]
    return vectors.astype(np.float32), labels


def test_what_is_confused_is_told_by_the_other_label(confused) -> None:
    vectors, labels = confused
    found = in_context(vectors, labels, np.arange(COUNT), 1)
    assert found is not None and len(found.rows) == COUNT
    right = (found.logits_mk > 0) == labels[found.rows]
    assert right.mean() > 0.98  # by the vectors alone two of three labels are a guess


def test_a_label_that_is_taken_away_is_contradicted_although_it_is_confused(confused) -> None:
    vectors, labels = confused
    said = labels.copy()
    row = int(np.flatnonzero(labels[:, 0])[0])
    said[row, 0] = False
    found = in_context(vectors, said, np.arange(COUNT), 1)
    assert found is not None
    against = np.where(said[found.rows], -found.logits_mk, found.logits_mk).max(axis=1)
    assert found.rows[against.argmax()] == row


def test_nothing_is_foretold_of_a_picture_by_its_own_unit() -> None:
    draws = np.random.default_rng(1)
    noise = draws.normal(0, 1, (COUNT // 2, 40)).astype(np.float32).repeat(2, axis=0)
    chance = (draws.random((COUNT // 2, 2)) < 0.5).repeat(2, axis=0)
    together = in_context(noise, chance, np.arange(COUNT) // 2, 1)
    assert together is not None
    right = ((together.logits_mk > 0) == chance[together.rows]).mean()
    assert abs(right - 0.5) < 0.1


def test_pictures_of_one_unit_are_not_judged() -> None:
    labels = np.arange(20)[:, None] % 2 == 0
    vectors = np.random.default_rng(2).normal(0, 1, (20, 3)).astype(np.float32)
    assert in_context(vectors, labels, np.zeros(20, np.int64), 1) is None


def test_weights_that_are_not_free_stay_where_they_begin(confused) -> None:
    vectors, labels = confused
    free = np.ones((3, 6), dtype=bool)
    free[0, [1, 4]] = False
    options = {"C": 1.0, "iterations": 200, "tolerance": 1e-6}
    held = fit_regressions(vectors, labels, free_kd=free, **options)
    without = fit_regressions(np.delete(vectors, [1, 4], axis=1), labels, **options)
    assert not held[0, [1, 4]].any()
    assert np.allclose(np.delete(held[0], [1, 4]), without[0], atol=1e-3)
