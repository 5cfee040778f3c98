"""How long a step takes here: a few real steps on copies, so that nothing real is changed."""

from __future__ import annotations

import copy
import statistics
import time
from dataclasses import dataclass, replace

from torch import nn

from foveal.device import Device
from foveal.training.config import TrainingConfig
from foveal.training.loop import start, take_step
from foveal.training.steps import Batches, Judge, LossOf

WARM_UP, TIMED = 3, 5
"""Steps not counted, and steps counted at least."""
SHARE, LONGEST = 0.02, 2.0
"""Share of a budget that may go into timing steps, and seconds at most."""
MARGIN = 0.93
"""Share of a budget that is planned: what is left covers saving, calibration and noise."""


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
