"""Progress on stderr: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from foveal.cli.words import in_options
from foveal.progress.events import (
    Decoding,
    EpochEnded,
    Event,
    Extracting,
    Listener,
    PartWritten,
    Planned,
    StepEnded,
    TeachingAnew,
)
from foveal.progress.lines import lines_of, part_line
from foveal.progress.log import Log
from foveal.visible import visible_lines
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.codec import Codes, Reconstructions

Rows = TypeVar("Rows", "Codes", "Reconstructions")
REFRESH = 0.1
"""Seconds between two drawings of the live line."""


@contextmanager
def shown_progress() -> Iterator[Listener]:
    """Return a listener that shows events for as long as the with block lasts."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        with closing(Log(in_options)) as log:
            yield log
        return
    console = Console(stderr=True, highlight=False)
    with Progress(
        BarColumn(bar_width=8, complete_style="blue", finished_style="blue"),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        refresh_per_second=1 / REFRESH,
    ) as progress:
        yield _Live(console, progress)


def passed_on(
    batches: Iterable[Rows], total: int, tell: Callable[[int, int], None]
) -> Iterator[Rows]:
    """Pass batches on, telling after each how far they are."""
    done = 0
    for batch in batches:
        yield batch
        done += len(batch.reasons)
        tell(done, total)


class _Live:
    """Draws the job under way on one line and prints what is done above it."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self.console, self.progress = console, progress
        self.task: TaskID | None = None
        self.job = ""
        self.epochs = 1
        self.judged = ""
        self.drawn = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case Decoding(done=done, total=total, purpose=purpose):
                why = f" for {purpose}" if purpose else ""
                self.draw("decoding", done, total, f"decoding {counted(total, 'picture')}{why}")
            case Extracting(done=done, total=total, network=network):
                self.draw(
                    "extracting", done, total, f"{counted(total, 'picture')} through {network}"
                )
            case TeachingAnew(done=done, total=total):
                self.draw("fitting", done, total, f"teaching anew, {counted(total, 'time')}")
            case PartWritten(done=done, total=total):
                self.draw("parts", done, total, part_line(event))
            case StepEnded():
                told = f"epoch {event.epoch}/{self.epochs} · loss {event.loss:#.3g}"
                if event.accuracy == event.accuracy:
                    told += f" · train {100 * event.accuracy:.1f} %"
                told += f"{self.judged} · {event.pictures_per_second:,.0f}/s"
                self.draw("training", event.step, event.steps, told)
            case Planned():
                self.epochs = math.ceil(event.epochs)
                self.say(event)
            case EpochEnded():
                if event.validation_accuracy is not None:
                    self.judged = f" · val {100 * event.validation_accuracy:.1f} %"
                elif event.validation_loss is not None:
                    self.judged = f" · val {event.validation_loss:#.3g}"
            case _:
                self.say(event)

    def say(self, event: Event) -> None:
        self.end()
        for line in lines_of(event):
            self.console.print(visible_lines(in_options(line)), soft_wrap=True, markup=False)

    def draw(self, job: str, done: int, total: int | None, told: str) -> None:
        if job != self.job:
            self.end()
            self.job, self.task = job, self.progress.add_task(told, total=total)
        assert self.task is not None
        if time.monotonic() - self.drawn >= REFRESH or done == total:
            self.progress.update(self.task, completed=done, description=told)
            self.drawn = time.monotonic()

    def end(self) -> None:
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.task, self.job = None, ""
