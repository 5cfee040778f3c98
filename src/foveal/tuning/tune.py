"""Tuning: networks and trainings are tried within a time, and the best model is kept.

Trials are chosen by the validation pictures, so that these flatter the chosen one: a part that no
trial saw says how it fares, beside what all defaults reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal import files
from foveal.errors import DivergedError, Interrupted, NetworkError, UsageError
from foveal.estimators.cnn import CNNClassifier
from foveal.judging.evaluation import Evaluation, evaluate
from foveal.model.contents import checked_path
from foveal.model.fitted import FittedModel
from foveal.model.loading import load
from foveal.parameters import Choice, Real, Rule, Whole, check, optional
from foveal.pictures.sources import gather
from foveal.pictures.survey import choose_recipe
from foveal.progress.events import EpochEnded, Event, Planned
from foveal.results import plain
from foveal.shapes import Shape
from foveal.training.run import Run
from foveal.tuning import space
from foveal.tuning.study import (
    GRID,
    SAMPLERS,
    Sampler,
    Tried,
    front,
    importance,
    imported,
    opened,
    tried,
)
from foveal.wording import counted

if TYPE_CHECKING:
    from optuna import Study, Trial

DEFAULT_MODEL = "default.safetensors"
"""The model of the first trial, all defaults, in the folder of the study."""
TEST_SHARE = 0.2
TIME_UP = "time was up"
BEHIND = "it fell behind the others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What was tried, what came of it, and what mattered. ``print(found)`` gives the summary."""

    trials: tuple[Tried, ...]
    best: int
    """Number of the trial whose model is kept."""
    importance: dict[str, float]
    """Share of the differences between trials that each hyperparameter explains."""
    path: Path
    """The best model."""
    judged: Evaluation
    """How it fares on pictures that no trial saw, where there are any."""
    default: Evaluation | None
    """How the first trial fares on them, all defaults; None where it did not end."""
    seconds: float

    @property
    def model(self) -> FittedModel:
        """The best model."""
        return load(self.path)

    @property
    def front(self) -> list[Tried]:
        """The complete trials that none beats at their cost or less, cheapest first."""
        return front(self.trials)

    def __repr__(self) -> str:
        return f"Tuning({counted(len(self.trials), 'trial')}, best {self.best}, {self.judged!r})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Say what came of it, what mattered, and what accuracy costs, in lines."""
        said = self.outcome()
        if self.importance:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in self.importance.items())
            said.append(f"what mattered: {shares}")
        if len(self.front) > 1:
            said += ["accuracy against cost:", *map(_of_front, self.front)]
        return said

    def outcome(self) -> list[str]:
        """Say what came of it, in lines."""
        done = sum(one.state == "complete" for one in self.trials)
        best = next(one for one in self.trials if one.number == self.best)
        said = [
            f"{counted(len(self.trials), 'trial')} in {self.seconds:.0f} s: {done:,} complete, "
            f"{len(self.trials) - done:,} ended early",
            f"best   trial {best.number}: {space.told(best.options)}",
            f"judged {_figure(self.judged)} ({self.judged.judged_by})",
        ]
        if self.default is not None:
            same = " (it is the best)" if self.best == 0 else ""
            said.append(f"       {_figure(self.default)} with all defaults{same}")
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "trials": [one.to_dict() for one in self.trials],
            "best": self.best,
            "importance": self.importance,
            "front": [one.number for one in self.front],
            "model": str(self.path),
            "judged_by": self.judged.judged_by,
            "metrics": plain(self.judged.metrics),
            "default_metrics": None if self.default is None else plain(self.default.metrics),
            "seconds": self.seconds,
        }


def _figure(found: Evaluation) -> str:
    target = found.answers.target
    name, value = target.figures(found.metrics, found.uncalibrated_error, found.temperature)[0]
    return f"{name} {value} on {counted(len(found.answers.rows), 'picture')}"


def _of_front(one: Tried) -> str:
    cost = f"{(one.multiply_adds or 0) / 1e6:,.2f} M multiply-adds"
    return f"       trial {one.number}: {one.value:.4f} on validation, {cost}"


