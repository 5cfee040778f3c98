"""Scales of colours say of numbers what they are, and of nothing more."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT
from foveal.drawing.scales import SIGNED, VIRIDIS, diverging, ramp, viridis


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


def test_zero_is_near_white_and_the_limits_are_blue_and_orange() -> None:
    found = diverging(np.array([[-2.0, 0.0, 2.0]]), 2)
    assert found.shape == (1, 3, 3) and found.dtype == np.uint8
    assert [tuple(one) for one in found[0].tolist()] == [SIGNED[0], SIGNED[2], SIGNED[4]]
    assert SIGNED[0][2] > SIGNED[0][0] and SIGNED[4][0] > SIGNED[4][2]


def test_colours_grow_darker_with_the_size_of_a_number_and_not_beyond_the_limit() -> None:
    steps = np.linspace(0, 1, 50)
    for sign in (-1, 1):
        light = lightness(diverging(sign * steps, 1))
        assert (np.diff(light) < 0).all()
        assert light[0] > 95 and light[-1] < 50
    assert (diverging(np.array([5.0, np.inf]), 1) == np.array(SIGNED[4])).all()


@pytest.mark.parametrize("most", [0.0, float("nan"), float("inf")])
def test_without_a_limit_all_is_near_white(most: float) -> None:
    assert (diverging(np.zeros(3), most) == np.array(SIGNED[2])).all()


def test_what_is_no_number_is_grey() -> None:
    assert (diverging(np.array(np.nan), 1) == np.array(FAINT)).all()


def test_a_ramp_is_as_wide_as_its_numbers() -> None:
    bar = ramp(diverging(np.linspace(-1, 1, 40), 1))
    assert bar.size == (40, 16)
    assert bar.getpixel((0, 3)) == SIGNED[0] and bar.getpixel((39, 3)) == SIGNED[4]
