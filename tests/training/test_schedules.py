"""Schedules of the learning rate."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.training.schedules import factor, position


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@given(steps=st.integers(2, 5_000))
def test_schedules_end_low_and_stay_within_0_and_1(schedule: str, steps: int) -> None:
    factors = [
        factor(schedule, position(step, steps)) for step in range(0, steps, max(1, steps // 50))
    ]
    assert all(0 < one <= 1 + 1e-12 for one in factors)
    assert factor(schedule, position(steps - 1, steps)) == pytest.approx(0.01)


def test_one_cycle_rises_then_falls_and_constant_stays() -> None:
    course = [factor("one-cycle", position(step, 101)) for step in range(101)]
    peak = course.index(max(course))
    assert peak == 20
    assert course[: peak + 1] == sorted(course[: peak + 1])
    assert course[peak:] == sorted(course[peak:], reverse=True)
    assert {factor("constant", position(step, 9)) for step in range(9)} == {1.0}


@given(st.integers(10, 500), st.data())
def test_a_shortened_course_goes_on_where_it_was_and_ends_at_its_end(steps: int, data) -> None:
    turn = data.draw(st.integers(1, steps - 2))
    ending = data.draw(st.integers(turn + 2, steps))
    places = [position(step, steps, [(turn, ending)]) for step in range(ending)]
    assert places[: turn + 1] == [position(step, steps) for step in range(turn + 1)]
    assert places == sorted(places) and places[-1] == pytest.approx(1.0)
    strides = [after - before for before, after in itertools.pairwise(places[turn:])]
    assert strides == pytest.approx([strides[0]] * len(strides))


def test_turns_add_up() -> None:
    assert position(7, 11, [(5, 8)]) == position(7, 11, [(5, 8), (7, 8)]) == 1.0
    assert position(6, 101, [(50, 60)]) == position(6, 101)