def tune(
    X: Any,
    y: Any = None,
    *,
    to: str | Path,
    minutes: float = 10.0,
    trials: int | None = None,
    learner: type[CNNClassifier] = CNNClassifier,
    sampler: Sampler = "tpe",
    storage: str | None = None,
    groups: Any = None,
    test_share: float = TEST_SHARE,
    validation_share: float = 0.2,
    epochs: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    tell: Callable[[Tried, bool], None] | None = None,
) -> Tuning:
    """Try networks and trainings on pictures, and keep the best model.

    The first trial is that of all defaults; what follows is led by what came of those before, and
    ends early where it falls behind (median rule: Golovin et al., "Google Vizier", 2017). Layers,
    kernels and their sizes, padding, strides, pooling, nodes, activations, dropout, optimizer,
    rate, decay, batch and variations are open. A later call goes on with the same study.

    Parameters
    ----------
    X, y, groups
        As in `CNNClassifier.fit`.
    to : path
        Where the best model goes, whole after each trial that is better: a .safetensors file. The
        study lies in a folder beside it, MODEL.tune/.
    minutes : float
        After which no trial is begun, and that under way ends.
    trials : int, optional
        Trials of this call, at most.
    learner : type
        `CNNClassifier` or `CNNRegressor`.
    sampler : {"tpe", "random"}
        How trials are chosen.
    storage : str, optional
        Address of a database as SQLAlchemy writes it, such as "postgresql://..."; a file of SQLite
        in the study's folder where left out.
    test_share : float, 0 to 1
        Share that no trial sees and that judges the best; only where no folder names a test part.
    validation_share, epochs, device, threads
        As in `CNNClassifier`; of each trial.
    seed : int
        Of the choice of trials, and of each training.
    tell : callable, optional
        Called after each trial with it and whether it is the best so far.

    Raises
    ------
    UsageError, DataError, ResourceError
        See `foveal.errors`; where no trial could be completed, too.
    """
    rules: dict[str, Rule] = {
        "minutes": Real(0, above=True),
        "trials": optional(Whole(1)),
        "sampler": Choice(SAMPLERS),
        "test_share": Real(0, 1, below=True),
        "seed": Whole(0),
    }
    given = {"minutes": minutes, "trials": trials, "sampler": sampler}
    check(given | {"test_share": test_share, "seed": seed}, rules)
    began, place = time.monotonic(), checked_path(to)
    folder = place.with_suffix(".tune")
    with files.told(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    pictures = gather(X) if y is None else X
    shape = choose_recipe(gather(X)).shape
    common = {
        "test_share": test_share,
        "validation_share": validation_share,
        "epochs": epochs,
        "device": device,
        "threads": threads,
        "random_state": seed,
    }
    teaching = round(len(pictures) * (1 - test_share) * (1 - validation_share))
    facts = {"pictures": len(pictures), "shape": list(shape), "options": common}
    study = opened(folder, storage, facts, sampler=sampler, seed=seed)
    data = _Data(X=pictures, y=y, groups=groups, shape=shape, teaching=teaching)
    trying = _Trying(study, data, learner, common, place, folder, tell)
    trying.go(began + 60 * minutes, trials)
    return trying.found(time.monotonic() - began)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """Pictures as `fit` takes them, and the shape that they get."""

    X: Any
    y: Any
    groups: Any
    shape: Shape
    teaching: int
    """Pictures that teach, about."""


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
        if time.monotonic() > self.until:
            self._end(TIME_UP)

    def _judged(self, event: EpochEnded) -> None:
        self.epochs = event.epoch
        if event.best:
            self.best = event
        part = GRID * event.step // self.steps
        if part > self.reported and self.best is not None and event.step < self.steps:
            self.reported = part
            self.trial.report(value_of(self.best), part)
            if self.trial.should_prune():
                self._end(BEHIND)

    def _end(self, why: str) -> None:
        if not self.why:
            self.why = why
            self.run.stop()


def value_of(epoch: EpochEnded) -> float:
    """Return what is made as large as can be: accuracy, else the negative loss.

    Raises
    ------
    UsageError
        Where there are no validation pictures to judge by.
    """
    if epoch.validation_accuracy is not None:
        return epoch.validation_accuracy
    if epoch.validation_loss is not None:
        return -epoch.validation_loss
    raise UsageError(
        "validation_share",
        needed="pictures to choose by",
        came="none",
        remedy="hold a share out",
    )


@dataclass(slots=True)
class _Trying:
    """Trials, one after the other."""

    study: Study
    data: _Data
    learner: type[CNNClassifier]
    common: dict[str, Any]
    place: Path
    folder: Path
    tell: Callable[[Tried, bool], None] | None

    def go(self, until: float, most: int | None) -> None:
        """Try until time is up; a study that has no complete trial yet ends its first."""
        optuna = imported()
        count = 0
        while (most is None or count < most) and (time.monotonic() < until or not self._any()):
            trial = self.study.ask()
            hurried = until if self._any() else float("inf")
            value, state = self._try(trial, hurried)
            self.study.tell(trial, value, state=getattr(optuna.trial.TrialState, state))
            count += 1
            if self.tell is not None:
                kept = tried(self.study.trials[trial.number])
                self.tell(kept, trial.number == self._best().number if self._any() else False)

    def _any(self) -> bool:
        return any(one.state == "complete" for one in self._tried())

    def _tried(self) -> list[Tried]:
        return [tried(one) for one in self.study.get_trials(deepcopy=False)]

    def _best(self) -> Tried:
        complete = [one for one in self._tried() if one.state == "complete"]
        return max(complete, key=_rank)

    def _try(self, trial: Trial, until: float) -> tuple[float | None, str]:
        """Train as a trial says; a model that is better than all before is kept."""
        options = space.asked(trial, self.data.shape, self.data.teaching)
        known = self.learner().get_params()
        options = {name: value for name, value in options.items() if name in known}
        trial.set_user_attr("options", options)
        watch, began = _Watch(trial, until), time.monotonic()
        learner = self.learner(**options, **self.common)
        try:
            space.planned(options["net"], self.data.shape, 2)
            learner.fit(self.data.X, self.data.y, groups=self.data.groups, run=watch.run)
        except (NetworkError, DivergedError) as error:
            watch.why = f"{error.what}: {error.came}"
        except Interrupted:
            pass  # it was ended, and says why
        trial.set_user_attr("seconds", round(time.monotonic() - began, 3))
        trial.set_user_attr("epochs", watch.epochs)
        if watch.why or watch.best is None:
            trial.set_user_attr("why", watch.why or "no epoch was judged")
            return None, "PRUNED"
        return self._ended(trial, learner, watch.best), "COMPLETE"

    def _ended(self, trial: Trial, learner: CNNClassifier, best: EpochEnded) -> float:
        """Keep what a whole training reached, and its model where it is the best."""
        plan, value = learner.model_.plan, value_of(best)
        trial.set_user_attr("loss", best.validation_loss)
        trial.set_user_attr("multiply_adds", plan.multiply_adds)
        trial.set_user_attr("parameters", plan.parameters)
        loss = best.validation_loss or 0.0
        if not self._any() or (value, -loss) > _rank(self._best()):
            learner.save(str(self.place))
        if trial.number == 0:
            learner.save(str(self.folder / DEFAULT_MODEL))
        return value

    def found(self, seconds: float) -> Tuning:
        """Judge the best model, and that of all defaults, on pictures that no trial saw."""
        if not self._any():
            raise UsageError(
                "minutes",
                needed="time for one whole training",
                came="none that was completed",
                remedy="give more, or fewer `epochs`",
            )
        default = self.folder / DEFAULT_MODEL
        return Tuning(
            trials=tuple(self._tried()),
            best=self._best().number,
            importance=importance(self.study),
            path=self.place,
            judged=self._judged(self.place),
            default=self._judged(default) if default.exists() else None,
            seconds=seconds,
        )

    def _judged(self, path: Path) -> Evaluation:
        data = self.data
        return evaluate(load(path), data.X, data.y, groups=data.groups, with_baselines=False)


def _rank(one: Tried) -> tuple[float, float]:
    return one.value or 0.0, -(one.loss or 0.0)
