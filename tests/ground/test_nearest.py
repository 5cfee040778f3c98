"""The nearest vectors, held against all distances in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from foveal import nearest as exact
from support.traced import traced

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 7), st.integers(0, 6), st.integers(1, 45))
"""Vectors, numbers of each, queries, neighbours."""


@pytest.fixture(params=["as it is", "small parts"])
def parted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts of all kinds be so small that there are many."""
    if request.param == "small parts":
        monkeypatch.setattr(exact, "PRODUCTS", 6)
        monkeypatch.setattr(exact, "NUMBERS", 24)
        monkeypatch.setattr(exact, "QUERIES", 2)
        monkeypatch.setattr(exact, "CROWD", 1)


def found(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    squares = exact.squared_lengths(vectors)
    np.testing.assert_allclose(squares, np.square(vectors.astype(float)).sum(axis=1))
    return exact.nearest(vectors, squares, queries, k, threads=1)


def by_hand(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort all distances, of equal ones the lower row first."""
    far = cdist(queries.astype(float), vectors.astype(float))
    rows = np.argsort(far, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(far, rows, axis=1)


@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1), span=st.sampled_from([0, 1, 3, 1000]))
def test_whole_numbers_with_their_ties(parted: None, shape, seed: int, span: int) -> None:
    """Distances of small whole numbers are exact, so that rows must be the same."""
    count, size, asked, k = shape
    draws = np.random.default_rng(seed)
    vectors = draws.integers(-span, span + 1, (count, size)).astype(np.float32)
    queries = draws.integers(-span, span + 1, (asked, size)).astype(np.float32)
    rows, distances = found(vectors, queries, k)
    right, truth = by_hand(vectors, queries, k)
    np.testing.assert_array_equal(rows, right)
    np.testing.assert_allclose(distances, truth, rtol=1e-12)


@given(
    shape=SHAPES,
    seed=st.integers(0, 2**32 - 1),
    offset=st.sampled_from([0.0, 1.0, 1e4, -3e18]),
    scale=st.sampled_from([1e-42, 1e-25, 1e-22, 1e-21, 1e-3, 1.0, 1e10, 3e37]),
)
def test_numbers_of_all_sizes(parted: None, shape, seed: int, offset: float, scale: float) -> None:
    count, size, asked, k = shape
    draws = np.random.default_rng(seed)
    both = (offset + scale * draws.uniform(-1, 1, (count + asked, size))).astype(np.float32)
    vectors, queries = both[:count], both[count:]
    rows, distances = found(vectors, queries, k)
    _, truth = by_hand(vectors, queries, k)
    np.testing.assert_allclose(distances, truth, rtol=1e-9)
    assert all(len(set(one)) == min(k, count) for one in rows)
    far = cdist(queries.astype(float), vectors.astype(float))
    np.testing.assert_allclose(np.take_along_axis(far, rows, axis=1), distances, rtol=1e-9)


def test_rows_are_right_where_single_precision_is_lost(parted: None) -> None:
    """Far from zero the usual expansion of the square finds others."""
    draws = np.random.default_rng(0)
    vectors = (1e4 + 0.05 * draws.normal(size=(500, 4))).astype(np.float32)
    queries = (1e4 + 0.05 * draws.normal(size=(20, 4))).astype(np.float32)
    right, _ = by_hand(vectors, queries, 3)
    expanded = np.square(vectors).sum(axis=1) - 2 * queries @ vectors.T
    assert (np.argsort(expanded, axis=1, kind="stable")[:, :3] != right).any()
    np.testing.assert_array_equal(found(vectors, queries, 3)[0], right)


def test_parts_of_very_different_sizes(parted: None) -> None:
    """What overflows in one part must not spoil what another found."""
    vectors = np.zeros((30, 2), np.float32)
    vectors[:10] = 3e38
    vectors[10:20] = 1e-3 * np.arange(20).reshape(10, 2)
    queries = np.array([[0, 0], [3e38, 3e38], [0.005, 0.006]], np.float32)
    rows, distances = found(vectors, queries, 12)
    right, truth = by_hand(vectors, queries, 12)
    np.testing.assert_array_equal(rows, right)
    np.testing.assert_allclose(distances, truth)


def test_products_below_the_smallest_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of seven products is rounded to zero; their sum would not be."""
    monkeypatch.setattr(exact, "NUMBERS", 1)  # a row at a time
    query = np.full((1, 7), np.sqrt(0.4) * 2.0**-74.5, np.float32)
    assert query @ query.T == 0 < np.float32(np.square(query.astype(float)).sum())
    vectors = np.concatenate([query * np.float32(1.01), query])
    rows, distances = found(vectors, query, 1)
    assert (rows.tolist(), distances.tolist()) == ([[1]], [[0.0]])


def test_equal_vectors_are_found_in_order(parted: None) -> None:
    vectors = np.full((200, 3), 0.1, np.float32)
    rows, distances = found(vectors, vectors[:5] + np.float32(0.3), 7)
    np.testing.assert_array_equal(rows, np.tile(np.arange(7), (5, 1)))
    assert (distances == distances[0, 0]).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 20))
def test_ranking_some_rows(seed: int, k: int) -> None:
    draws = np.random.default_rng(seed)
    vectors = draws.integers(0, 3, (60, 3)).astype(np.float32)
    some = draws.integers(0, 60, 25)
    rows, distances = exact.ranked(vectors, vectors[0], some, k)
    far = cdist(vectors[:1], vectors)[0]
    right = sorted(set(some.tolist()), key=lambda row: (far[row], row))[:k]
    assert rows.tolist() == right
    np.testing.assert_allclose(distances, far[right])


def test_memory_is_bounded(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors on disk are read part by part; no table of all distances is made."""
    vectors = np.lib.format.open_memmap(
        tmp_path / "v.npy", mode="w+", dtype=np.float32, shape=(200_000, 16)
    )
    draws = np.random.default_rng(0)
    for start in range(0, 200_000, 50_000):
        vectors[start : start + 50_000] = draws.normal(size=(50_000, 16))
    squares = exact.squared_lengths(vectors)
    queries = draws.normal(size=(150, 16)).astype(np.float32)
    *_, peak = traced(lambda: exact.nearest(vectors, squares, queries, 10, threads=1))
    assert peak < 40_000_000 < 200_000 * 150 * 4


@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1), parts=st.integers(1, 6))
def test_rows_that_come_bit_by_bit_are_those_of_all(
    parted: None, shape, seed: int, parts: int
) -> None:
    count, size, asked, k = shape
    draws = np.random.default_rng(seed)
    vectors = draws.integers(-2, 3, (count, size)).astype(np.float32)
    queries = draws.integers(-2, 3, (asked, size)).astype(np.float32)
    search = exact.Nearest(queries, min(k, count), threads=1)
    for part in np.array_split(vectors, parts):  # some are empty
        search.add(part, exact.squared_lengths(part))
    right, truth = by_hand(vectors, queries, k)
    assert search.count == count
    np.testing.assert_array_equal(search.rows_qk, right)
    np.testing.assert_allclose(np.sqrt(search.best_qk), truth, rtol=1e-12)
