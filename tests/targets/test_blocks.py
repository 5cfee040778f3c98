"""Heads fitted block by block are those that are fitted in memory."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.targets import blocks as _blocks
from foveal.targets.blocks import FeatureBlocks, moments
from foveal.targets.head import FittedHead, standardised
from foveal.targets.label_logistic import fit_label_head
from foveal.targets.logistic import fit_head
from foveal.targets.ridge import fit_ridge

COUNT, WIDTH = 90, 6


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven pictures a block, so that the last one is not whole."""
    monkeypatch.setattr(_blocks, "BLOCK", 7 * WIDTH)


def features(views: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    drawn = generator.normal(size=(views, COUNT, WIDTH)) * 10 ** generator.uniform(-1, 1, WIDTH)
    return (drawn + 3).astype(np.float32)


def as_blocks(features_vnd: np.ndarray) -> FeatureBlocks:
    """Lay the pictures among others, in another order, as rows of a store are."""
    views, count, width = features_vnd.shape
    rows = np.random.default_rng(1).permutation(2 * count)[:count]
    store = np.full((views, 2 * count, width), np.nan, np.float32)
    store[:, rows] = features_vnd
    return FeatureBlocks(list(store), rows, width)


def told(features_vnd: np.ndarray, outputs: int) -> np.ndarray:
    """Make up what features tell, and noise beside it, (n, outputs)."""
    generator = np.random.default_rng(2)
    scaled = standardised(features_vnd)[0][0]
    known = scaled @ generator.normal(size=(WIDTH, outputs))
    return known + generator.normal(size=known.shape)


def outputs(head: FittedHead, features_vnd: np.ndarray) -> np.ndarray:
    return features_vnd[0] @ head.weight_kd.T + head.bias_k


def same(one: FittedHead, other: FittedHead, features_vnd: np.ndarray, apart: float) -> None:
    assert (one.C, one.folds) == (other.C, other.folds)
    np.testing.assert_array_equal(one.held_out, other.held_out)
    np.testing.assert_allclose(one.held_out_outputs_nk, other.held_out_outputs_nk, atol=1e-4)
    found, expected = outputs(one, features_vnd), outputs(other, features_vnd)
    np.testing.assert_allclose(found, expected, atol=apart * np.abs(expected).max())


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_classes(classes: int, views: int, weighted: bool) -> None:
    features_vnd = features(views)
    codes = np.argmax(told(features_vnd, classes), axis=1)
    options = {
        "class_ids_n": codes,
        "units_n": np.arange(COUNT),
        "classes": classes,
        "class_weights": np.linspace(0.5, 3, classes, dtype=np.float32) if weighted else None,
        "sample_weights_n": np.linspace(0.1, 2, COUNT) if weighted else None,
        "seed": 0,
        "threads": 1,
    }
    found, expected = (fit_head(one, **options) for one in (as_blocks(features_vnd), features_vnd))
    same(found, expected, features_vnd, 0.01)


@pytest.mark.parametrize("weighted", [False, True])
def test_labels(weighted: bool) -> None:
    features_vnd = features(2)
    truths = told(features_vnd, 2) > 0
    options = {
        "truths_nk": truths,
        "units_n": np.arange(COUNT),
        "label_weights": np.array([[0.5, 1.0], [2.0, 3.0]]) if weighted else None,
        "sample_weights_n": np.linspace(0.1, 2, COUNT) if weighted else None,
        "seed": 0,
        "threads": 1,
    }
    found, expected = (
        fit_label_head(one, **options) for one in (as_blocks(features_vnd), features_vnd)
    )
    same(found, expected, features_vnd, 0.01)


@pytest.mark.parametrize("weighted", [False, True])
def test_numbers(weighted: bool) -> None:
    features_vnd = features(2)
    values = features_vnd[0] @ np.arange(WIDTH) + np.random.default_rng(2).normal(size=COUNT)
    options = {
        "values_n": values,
        "strata_n": np.zeros(COUNT, dtype=np.intp),
        "units_n": np.arange(COUNT),
        "weights_n": np.linspace(0.1, 2, COUNT) if weighted else None,
        "seed": 0,
        "threads": 1,
    }
    found, expected = (fit_ridge(one, **options) for one in (as_blocks(features_vnd), features_vnd))
    same(found, expected, features_vnd, 1e-4)


def test_features_that_hardly_vary_are_not_blown_up() -> None:
    features_vnd = features(1)
    features_vnd[..., 0] = 5
    blocks = as_blocks(features_vnd)
    np.testing.assert_allclose(moments(blocks)[0], features_vnd.mean((0, 1)), rtol=1e-5)
    scaled, mean, deviation = standardised(blocks)
    expected, *moments_in_memory = standardised(features_vnd)
    np.testing.assert_allclose([mean, deviation], moments_in_memory, rtol=1e-4)
    np.testing.assert_allclose(scaled[0, np.arange(COUNT)], expected[0], atol=1e-4)


def test_no_more_than_a_block_is_read_at_once() -> None:
    asked: list[int] = []

    class Watched:
        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            asked.append(len(rows))
            return np.zeros((len(rows), WIDTH), np.float32)

    list(FeatureBlocks([Watched()], np.arange(COUNT), WIDTH).blocks())
    assert max(asked) == 7 and sum(asked) == COUNT
