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


@pytest.mark.parametrize(
    "values",
    [[], [float("nan")], [0.0], [5.0, 5.0], [1 - 1e-16, 1.0], [5e-324, 1e-323], [-1e308, 1e308]],
)
@pytest.mark.parametrize("ends", [{}, {"high": 6.0}, {"low": -6.0}, {"log": True}])
def test_values_that_are_none_or_alike_leave_an_axis_all_the_same(values, ends) -> None:
    axis = spanning("x", values, **ends)
    assert axis.low < axis.high and len(axis.ticks()) > 1


def test_where_all_are_at_the_end_that_is_given_there_is_room_before_it() -> None:
    perfect = spanning("accuracy", [1.0, 1.0], unit="percent", high=1.0)
    assert (perfect.low, perfect.high) == (0.0, 1.0) and perfect.place(1.0) == 1.0
