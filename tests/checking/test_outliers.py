"""Distances to neighbours, held against all pairs; and who lies far."""

from __future__ import annotations

import numpy as np

from foveal.checking.outliers import NEIGHBOURS, distances, outliers


def test_distances_are_those_of_all_pairs_without_copies() -> None:
    draws = np.random.default_rng(0)
    vectors = draws.normal(size=(40, 5)).astype(np.float32)
    vectors[1] = vectors[0]
    labels = np.array([0, 0, *range(1, 39)])
    halves = [(vectors[:15], labels[:15]), (vectors[15:], labels[15:])]
    found = distances(vectors, labels, halves, threads=1)
    for row in range(40):
        others = vectors[labels != labels[row]].astype(np.float64)
        away = np.sort(np.linalg.norm(others - vectors[row], axis=1))[:NEIGHBOURS]
        assert np.isclose(found[row], away.mean())


def test_the_farthest_comes_first_and_the_usual_is_left_alone() -> None:
    away = np.r_[np.random.default_rng(0).uniform(0.9, 1.1, 100), 2.0, 3.0]
    assert [row for row, _ in outliers(away)] == [101, 100]
    assert [round(times) for _, times in outliers(away)] == [3, 2]
    assert list(outliers(np.array([]))) == []
