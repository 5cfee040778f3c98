"""Trials, one after the other, in one process of any number that share a study."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from foveal import files
from foveal.errors import DivergedError, Interrupted, NetworkError
from foveal.estimators.cnn import FromScratch
from foveal.model.fitted import FittedModel
from foveal.progress.events import EpochEnded, Event, Planned
from foveal.training.run import Run
from foveal.tuning import space
from foveal.tuning.presence import Presence, study_lock
from foveal.tuning.sampling import GRID
from foveal.tuning.search import Search
from foveal.tuning.storage import address_in, heartbeats_meant, imported, reached
from foveal.tuning.study import AT, FIRST, all_tried, best_of, bury, opened

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import TrialState

DEFAULT_MODEL = "default.safetensors"
"""The model of the trial of all defaults, in the folder of the study."""
TIME_UP = "time was up"
BEHIND = "it fell behind the others"


def work(
    search: Search, until: float, most: int | None, after: Callable[[Study], None] | None = None
) -> None:
    """Try until time is up, as one of any number of processes.

    Parameters
    ----------
    search : Search
        What is tuned.
    until : float
        In seconds since the epoch; a study that has no complete trial yet ends its first.
    most : int, optional
        Trials of this process, at most.
    after : callable, optional
        Called after each trial.

    Raises
    ------
    UsageError, DataError, ResourceError
        See `foveal.errors`.
    """
    with Worker.enter(search) as worker:
        count = 0
        while (most is None or count < most) and worker.once(until):
            count += 1
            if after is not None:
                after(worker.study)


@dataclass(slots=True)
class Worker:
    """One process at a study; others know that it is there until it ends, or ``with`` does."""

    search: Search
    study: Study
    presence: Presence

    @classmethod
    def enter(cls, search: Search) -> Worker:
        """Take part in a study.

        Raises
        ------
        UsageError, ResourceError
            As in `foveal.tuning.study.opened`.
        """
        study, storage = opened(search)
        presence = Presence(search.folder, storage)
        presence.enter()
        return cls(search, study, presence)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.presence.leave(unfinished=kind is not None)

    def any(self) -> bool:
        """Whether a trial was trained to its end."""
        return best_of(all_tried(self.study)) is not None

    def once(self, until: float) -> bool:
        """Ask for a trial, try it, and tell what came of it; not once time is up.

        Returns
        -------
        bool
            Whether one was tried. A study without any that is complete ends its first.
        """
        optuna = imported()
        with reached(address_in(self.search.folder, self.search.storage)):
            begun = self.any()
            if begun and time.time() >= until:
                return False
            bury(self.study, self.search)
            with heartbeats_meant():
                trial = self.study.ask()
            with self.presence.at(trial._trial_id):
                try:
                    trial.set_user_attr(AT, self.presence.token)
                    self._try(trial, until if begun else float("inf"))
                except optuna.exceptions.UpdateFinishedTrialError:
                    pass  # it was held for dead, as after a sleep: another tries again
            return True

    def _try(self, trial: Trial, until: float) -> None:
        """Train as a trial says."""
        search = self.search
        options = space.asked(trial, search.shape, search.teaching)
        learner = search.learner(**options)
        options = {name: one for name, one in options.items() if hasattr(learner, name)}
        trial.set_user_attr("options", options)
        watch, began = _Watch(trial, until), time.monotonic()
        try:
            space.planned(options["net"], search.shape, 2)
            learner.fit(search.X, search.y, groups=search.groups, run=watch.run)
        except (NetworkError, DivergedError) as error:
            watch.why = f"{error.what}: {error.came}"
        except Interrupted:
            pass  # it was ended, and says why
        trial.set_user_attr("seconds", round(time.monotonic() - began, 3))
        trial.set_user_attr("epochs", watch.epochs)
        if watch.why or watch.best is None:
            trial.set_user_attr("why", watch.why or "no epoch was judged")
            self._tell(trial, None, "PRUNED")
        else:
            self._ended(trial, learner, watch.best)

    def _ended(self, trial: Trial, learner: FromScratch, best: EpochEnded) -> None:
        """Tell what a whole training reached; one process at a time keeps its model."""
        plan, reached = learner.model_.plan, reached_by(learner.model_, best)
        said = {name: getattr(reached, name) for name in ("measure", "value", "low", "high")}
        said |= {"loss": best.validation_loss, "parameters": plan.parameters}
        said |= {"multiply_adds": plan.multiply_adds}
        for name, value in said.items():
            trial.set_user_attr(name, value)
        place, folder, score = self.search.place, self.search.folder, reached.score
        with study_lock(folder):
            before = best_of(all_tried(self.study))
            if before is None or (score, -(best.validation_loss or 0.0)) > before.rank:
                learner.save(str(place))
                trial.set_user_attr("model", files.digest_of(place))
                trial.set_user_attr("where", self.search.there)
            if trial.user_attrs.get(FIRST):
                learner.save(str(folder / DEFAULT_MODEL))
            self._tell(trial, score, "COMPLETE")

    def _tell(self, trial: Trial, score: float | None, state: str) -> None:
        became: TrialState = getattr(imported().trial.TrialState, state)
        self.study.tell(trial, score, state=became, skip_if_finished=True)


@dataclass(slots=True)
class _Watch:
    """Follows a training, and ends it where it falls behind or time is up."""

    trial: Trial
    until: float
    run: Run = field(default_factory=Run)
    steps: int = 1
    reported: int = -1
    epochs: int = 0
    best: EpochEnded | None = None
    why: str = ""

    def __post_init__(self) -> None:
        self.run.listeners.append(self)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Planned):
            self.steps = int(event.config.get("steps", 1))
        elif isinstance(event, EpochEnded):
            self._judged(event)
        if time.time() > self.until:
            self._end(TIME_UP)

    def _judged(self, event: EpochEnded) -> None:
        self.epochs = event.epoch
        if event.best:
            self.best = event
        part = GRID * event.step // self.steps
        if part > self.reported and self.best is not None and event.step < self.steps:
            self.reported = part
            self.trial.report(course_of(self.best), part)
            if self.trial.should_prune():
                self._end(BEHIND)

    def _end(self, why: str) -> None:
        if not self.why:
            self.why = why
            self.run.stop()


def course_of(epoch: EpochEnded) -> float:
    """Return what trainings under way are held against one another by: accuracy, else the loss."""
    if epoch.validation_accuracy is not None:
        return epoch.validation_accuracy
    return -(epoch.validation_loss or 0.0)


@dataclass(frozen=True, slots=True)
class Reached:
    """What a whole training reached on the validation pictures."""

    measure: str
    value: float
    low: float | None
    high: float | None
    score: float
    """What is made as large as can be."""


def reached_by(model: FittedModel, best: EpochEnded) -> Reached:
    """Judge a training as its kind of target is judged; by its loss where that cannot be told."""
    name, sign = model.answering().chosen_by
    figure = model.provenance.held_out_figures.get(name)
    if figure is not None:
        return Reached(name, figure.value, figure.low, figure.high, sign * figure.value)
    loss = best.validation_loss or 0.0
    return Reached("loss", loss, None, None, -loss)
