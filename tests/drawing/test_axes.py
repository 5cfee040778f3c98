"""Axes: round numbers, in order, within the ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.drawing.axes import Axis, spanning

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(VALUES, min_size=1, max_size=20), st.integers(2, 8), st.booleans())
def test_all_values_and_ticks_stand_between_the_ends(
    values: list[float], most: int, log: bool
) -> None:
    axis = spanning("x", values, log=log)
    assert all(-1e-6 <= axis.place(one) <= 1 + 1e-6 for one in values)
    ticks = axis.ticks(most)
    assert ticks == sorted(set(ticks)) and len(ticks) <= most + 1
    assert all(-1e-6 <= axis.place(one) <= 1 + 1e-6 for one in ticks)


@given(st.floats(1e-9, 1e9), st.floats(60, 1e9))
def test_wide_ranges_are_logarithmic(least: float, times: float) -> None:
    axis = spanning("loss", [least, least * times], log=True)
    assert axis.log and axis.low <= least * 1.001 and axis.high >= least * times * 0.999
    middle = math.sqrt(axis.low * axis.high)
    assert axis.place(middle) == pytest.approx(0.5)
    assert axis.place(0) == 0


def test_ticks_are_written_as_their_unit_asks() -> None:
    shares = Axis(name="accuracy", low=0.9, high=1, unit="percent")
    assert [shares.text(one) for one in shares.ticks()] == [
        *("90 %", "92 %", "94 %", "96 %", "98 %", "100 %")
    ]
    epochs = Axis(name="epoch", low=1, high=3, unit="count")
    assert epochs.ticks(7) == [1, 2, 3]


def test_values_that_are_none_or_alike_leave_an_axis_all_the_same() -> None:
    for values in ([], [float("nan")], [0.0], [5.0, 5.0]):
        axis = spanning("x", values)
        assert axis.low < axis.high and axis.ticks()
