"""Trials, one after the other, in one process of any number that share a study."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foveal.errors import DivergedError, FovealError, Interrupted, NetworkError
from foveal.estimators.cnn import FromScratch
from foveal.estimators.learner import Answering
from foveal.learning.data import TrainingData
from foveal.model.fitted import FittedModel
from foveal.targets.labelled import Labelled
from foveal.training.run import Run
from foveal.tuning import space
from foveal.tuning.choosing import next_repeat
from foveal.tuning.keeping import keep
from foveal.tuning.presence import Presence, study_lock
from foveal.tuning.search import Search, Times
from foveal.tuning.storage import Damaged, address_in, experiments_meant, imported, reached, rows
from foveal.tuning.study import AT, OF, ROUND, all_tried, begin, best_of, bury, opened, trials_of
from foveal.tuning.watching import Watch

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import TrialState

LARGEST_SHARE = 1 / 3
"""Share of the time for the search that one trial may take."""
PAUSE = 0.3
"""Seconds after which it is asked again whether others have ended."""


def work(
    search: Search, times: Times, most: int | None, after: Callable[[Study], None] | None = None
) -> None:
    """Try until time is up, as one of any number of processes, then train the best few again.

    Parameters
    ----------
    search : Search
        What is tuned.
    times : Times
        When what ends; a study that has no complete trial yet ends its first.
    most : int, optional
        Trials of this process, at most; those that are trained again are not counted.
    after : callable, optional
        Called after each trial.

    Raises
    ------
    UsageError, DataError, ResourceError
        See `foveal.errors`.
    """
    with Worker.enter(search) as worker:
        count = 0
        while (most is None or count < most) and worker.once(times):
            count += 1
            if after is not None:
                after(worker.study)
        while worker.again(times):
            if after is not None:
                after(worker.study)


@dataclass(slots=True)
class Shown:
    """The pictures, as rounds divide them up; each way is prepared once in this process."""

    search: Search
    prepared: dict[int, TrainingData[Labelled]] = field(default_factory=dict)

    def ready(self, learner: Answering, round: int) -> None:
        """Prepare the pictures of a round, where that was not done and can be."""
        if isinstance(learner, FromScratch) and round not in self.prepared:
            self.prepared[round] = learner.prepared(self.search.X)

    def teach(self, learner: Answering, round: int, run: Run) -> None:
        """Train a learner on them; a transfer, whose options prepare them, opens its features."""
        if isinstance(learner, FromScratch):
            learner.fit_prepared(self.prepared[round], run=run)
        else:
            learner.fit(self.search.X, run=run)


@dataclass(slots=True)
class Worker:
    """One process at a study; others know that it is there until it ends, or ``with`` does."""

    search: Search
    study: Study
    presence: Presence
    shown: Shown

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
        return cls(search, study, presence, Shown(search))

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.presence.leave(unfinished=kind is not None)

    def once(self, times: Times) -> bool:
        """Ask for a trial, try it, and tell what came of it; not once time is up.

        Returns
        -------
        bool
            Whether one was tried. A study without any that is complete ends its first.
        """
        with self._reaching():
            begun = best_of(all_tried(self.study)) is not None
            if begun and time.time() >= times.search:
                return False
            with study_lock(self.search.folder):  # nobody enters meanwhile
                bury(self.study, self.search)
                begin(self.study, self.search)
                trial = self._asked()
            longest = LARGEST_SHARE * (times.search - time.time())
            self._take(trial, *((times.search, longest) if begun else (math.inf, math.inf)))
            return True

    def again(self, times: Times) -> bool:
        """Train one of the best few again, on another split; not once time is up.

        Returns
        -------
        bool
            Whether one was: none once all were, or where none would be done in time.
        """
        with self._reaching():
            while time.time() < times.end:
                with study_lock(self.search.folder):  # what waits is asked for by one alone
                    bury(self.study, self.search)
                    if self._queue(times):
                        trial = self._asked()
                        break
                if not any(one.state == "running" for one in all_tried(self.study)):
                    return False
                time.sleep(PAUSE)  # what others are at decides who stays
            else:
                return False
            self._take(trial, times.end, math.inf)
            return True

    def _queue(self, times: Times) -> bool:
        """Let the next to be trained again wait; whether there is one, or one waits already."""
        if any(OF in one.user_attrs for one in trials_of(self.study, "WAITING")):
            return True
        trials = all_tried(self.study)
        found = next_repeat(trials, self.search.rounds, times.again)
        if found is None or time.time() + found[0].seconds > times.end:
            return False
        one, number = found
        params = trials_of(self.study)[one.number].params
        self.study.enqueue_trial(params, user_attrs={OF: one.number, ROUND: number})
        return True

    @property
    def _address(self) -> str:
        return address_in(self.search.folder, self.search.storage)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        with reached(self._address):
            yield

    def _asked(self) -> Trial:
        """Ask for a trial: one that waits, or else a new one."""
        with experiments_meant(), rows():
            return self.study.ask()

    def _take(self, trial: Trial, until: float, longest: float) -> None:
        """Try a trial, and let others know who does."""
        optuna = imported()
        with self.presence.at(trial._trial_id):
            try:
                trial.set_user_attr(AT, self.presence.token)
                self._try(trial, until, longest)
            except optuna.exceptions.UpdateFinishedTrialError:
                pass  # it was held for dead, as after a sleep: another tries again

    def _try(self, trial: Trial, until: float, longest: float) -> None:
        """Train as a trial says."""
        search, again = self.search, OF in trial.user_attrs
        number = int(trial.user_attrs.get(ROUND, 0))
        options = self._answered(trial)
        learner = search.learner(round=number, **options)
        options = {name: one for name, one in options.items() if hasattr(learner, name)}
        trial.set_user_attr("options", options)
        watch = Watch(trial, until, longest, held=not again)
        try:
            if "net" in options:
                space.planned(options["net"], search.shape, 2)
            self.shown.ready(learner, number)
            watch.began = time.monotonic()  # pictures are prepared for all trials of this process
            self.shown.teach(learner, number, watch.run)
        except (NetworkError, DivergedError) as error:
            watch.why = f"{error.what}: {error.came}"
        except Interrupted:
            pass  # it was ended, and says why
        trial.set_user_attr("seconds", round(time.monotonic() - watch.began, 3))
        trial.set_user_attr("epochs", watch.epochs)
        loss = None if watch.why else learner.model_.provenance.calibrated_loss
        if loss is None:
            trial.set_user_attr("why", watch.why or "its loss is no finite number")
            self._tell(trial, None, "PRUNED")
        else:
            self._ended(trial, learner, loss)

    def _answered(self, trial: Trial) -> dict[str, Any]:
        """Ask a trial for its options; what waited was given its answers by a row."""
        search = self.search
        try:
            return search.space.asked(trial, search.shape, search.teaching, search.epochs)
        except ValueError as error:
            waited = "fixed_params" in trials_of(self.study)[trial.number].system_attrs
            if isinstance(error, FovealError) or not waited:
                raise
            raise Damaged(f"trial {trial.number}: {error}") from error

    def _ended(self, trial: Trial, learner: Answering, loss: float) -> None:
        """Tell what a whole training reached; one process at a time keeps its model."""
        plan, reached = learner.model_.plan, reached_by(learner.model_, loss)
        said = {name: getattr(reached, name) for name in Reached.__slots__}
        said |= {"loss": loss, "parameters": plan.parameters, "multiply_adds": plan.multiply_adds}
        for name, value in said.items():
            trial.set_user_attr(name, value)
        with study_lock(self.search.folder):
            if OF not in trial.user_attrs:
                keep(self.search, trial, learner.model_, all_tried(self.study))
            self._tell(trial, -loss, "COMPLETE")

    def _tell(self, trial: Trial, score: float | None, state: str) -> None:
        became: TrialState = getattr(imported().trial.TrialState, state)
        self.study.tell(trial, score, state=became, skip_if_finished=True)


@dataclass(frozen=True, slots=True)
class Reached:
    """What a whole training reached on the validation pictures, in the figure of its target."""

    measure: str
    value: float
    low: float | None
    high: float | None
    score: float
    """`value` where more of it is better, else its negative."""


def reached_by(model: FittedModel, loss: float) -> Reached:
    """Judge a training as its kind of target is judged; by its loss where that cannot be told."""
    name, sign = model.answering().chosen_by
    figure = model.provenance.held_out_figures.get(name)
    if figure is not None and math.isfinite(figure.value):
        return Reached(name, figure.value, figure.low, figure.high, sign * figure.value)
    return Reached("loss", loss, None, None, -loss)
