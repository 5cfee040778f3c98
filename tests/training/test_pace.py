from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from foveal.progress.events import EpochEnded, Shortened, StepEnded
from foveal.progress.lines import lines_of
from foveal.training import checkpoint
from foveal.training.journal import Journal
from foveal.training.loop import TrainingState, train
from foveal.training.pace import Budget, Pace, measure_pace, steps_within
from foveal.training.steps import Scores, classification
from support.training import CPU, batches, config, fresh, never

STEPS = 200


class FakeClock:
    """Time that passes by steps alone: so many seconds each, others from a step on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def slowing(self, state: TrainingState, *, before: float, after: float, at: int):
        """Judge that costs two steps, and a loss that takes the time of a step."""
        plain = classification(0.1, None)

        def loss_of(network, batch):
            self.now += before if state.step < at else after
            return plain(network, batch)

        def judge(network) -> Scores:
            self.now += 2 * (before if state.step < at else after)
            return Scores(1.0, 0.5, 10)

        return loss_of, judge


def trained(monkeypatch, state, budget, *, at: int, after: float = 3.0, until: int | None = None):
    clock = FakeClock(monkeypatch)
    loss_of, judge = clock.slowing(state, before=1.0, after=after, at=at)
    events = []
    for event in train(state, batches(), loss_of, judge, long_config(), CPU, budget):
        events.append(event)
        if until is not None and isinstance(event, StepEnded) and event.step == until:
            break
    return events, clock.now


def budget(journal: Journal | None = None, seconds: float = 320.0) -> Budget:
    return Budget(seconds, STEPS, (journal or Journal()).decide)


def long_config():
    return replace(config(), steps=STEPS)


def test_a_machine_that_keeps_its_pace_takes_the_steps_that_were_planned(monkeypatch) -> None:
    state = fresh(long_config())
    events, seconds = trained(monkeypatch, state, budget(), at=10**9)
    assert state.step == STEPS and not state.turns
    assert seconds == 300.0 == state.seconds  # of 4 steps an epoch, and 2 more for its judging
    assert not any(isinstance(event, Shortened) for event in events)


@pytest.mark.parametrize("at", [0, 60, 150])
def test_a_slower_machine_still_ends_in_time_and_low_and_says_so(monkeypatch, at: int) -> None:
    state = fresh(long_config())
    events, seconds = trained(monkeypatch, state, budget(), at=at)
    assert state.step < STEPS
    assert 250 < seconds <= 1.05 * 320
    rates = [event.learning_rate for event in events if isinstance(event, StepEnded)]
    assert rates[-1] == pytest.approx(0.01 * long_config().learning_rate)
    told = [lines_of(event) for event in events if isinstance(event, Shortened)]
    assert told and "the machine has become slower" in told[0][0]
    assert isinstance(events[-1], EpochEnded), "what was trained last is judged too"


def test_without_anyone_watching_the_time_it_would_take_thrice_as_long(monkeypatch) -> None:
    state = fresh(long_config())
    _, seconds = trained(monkeypatch, state, None, at=0)
    assert seconds == 900.0


def test_a_resumed_run_takes_the_decisions_that_were_written(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    first, whole = Journal(tmp_path / "run"), fresh(long_config())
    trained(monkeypatch, whole, budget(first), at=60)
    killed = fresh(long_config())
    trained(monkeypatch, killed, budget(first), at=60, until=97)
    checkpoint.save(tmp_path, killed, {})
    again, second = fresh(long_config()), Journal(tmp_path / "run")
    second.take_up(second.written())
    assert checkpoint.restore(tmp_path, again) is not None
    assert again.turns == killed.turns and again.seconds == killed.seconds
    trained(monkeypatch, again, budget(second), at=0, after=0.1)  # now the machine is fast
    assert again.turns == whole.turns and again.step == whole.step
    state = whole.network.state_dict()
    assert all(
        torch.equal(state[name], value) for name, value in again.network.state_dict().items()
    )


def test_a_budget_that_is_used_up_leaves_some_steps_for_the_rate_to_fall(monkeypatch) -> None:
    state = fresh(long_config())
    trained(monkeypatch, state, budget(seconds=5.0), at=10**9)
    assert state.step == 14  # looked at after 10, then a fiftieth of 200
    patient = Budget(5.0, STEPS, Journal().decide, least=100)
    state = fresh(long_config())
    trained(monkeypatch, state, patient, at=10**9)
    assert state.step == 100


def test_steps_within_a_budget_pay_for_their_judging() -> None:
    assert steps_within(100.0, Pace(1.0, 0.0), 10, 1) == 93
    assert steps_within(100.0, Pace(1.0, 10.0), 10, 1) == 46
    assert steps_within(1.0, Pace(1.0, 0.0), 10, 7) == 7


def test_measuring_the_pace_leaves_the_network_as_it_is(monkeypatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    network = fresh(config()).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pace = measure_pace(network, batches(), classification(0.0, None), config(), CPU, never)
    assert pace == Pace(1.0, 1.0)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
