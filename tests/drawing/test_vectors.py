"""Rows of numbers as bars and strips."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import ORANGE
from foveal.drawing.scales import viridis
from foveal.drawing.vectors import BLUE, bars, binned, strip


def test_bars_rise_above_their_line_and_fall_below_it() -> None:
    sheet = np.asarray(bars(np.array([2.0, -1.0, 0.0]), 90, 31))
    assert sheet.shape == (31, 90, 3)
    heights = [int((sheet[:, x] == hue).all(axis=1).sum()) for x, hue in ((0, ORANGE), (30, BLUE))]
    assert heights == [21, 11]  # 20 and 10 above and below the line, which they cover
    assert not (sheet[:, 60:] == ORANGE).all(axis=2).any()


def test_of_too_many_numbers_the_farthest_from_zero_of_each_bin_is_kept() -> None:
    values = np.arange(10.0) - 4
    kept, each = binned(values, 4)
    assert each == 3 and kept.tolist() == [-4, -1, 4, 5]
    whole, one = binned(values, 10)
    assert one == 1 and whole is values


@pytest.mark.parametrize("count", [2, 7, 480, 10_000])
def test_a_strip_is_never_wider_than_its_room(count: int) -> None:
    sheet = np.asarray(strip(np.linspace(0, 1, count), 480, 8))
    assert sheet.shape[0] == 8 and sheet.shape[1] <= 480
    assert (sheet[:, -1] == viridis(1, 0, 1)).all()


def test_what_is_no_number_has_no_bar() -> None:
    sheet = np.asarray(bars(np.array([np.nan, 1.0]), 64, 20))
    assert not (sheet[:, :30] == ORANGE).all(axis=2).any()
