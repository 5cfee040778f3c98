"""The ridge head: the solution of scikit-learn's, by any way, its penalty chosen in folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from foveal.targets import ridge
from foveal.targets.head import FittedHead
from foveal.targets.ridge import CANDIDATES, fit_ridge, solutions


def drawn(count: int, width: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    features = generator.normal(3, 2, (count, width)).astype(np.float32)
    values = features @ generator.normal(0, 1, width) + generator.normal(0, noise, count)
    return features, values


def fitted(features: np.ndarray, values: np.ndarray, **changes: Any) -> FittedHead:
    count = len(values)
    asked = {
        "strata_n": np.zeros(count, dtype=np.intp),
        "units_n": np.arange(count),
        "weights_n": None,
        "seed": 0,
        "threads": 1,
    }
    return fit_ridge(features[None], values, **(asked | changes))


@pytest.mark.parametrize("way", ["pictures", "features", "iterated"])
def test_the_solution_is_that_of_scikit_learn(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    features, values = drawn(20, 30) if way == "pictures" else drawn(60, 10)
    if way == "iterated":
        monkeypatch.setattr(ridge, "LARGEST", 5)
    weights = np.random.default_rng(1).uniform(0, 2, len(values))
    found, biases = solutions(features, values, weights, (0.01, 1.0))
    for row, C in enumerate((0.01, 1.0)):
        oracle = Ridge(1 / C).fit(features, values, weights)
        np.testing.assert_allclose(found[row], oracle.coef_, rtol=1e-4, atol=1e-5)
        assert biases[row] == pytest.approx(oracle.intercept_, rel=1e-4, abs=1e-3)


def test_the_head_answers_what_the_standardised_regression_does() -> None:
    features, values = drawn(50, 6)
    head = fitted(features, values, C=0.1)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    oracle = Ridge(10.0).fit(scaled, values).predict(scaled)
    np.testing.assert_allclose((features @ head.weight_kd.T + head.bias_k)[:, 0], oracle, rtol=1e-3)
    assert head.C == 0.1 and head.folds == 5 and head.held_out_outputs_nk.shape == (50, 1)


def test_the_penalty_is_stronger_where_there_is_more_noise() -> None:
    clean, noisy = (fitted(*drawn(60, 40, noise)).C for noise in (0.01, 30.0))
    assert clean == CANDIDATES[-1] and noisy < 1e-2


def test_held_out_answers_come_from_folds_that_did_not_see_the_unit() -> None:
    generator = np.random.default_rng(2)
    units = np.repeat(np.arange(30), 2)
    features = generator.normal(size=(30, 200)).astype(np.float32)[units]
    values = generator.normal(size=30)[units]  # nothing to learn but the units themselves
    torn = fitted(features, values, units_n=np.arange(60))
    whole = fitted(features, values, units_n=units)
    errors = [
        np.square(head.held_out_outputs_nk[:, 0] - values[head.held_out]).mean()
        for head in (torn, whole)
    ]
    assert errors[0] < 0.5 * values.var() < 0.8 * values.var() < errors[1]


def test_too_few_units_are_fitted_without_folds() -> None:
    features, values = drawn(6, 2)
    head = fitted(features, values, units_n=np.zeros(6, dtype=np.int64))
    assert head.folds == 0 and len(head.held_out) == 0 and head.C == ridge.DEFAULT_C
    assert np.isfinite(head.weight_kd).all()


def test_views_of_a_picture_weigh_as_one() -> None:
    features, values = drawn(40, 5)
    one = fit_ridge(
        features[None],
        values,
        np.zeros(40, np.intp),
        np.arange(40),
        weights_n=None,
        seed=0,
        threads=1,
        C=0.1,
    )
    two = fit_ridge(
        np.stack([features, features]),
        values,
        np.zeros(40, np.intp),
        np.arange(40),
        weights_n=None,
        seed=0,
        threads=1,
        C=0.1,
    )
    np.testing.assert_allclose(one.weight_kd, two.weight_kd, rtol=1e-4)
