"""A log of events: few lines of work under way, all of what is done."""

from __future__ import annotations

from itertools import pairwise

import pytest

from foveal.progress import log
from foveal.progress.events import (
    Decoding,
    Event,
    Extracting,
    Finished,
    PartWritten,
    StepEnded,
)
from foveal.progress.log import Log
from support.epochs import epoch_ended

FINISHED = Finished(best_epoch=0, steps=1, validation_accuracy=None, validation_pictures=0)


def decoded(done: int) -> Decoding:
    return Decoding(done=done, total=1_000)


class Clock:
    """A time that passes only where it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(log, "time", found)
    return found


@pytest.fixture
def heard(clock: Clock, capsys: pytest.CaptureFixture[str]):
    """Return what tells events, each so many seconds after the one before, and what was printed."""

    def of(*events: Event, apart: float) -> list[str]:
        listener = Log()
        for event in events:
            clock.now += apart
            listener(event)
        listener.close()
        return capsys.readouterr().err.splitlines()

    return of


def test_of_quick_work_the_last_is_told_alone(heard) -> None:
    assert heard(*map(decoded, range(100, 1_001, 100)), apart=0.1) == [
        "decoded 1,000 of 1,000 pictures"
    ]
    lines = heard(*map(epoch_ended, range(1, 16)), FINISHED, apart=0.1)
    assert [line.split(":")[0] for line in lines] == ["epoch 15"]


def test_of_slow_epochs_each_is_told(heard) -> None:
    lines = heard(*map(epoch_ended, range(1, 31)), apart=100.0)
    assert [line.split(":")[0] for line in lines] == [f"epoch {one}" for one in range(1, 31)]


def test_lines_are_further_apart_the_longer_work_takes_but_a_minute_at_most(heard) -> None:
    day = [epoch_ended(one) for one in range(1, 24 * 3_600)]
    lines = heard(*day, apart=1.0)
    at = [int(line.split(":")[0].split()[1]) for line in lines]
    gaps = [after - before for before, after in pairwise(at)]
    assert at[0] == 2 and gaps[0] == 2 and max(gaps) == 60
    assert gaps[:-1] == sorted(gaps[:-1])
    assert at[-1] == day[-1].epoch


def test_work_that_goes_by_turns_is_told_apart(heard) -> None:
    turns = [
        event
        for done in range(10, 1_001, 10)
        for event in (decoded(done), Extracting(done=done, total=1_000, network="n", more=10))
    ]
    assert heard(*turns, apart=0.001) == [
        "decoded 1,000 of 1,000 pictures",
        "1,000 of 1,000 pictures through n",
    ]


def test_steps_end_no_work(heard) -> None:
    step = StepEnded(
        step=1,
        steps=9,
        epoch=1,
        loss=1.0,
        accuracy=0.5,
        learning_rate=0.1,
        pictures_per_second=1.0,
        remaining=1.0,
    )
    assert len(heard(epoch_ended(1), step, epoch_ended(2), step, epoch_ended(3), apart=0.01)) == 1


def test_the_last_part_of_a_stream_is_told_at_the_end(heard) -> None:
    parts = [PartWritten(done=one, total=None, kept=0, rows=4 * one) for one in range(1, 6)]
    assert heard(*parts, apart=0.1) == ["5 parts written, 20 rows"]


def test_work_that_begins_anew_is_told_anew(heard) -> None:
    assert (
        heard(decoded(1_000), decoded(500), decoded(1_000), apart=0.1)
        == ["decoded 1,000 of 1,000 pictures"] * 2
    )
