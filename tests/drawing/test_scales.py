"""Scales of colours say of numbers what they are, and of nothing more."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.scales import VIRIDIS, viridis


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours, from its definition."""
    unit = colours / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(
        luminance > (6 / 29) ** 3, 116 * np.cbrt(luminance) - 16, luminance * (29 / 3) ** 3
    )


def test_equal_steps_of_numbers_are_equal_steps_of_lightness() -> None:
    found = lightness(viridis(np.linspace(0, 1, 65), 0, 1))
    steps = np.diff(found)
    assert (steps > 0).all()
    assert steps.max() / steps.mean() < 1.6 and steps.min() / steps.mean() > 0.5


def test_the_limits_are_the_ends_and_beyond_them_nothing_changes() -> None:
    found = viridis([-9.0, -2.0, 4.0, 9.0, np.inf, -np.inf, np.nan], -2, 4)
    ends = [VIRIDIS[0], VIRIDIS[0], VIRIDIS[-1], VIRIDIS[-1], VIRIDIS[-1], VIRIDIS[0], VIRIDIS[0]]
    assert found.tolist() == [list(one) for one in ends]


@pytest.mark.parametrize("shape", [(), (3,), (2, 4), (2, 3, 4)])
def test_any_shape_gets_an_axis_of_colours(shape: tuple[int, ...]) -> None:
    found = viridis(np.full(shape, 0.5), 0, 1)
    assert found.shape == (*shape, 3) and found.dtype == np.uint8
    assert (found == VIRIDIS[4]).all()


def test_where_all_numbers_are_equal_all_is_dark() -> None:
    assert (viridis(np.zeros((2, 2)), 0, 0) == VIRIDIS[0]).all()
