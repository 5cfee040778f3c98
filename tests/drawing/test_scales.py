"""Scales: which colours stand for which numbers."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT
from foveal.drawing.scales import SIGNED, diverging, ramp


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB, by its definition."""
    unit = colours / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(
        luminance > (6 / 29) ** 3, 116 * np.cbrt(luminance) - 16, luminance * (29 / 3) ** 3
    )


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
