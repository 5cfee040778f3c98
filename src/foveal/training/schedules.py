"""Courses of the learning rate as pure functions: place in, a factor from 0 to 1 out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from foveal.training.config import Schedule

WARM_UP = 0.2
"""Share of the one-cycle schedule spent rising (Smith and Topin, 2017)."""
FIRST = 0.1
"""Factor at the first step of the one-cycle schedule."""
LAST = 0.01
"""Factor at the last step of the falling schedules."""


Turn = tuple[int, int]
"""A step, and the steps in all that training has from there on."""


def position(step: int, steps: int, turns: Sequence[Turn] = ()) -> float:
    """Return where on its course a step stands, 0 for the first and 1 for the last.

    Parameters
    ----------
    step : int
        From 0 to steps - 1.
    steps : int
        Steps in all, as planned.
    turns : sequence of Turn
        Where that was changed, in order: what is left of the course is spread over what is left
        of the steps.

    >>> [position(step, 11) for step in (0, 5, 10)]
    [0.0, 0.5, 1.0]
    >>> [position(step, 11, [(5, 8)]) for step in (5, 6, 7)]
    [0.5, 0.75, 1.0]
    """
    at, place = 0, 0.0
    for turn, total in turns:
        if step < turn:
            break
        place += (1 - place) * (turn - at) / max(steps - 1 - at, 1)
        at, steps = turn, total
    return place + (1 - place) * ((step - at) / max(steps - 1 - at, 1))


def factor(schedule: Schedule, done: float) -> float:
    """Factor of the highest learning rate at a place of the course.

    Parameters
    ----------
    schedule : {"one-cycle", "cosine", "constant"}
        one-cycle rises in a line over the first fifth and falls in a line; cosine falls along
        half a cosine (Loshchilov and Hutter, 2016).
    done : float
        From 0, the first step, to 1, the last; see `position`.

    >>> [round(factor("one-cycle", done), 2) for done in (0, 0.2, 1)]
    [0.1, 1.0, 0.01]
    """
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return LAST + (1 - LAST) * (1 + math.cos(math.pi * done)) / 2
    if done < WARM_UP:
        return FIRST + (1 - FIRST) * done / WARM_UP
    return 1 - (1 - LAST) * (done - WARM_UP) / (1 - WARM_UP)
