"""Events as lines of a log, for whoever has no terminal: little of work that is under way."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from foveal.progress.events import (
    Decoding,
    EpochEnded,
    Event,
    Extracting,
    PartWritten,
    StepEnded,
    TeachingAnew,
)
from foveal.progress.lines import lines_of
from foveal.visible import visible_lines

SHORTEST, LONGEST = 2.0, 60.0
"""Seconds between two lines of the same work, at least and at most."""
SHARE = 0.1
"""Of the time that the work has taken so far, between these."""


@dataclass(slots=True)
class _Job:
    """Work under way: since when, when a line was last printed, what came since."""

    began: float
    told: float
    held: Event | None = None

    def is_due(self, now: float) -> bool:
        """Whether enough time went by for another line."""
        return now - self.told >= min(LONGEST, max(SHORTEST, SHARE * (now - self.began)))


class Log:
    """A listener that prints events to stderr.

    Of work under way, such as decoding, the last is told, and before it a line each two seconds,
    of long work each tenth of the time so far or each minute. All else is told at once.

    Parameters
    ----------
    told : callable
        Words each line; as it is if left out.
    """

    def __init__(self, told: Callable[[str], str] = str) -> None:
        self.told = told
        self.jobs: dict[Hashable, _Job] = {}
        self.spoke = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Print what is due of an event."""
        if isinstance(event, StepEnded):
            return
        name = _job(event)
        if name is None:
            self.close()
            self._print(event)
            return
        now = time.monotonic()
        job = self.jobs.setdefault(name, _Job(began=now, told=self.spoke))
        last = _is_last(event)
        job.held = None if last or job.is_due(now) else event
        if job.held is None:
            job.told = now
            self._print(event)
        if last:
            del self.jobs[name]

    def close(self) -> None:
        """Print the last of what was under way, where that was not told."""
        for job in self.jobs.values():
            if job.held is not None:
                self._print(job.held)
        self.jobs.clear()

    def _print(self, event: Event) -> None:
        self.spoke = time.monotonic()
        with contextlib.suppress(OSError, ValueError):  # nobody listening must not end the work
            for line in lines_of(event):
                print(visible_lines(self.told(line)), file=sys.stderr, flush=True)


def _job(event: Event) -> Hashable:
    """Return whose progress an event tells; None where it tells of something done."""
    match event:
        case Decoding(purpose=of) | Extracting(network=of):
            return event.kind, of
        case TeachingAnew() | PartWritten() | EpochEnded():
            return event.kind
    return None


def _is_last(event: Event) -> bool:
    """Whether work is known to end with this."""
    match event:
        case Decoding(done=done, total=total) | Extracting(done=done, total=total):
            return done == total
        case TeachingAnew(done=done, total=total) | PartWritten(done=done, total=total):
            return done == total
    return False
