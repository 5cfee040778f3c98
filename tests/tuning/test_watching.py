from __future__ import annotations

import time
from typing import Any

import pytest

from foveal.errors import Interrupted
from foveal.progress.events import EpochEnded, Extracting, Planned, StepEnded
from foveal.tuning.watching import BEHIND, Watch


class Told:
    """A trial that notes what is reported, and is behind from a place on."""

    def __init__(self, behind: int = 100) -> None:
        self.reports: list[tuple[float, int]] = []
        self.behind = behind

    def report(self, value: float, place: int) -> None:
        self.reports.append((value, place))

    def should_prune(self) -> bool:
        return self.reports[-1][1] >= self.behind


def made(kind: type, **given: Any) -> Any:
    """Make an event of which only what is given matters."""
    one = object.__new__(kind)
    for name, value in given.items():
        object.__setattr__(one, name, value)
    return one


def watched(trial: Told, losses: list[float], **given: Any) -> Watch:
    found = Watch(trial, **{"until": time.time() + 99, **given})
    found(made(Planned, config={"steps": 10 * len(losses)}))
    for number, loss in enumerate(losses, start=1):
        if not found.why:
            found(made(EpochEnded, epoch=number, step=10 * number, validation_loss=loss))
    return found


def test_the_lowest_loss_so_far_is_held_against_others_at_each_part_of_a_training() -> None:
    trial = Told()
    watched(trial, [0.9, 0.5, 0.7, 0.4])
    assert trial.reports == [(-0.9, 5), (-0.5, 10), (-0.5, 15)]


def test_what_falls_behind_is_ended_but_not_where_it_is_not_held_against_others() -> None:
    found = watched(Told(behind=10), [0.9, 0.5, 0.7, 0.4])
    assert found.why == BEHIND and found.run.stopping and found.epochs == 2
    again = Told(behind=10)
    assert not watched(again, [0.9, 0.5, 0.7, 0.4], held=False).why and not again.reports


def test_what_would_take_too_long_is_ended_once_its_pace_is_known() -> None:
    found = Watch(Told(), until=time.time() + 99, longest=50)
    found(made(Planned, config={"steps": 100}))
    found(made(StepEnded, step=1, remaining=1000.0))
    assert not found.why
    found(made(StepEnded, step=5, remaining=60.0))
    assert found.why == "it would take 60.0 s; a trial may take 50.0 s" and found.run.stopping


def test_once_time_is_up_even_features_stop() -> None:
    found = Watch(Told(), until=time.time() - 1)
    with pytest.raises(Interrupted):
        found(made(Extracting))
    assert found.why == "time was up" and found.run.stopping
