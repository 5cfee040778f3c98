"""Temperature: a known one is found again, and answers stay the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.optimize import minimize
from sklearn.metrics import log_loss

from foveal.evaluation.calibration import FEWEST, RANGE, fit_temperature, probabilities
from foveal.evaluation.metrics import calibration_error


def synthetic(count: int, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the very distribution of the classes."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=2, size=(count, classes))
    # Gumbel's trick: the largest of logits plus Gumbel noise is drawn by their softmax.
    codes = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, codes


@pytest.mark.parametrize("temperature", [0.25, 0.7, 1.0, 3.0, 12.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_known_temperature_is_found(temperature: float, dtype: str) -> None:
    logits, codes = synthetic(20_000)
    scaled = (logits * temperature).astype(dtype)
    found = fit_temperature(scaled, codes)
    assert found == pytest.approx(temperature, rel=0.04)
    assert calibration_error(probabilities(scaled, found), codes) < 0.015


def test_no_temperature_does_better() -> None:
    logits, codes = synthetic(200, seed=1)
    found = fit_temperature(logits * 3, codes)

    def loss(log_temperature: np.ndarray) -> float:
        scaled = probabilities(logits * 3, float(np.exp(log_temperature[0])))
        return float(log_loss(codes, scaled, labels=np.arange(4)))

    wanted = minimize(loss, [0.0], method="Nelder-Mead")
    assert loss(np.log([found])) == pytest.approx(wanted.fun, abs=1e-6)


def test_few_pictures_fit_nothing() -> None:
    logits, codes = synthetic(FEWEST)
    assert fit_temperature(logits[:-1] * 9, codes[:-1]) == 1.0
    assert fit_temperature(logits * 9, (codes + 1) % 4) != 1.0  # sure, and wrong


@pytest.mark.parametrize("all_right", [True, False])
def test_perfect_and_hopeless_logits_stay_within_the_range(all_right: bool) -> None:
    codes = np.arange(30) % 3
    logits = np.eye(3)[codes if all_right else (codes + 1) % 3] * 1e4
    found = fit_temperature(logits, codes)
    assert RANGE[0] <= found <= RANGE[1]


@given(
    logits=npst.arrays(np.float32, (5, 3), elements=st.floats(-1e4, 1e4, width=32)),
    temperature=st.floats(*RANGE),
)
def test_probabilities_are_such(logits: np.ndarray, temperature: float) -> None:
    found = probabilities(logits, temperature)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()
    rows = np.arange(5)
    assert (found[rows, logits.argmax(axis=1)] == found.max(axis=1)).all()


def test_probabilities_by_hand() -> None:
    found = probabilities(np.array([[0.0, 2.0 * np.log(3)]]), 2.0)
    np.testing.assert_allclose(found, [[0.25, 0.75]])


def test_logits_that_mean_what_they_say_are_left_alone() -> None:
    found = [fit_temperature(*synthetic(60, seed=seed)) for seed in range(200)]
    assert 4 <= sum(temperature != 1.0 for temperature in found) <= 20  # once in 20 times


def test_a_temperature_that_is_applied_helps_on_other_pictures() -> None:
    gains = []
    for seed in range(40):
        logits, codes = synthetic(400, seed=seed)
        found = fit_temperature(logits[:100] * 1.3, codes[:100])
        rest = logits[100:] * 1.3, codes[100:]
        before, after = (log_loss(rest[1], probabilities(rest[0], t)) for t in (1.0, found))
        gains.append(before - after)
        assert found == 1.0 or found > 1.0
    assert np.mean(gains) > 0
