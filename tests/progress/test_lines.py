"""Events, as a person reads them."""

from __future__ import annotations

from dataclasses import replace

from foveal.progress.events import Decoding, EpochEnded
from foveal.progress.lines import lines_of


def test_of_many_short_epochs_not_each_is_told() -> None:
    def lines(seconds: float) -> list[int]:
        told = EpochEnded(
            epoch=1,
            step=1,
            loss=0.5,
            accuracy=0.5,
            validation_loss=None,
            validation_accuracy=None,
            validation_pictures=0,
            best=False,
            seconds=seconds,
            computing=0.0,
            judging=0.0,
        )
        every = [replace(told, epoch=epoch) for epoch in range(1, 101)]
        return [one.epoch for one in every if lines_of(one)]

    assert lines(0.6) == list(range(1, 101))
    assert lines(0.05) == [*range(1, 21), *range(30, 101, 10)]


def test_decoding_says_what_it_is_for() -> None:
    assert lines_of(Decoding(done=32, total=120)) == ["decoded 32 of 120 pictures"]
    (line,) = lines_of(Decoding(done=120, total=120, purpose="the report"))
    assert line == "decoded 120 of 120 pictures for the report"
