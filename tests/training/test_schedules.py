"""Schedules of the learning rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.training.schedules import factor


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@given(steps=st.integers(2, 5_000))
def test_schedules_end_low_and_stay_within_0_and_1(schedule: str, steps: int) -> None:
    factors = [factor(schedule, step, steps) for step in range(0, steps, max(1, steps // 50))]
    assert all(0 < one <= 1 + 1e-12 for one in factors)
    assert factor(schedule, steps - 1, steps) == pytest.approx(0.01)


def test_one_cycle_rises_then_falls_and_constant_stays() -> None:
    course = [factor("one-cycle", step, 101) for step in range(101)]
    peak = course.index(max(course))
    assert peak == 20
    assert course[: peak + 1] == sorted(course[: peak + 1])
    assert course[peak:] == sorted(course[peak:], reverse=True)
    assert {factor("constant", step, 9) for step in range(9)} == {1.0}
