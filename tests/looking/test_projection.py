"""Codes projected to the plane, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.errors import DataError, UsageError
from foveal.looking import projection
from foveal.looking.projection import project


def test_principal_components_are_those_of_the_singular_vectors() -> None:
    codes = np.random.default_rng(0).normal(size=(50, 5)) * [5, 3, 1, 1, 1]
    points, facts = project(codes)
    centred = codes - codes.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    oracle = left[:, :2] * values[:2]
    np.testing.assert_allclose(np.abs(points), np.abs(oracle), atol=1e-9)
    np.testing.assert_allclose(facts.shares, (values**2 / (values**2).sum())[:2])


@pytest.mark.parametrize("method", projection.METHODS)
def test_rows_without_a_code_are_left_out_and_counted(method: projection.Method) -> None:
    codes = np.random.default_rng(0).normal(size=(12, 3))
    codes[2] = np.nan
    codes[7, 1] = np.inf
    points, facts = project(codes, method)
    assert points.shape == (10, 2) and facts.missing == 2 and facts.codes == 12
    assert facts.rows.tolist() == [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]


def test_tsne_keeps_groups_is_the_same_for_a_seed_and_caps_its_perplexity() -> None:
    codes = np.random.default_rng(0).normal(size=(40, 6))
    codes[20:] += 50
    points, facts = project(codes, "tsne", seed=3)
    again, _ = project(codes, "tsne", seed=3)
    np.testing.assert_array_equal(points, again)
    assert facts.perplexity == 13.0 and facts.seed == 3
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert ((gaps.argmin(axis=1) < 20) == (np.arange(40) < 20)).all()
    _, few = project(codes[:3], "tsne")
    assert few.perplexity == pytest.approx(2 / 3)


def test_tsne_takes_evenly_spaced_codes_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projection, "MOST_POINTS", 10)
    codes = np.random.default_rng(0).normal(size=(28, 3))
    points, facts = project(codes, "tsne")
    assert len(points) == 10 and facts.rows.tolist() == list(range(0, 28, 3))
    assert len(project(codes)[0]) == 28


@pytest.mark.parametrize(
    ("codes", "match"),
    [
        (np.zeros((9, 1)), "at least 2 numbers each"),
        (np.zeros(9), "at least 2 numbers each"),
        (np.eye(2), "at least 3 pictures, got 2, and 0"),
        (np.full((5, 2), np.nan), "at least 3 pictures, got 0, and 5"),
        (np.ones((5, 2)), "got 5 that are all the same"),
    ],
)
@pytest.mark.parametrize("method", projection.METHODS)
def test_codes_that_make_no_plane_are_refused(
    codes: np.ndarray, match: str, method: projection.Method
) -> None:
    with pytest.raises(DataError, match=match):
        project(codes, method)


def test_other_ways_into_the_plane_are_refused() -> None:
    with pytest.raises(UsageError, match="one of 'pca', 'tsne', got 'umap'"):
        project(np.eye(4), "umap")  # type: ignore[arg-type]
