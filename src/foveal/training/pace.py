"""How long a step takes here, and how many steps a budget of seconds affords.

Before training a few real steps on copies tell, so that nothing real is changed; while it lasts
the steps themselves.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from foveal.device import Device
from foveal.training.config import TrainingConfig
from foveal.training.loop import TrainingState, start, take_step
from foveal.training.steps import Batches, Judge, LossOf

WARM_UP, TIMED = 3, 5
"""Steps not counted, and steps counted at least."""
SHARE, LONGEST = 0.02, 2.0
"""Share of a budget that may go into timing steps, and seconds at most."""
MARGIN = 0.93
"""Share of a budget that is planned: what is left covers saving, calibration and noise."""
POINTS = 20
"""Parts of the planned steps, after each of which a budget is looked at."""
TOLERANCE = 1.05
"""Share of a budget that training may be about to take before it is shortened."""
LEAST = 50
"""At least so small a part of the planned steps is still taken, for the rate to fall."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Measured seconds."""

    step: float
    """One training step, batch included, median."""
    judging: float
    """One judgement on all validation pictures."""


def measure_pace(
    network: nn.Module,
    batches: Batches,
    loss_of: LossOf,
    config: TrainingConfig,
    device: Device,
    judge: Judge | None = None,
    *,
    budget: float = 0.0,
) -> Pace:
    """Time real steps on a copy of the network: the more of them, the larger the budget."""
    lasting = min(SHARE * budget, LONGEST)
    unending = replace(config, steps=10**6)
    state = start(copy.deepcopy(network), unending)
    taken: list[float] = []
    while not _enough(taken, lasting):
        stream = batches.epoch(0)
        began = time.perf_counter()
        for batch in stream:
            take_step(state, batch, loss_of, unending, device)
            taken.append(time.perf_counter() - began)
            if _enough(taken, lasting):
                break
            began = time.perf_counter()
    began = time.perf_counter()
    if judge is not None:
        judge(state.candidate)
    return Pace(statistics.median(taken[WARM_UP:]), time.perf_counter() - began)


def _enough(taken: list[float], lasting: float) -> bool:
    return len(taken) >= WARM_UP + TIMED and sum(taken) >= lasting


def steps_within(seconds: float, pace: Pace, steps_per_epoch: int, least: int) -> int:
    """Turn a budget of seconds into a number of steps, once.

    Parameters
    ----------
    seconds : float
        What is left of the budget.
    least : int
        Steps below which a network has hardly begun to learn; they are taken all the same.
    """
    a_step = pace.step + pace.judging / steps_per_epoch
    return max(int(MARGIN * seconds / a_step), least)


@dataclass(slots=True)
class Budget:
    """Holds training to a budget of seconds where the machine becomes slower than it was.

    It is looked at after each twentieth of the planned steps. Every answer is decided once, so
    that a resumed run takes those of the first; training is shortened, never lengthened.
    """

    seconds: float
    """What training may take."""
    steps: int
    """Steps planned."""
    decide: Callable[[str, Callable[[], int]], int]
    """Keeps what was decided, by name; see `foveal.training.run.Run.decide`."""
    least: int = 1
    """Steps below which a network has hardly begun to learn; they are taken all the same."""
    _since: _Mark | None = None
    """From where the pace is measured."""

    def turn(self, state: TrainingState, steps_per_epoch: int) -> int | None:
        """Return where training should end now, after a step; None where that stays."""
        judged = (state.step - 1) // steps_per_epoch  # the epoch that ends here is judged next
        now = _Mark(state.step, judged, state.seconds, state.judging)
        since, self._since = self._since or now, self._since or now
        if state.step % max(self.steps // POINTS, 1) or state.step >= state.steps:
            return None
        self._since = now
        steps = self.decide(
            f"steps from {state.step} on",
            lambda: self._affordable(state, since.pace(now), steps_per_epoch),
        )
        return steps if steps < state.steps else None

    def _affordable(self, state: TrainingState, pace: Pace, steps_per_epoch: int) -> int:
        left = self.seconds - state.seconds
        a_step = pace.step + pace.judging / steps_per_epoch
        if a_step * (state.steps - state.step) <= left + (TOLERANCE - 1) * self.seconds:
            return state.steps
        least = max(self.steps // LEAST, self.least - state.step, 1)
        return min(state.step + steps_within(left, pace, steps_per_epoch, least), state.steps)


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where training stood at some time."""

    step: int
    judgements: int
    seconds: float
    judging: float

    def pace(self, now: _Mark) -> Pace:
        """Return the pace from here to there; of the whole training where nothing was judged."""
        judging = now.judging - self.judging
        stepping = now.seconds - self.seconds - judging
        times = now.judgements - self.judgements
        if not times:
            judging, times = now.judging, max(now.judgements, 1)
        return Pace(stepping / max(now.step - self.step, 1), judging / times)
