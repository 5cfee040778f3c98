"""Isolation among neighbours, held against all pairs; and who lies far."""

from __future__ import annotations

import numpy as np

from foveal.checking.outliers import NEIGHBOURS, isolation, outliers


def test_isolation_is_that_of_all_pairs_without_copies() -> None:
    draws = np.random.default_rng(0)
    vectors = draws.normal(size=(60, 5)).astype(np.float32)
    vectors[1] = vectors[0]
    labels = np.array([0, 0, *range(1, 59)])
    halves = [(vectors[:15], labels[:15]), (vectors[15:], labels[15:])]
    found = isolation(vectors, labels, halves, threads=1)
    away = np.linalg.norm(vectors[:, None].astype(np.float64) - vectors[None], axis=2)
    away[labels[:, None] == labels[None]] = np.inf
    near = np.argsort(away, axis=1, kind="stable")[:, :NEIGHBOURS]
    own = np.take_along_axis(away, near, axis=1).mean(axis=1)
    assert np.allclose(found, own / own[near].mean(axis=1))


def test_of_too_few_nothing_is_known() -> None:
    few = np.random.default_rng(0).normal(size=(NEIGHBOURS, 3)).astype(np.float32)
    labels = np.arange(NEIGHBOURS)
    labels[1] = 0
    found = isolation(few, labels, [(few, labels)], threads=1)
    assert np.isnan(found).all() and list(outliers(found)) == []


def test_the_farthest_comes_first_and_the_usual_is_left_alone() -> None:
    away = np.r_[np.random.default_rng(0).uniform(0.9, 1.1, 100), 2.0, 3.0]
    assert [row for row, _ in outliers(away)] == [101, 100]
    assert [round(times) for _, times in outliers(away)] == [3, 2]
    assert list(outliers(np.array([]))) == []
