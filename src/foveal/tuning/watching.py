"""Follows the training of a trial; ends it where it falls behind, takes too long, or is late."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from foveal.errors import Interrupted
from foveal.progress.events import EpochEnded, Event, Extracting, Planned, StepEnded
from foveal.training.run import Run
from foveal.tuning.sampling import GRID
from foveal.tuning.study import TIME_UP

if TYPE_CHECKING:
    from optuna import Trial

BEHIND = "it fell behind the others"
SURE = 0.05
"""Share of a training after which its pace tells how long it takes."""


@dataclass(slots=True)
class Watch:
    """Follows a training, and ends it."""

    trial: Trial
    until: float
    """In seconds since the epoch."""
    longest: float = math.inf
    """Seconds that a training may take."""
    held: bool = True
    """Whether it is held against the others meanwhile."""
    run: Run = field(default_factory=Run)
    steps: int = 1
    reported: int = -1
    epochs: int = 0
    lowest: float = math.inf
    """Loss of the validation pictures, at its best."""
    why: str = ""
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.run.listeners.append(self)

    def __call__(self, event: Event) -> None:
        """Hear of an event; where time is up features that are being made stop at once.

        Raises
        ------
        Interrupted
            Then: the loop of a training stops by itself.
        """
        if isinstance(event, Planned):
            self.steps = int(event.config.get("steps", 1))
        elif isinstance(event, EpochEnded):
            self._judged(event)
        elif isinstance(event, StepEnded):
            self._paced(event)
        if time.time() > self.until:
            self._end(TIME_UP)
            if isinstance(event, Extracting):  # the pictures that went through are kept
                raise Interrupted("a trial", needed="time", came=TIME_UP, remedy="give more")

    def _judged(self, event: EpochEnded) -> None:
        self.epochs = event.epoch
        if event.validation_loss is None or not self.held:
            return
        self.lowest = min(self.lowest, event.validation_loss)
        part = GRID * event.step // self.steps
        if part > self.reported and event.step < self.steps:
            self.reported = part
            self.trial.report(-self.lowest, part)
            if self.trial.should_prune():
                self._end(BEHIND)

    def _paced(self, event: StepEnded) -> None:
        if event.step < SURE * self.steps:
            return
        whole = time.monotonic() - self.began + event.remaining
        if whole > self.longest:
            self._end(f"it would take {whole:,.1f} s; a trial may take {self.longest:,.1f} s")

    def _end(self, why: str) -> None:
        if not self.why:
            self.why = why
            self.run.stop()
