"""Courses of the learning rate as pure functions: step and steps in, a factor from 0 to 1 out."""

from __future__ import annotations

import math

from foveal.training.config import Schedule

WARM_UP = 0.2
"""Share of the one-cycle schedule spent rising (Smith and Topin, 2017)."""
FIRST = 0.1
"""Factor at the first step of the one-cycle schedule."""
LAST = 0.01
"""Factor at the last step of the falling schedules."""


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """Factor of the highest learning rate at a step.

    Parameters
    ----------
    schedule : {"one-cycle", "cosine", "constant"}
        one-cycle rises in a line over the first fifth and falls in a line; cosine falls along
        half a cosine (Loshchilov and Hutter, 2016).
    step : int
        From 0 to steps - 1.
    steps : int
        Steps in all.

    >>> [round(factor("one-cycle", step, 11), 2) for step in (0, 2, 10)]
    [0.1, 1.0, 0.01]
    """
    done = step / max(steps - 1, 1)
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return LAST + (1 - LAST) * (1 + math.cos(math.pi * done)) / 2
    if done < WARM_UP:
        return FIRST + (1 - FIRST) * done / WARM_UP
    return 1 - (1 - LAST) * (done - WARM_UP) / (1 - WARM_UP)
