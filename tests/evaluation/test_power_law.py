"""Power laws are found again, and stay within what errors can be."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.evaluation.power_law import PowerLaw, fit_power_laws

SIZES = np.array([20.0, 40, 80, 160, 320, 640])
ONES = np.ones(len(SIZES))


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(0.02, 1.3, 0.5), (0.0, 0.6, 0.25)])
def test_a_law_is_found_again(floor: float, scale: float, exponent: float) -> None:
    errors = floor + scale * SIZES**-exponent
    (law,) = fit_power_laws(SIZES, errors[None], ONES)
    assert law.floor == pytest.approx(floor, abs=1e-6)
    assert law.scale == pytest.approx(scale, rel=1e-4) and law.exponent == pytest.approx(exponent)
    later = np.array([1280.0, 5000.0])
    np.testing.assert_allclose(law.at(later), floor + scale * later**-exponent, rtol=1e-3)


def test_each_draw_has_its_own_law_and_none_falls_below_nothing() -> None:
    draws = np.random.default_rng(0)
    errors = np.abs(draws.normal(0.1, 0.1, (50, len(SIZES))))
    laws = fit_power_laws(SIZES, errors, ONES)
    assert len(laws) == 50 and len({law.scale for law in laws}) > 10
    for law, one in zip(laws, errors, strict=True):
        assert law.floor >= 0 and law.scale >= 0
        assert law == fit_power_laws(SIZES, one[None], ONES)[0]
        made = law.at(SIZES)
        assert (np.diff(made) <= 0).all() and made.max() <= 1


def test_errors_that_rise_have_no_law_but_their_mean() -> None:
    (law,) = fit_power_laws(SIZES, np.linspace(0.1, 0.2, len(SIZES))[None], ONES)
    assert law.scale == 0 and law.floor == pytest.approx(0.15)


def test_sizes_that_weigh_more_are_met_more_closely() -> None:
    errors = np.array([0.5, 0.1, 0.3, 0.25, 0.05, 0.2])
    weights = np.array([1.0, 1, 1, 1, 1, 1000])
    plain, weighed = (fit_power_laws(SIZES, errors[None], one)[0] for one in (ONES, weights))
    gaps = [abs(float(law.at(SIZES)[-1]) - 0.2) for law in (plain, weighed)]
    assert gaps[1] < gaps[0] / 5


def test_no_error_is_above_one() -> None:
    assert PowerLaw(0.5, 10.0, 0.1).at(np.array([1.0])).tolist() == [1.0]
