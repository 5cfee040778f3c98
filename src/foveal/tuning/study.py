"""A study: what was tried and what came of it, in a database that a later call goes on with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from foveal.errors import ResourceError, UsageError
from foveal.results import Result
from foveal.tuning.space import DEFAULTS

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

DATABASE = "study.db"
NAME = "foveal"
Sampler = Literal["tpe", "random"]
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random")
"""By what came of earlier trials (tree-structured Parzen estimators: Bergstra et al., "Algorithms
for hyper-parameter optimization", 2011), or at random."""
STARTUP = 8
"""Trials drawn at random before any is led or pruned by others."""
GRID = 20
"""Parts of a training, at the ends of which it is held against the others."""
MOST_IMPORTANT = 10


@dataclass(frozen=True, slots=True)
class Tried(Result):
    """A trial, and what came of it on the validation pictures."""

    number: int
    state: str
    """"complete", "pruned" (it fell behind, could not work, or time was up) or "failed"."""
    value: float | None
    """Accuracy; the negative loss where nothing is right or wrong."""
    loss: float | None
    epochs: int
    seconds: float
    multiply_adds: int | None
    """Of a picture that goes through."""
    parameters: int | None
    options: Mapping[str, Any]
    """Parameters of the learner."""
    why: str
    """Why it is not complete; empty where it is."""


def opened(
    folder: Path, storage: str | None, facts: Mapping[str, Any], *, sampler: Sampler, seed: int
) -> Study:
    """Open a study, or begin one with the trial of all defaults.

    Parameters
    ----------
    folder : pathlib.Path
        Where its database lies unless `storage` says otherwise.
    storage : str, optional
        Address of a database, as SQLAlchemy writes it.
    facts : mapping
        What is tuned: a study goes on with the same alone.

    Raises
    ------
    UsageError
        Where optuna is missing, or the study is one of other pictures or options.
    ResourceError
        Where the database cannot be opened.
    """
    optuna = imported()
    sampling = optuna.samplers
    study: Study
    address = storage or f"sqlite:///{folder / DATABASE}"
    try:
        study = optuna.create_study(
            storage=address, study_name=NAME, load_if_exists=True, direction="maximize"
        )
    except Exception as error:  # of the database, by whatever name
        raise ResourceError(
            "storage",
            needed="a database that can be opened",
            came=f"{type(error).__name__}: {error}".splitlines()[0][:200],
            remedy="give its address as SQLAlchemy writes it, or leave `storage` out",
        ) from error
    before = study.user_attrs.get("facts")
    if before is not None and before != dict(facts):
        changed = [name for name in facts if before.get(name) != facts[name]]
        raise UsageError(
            "the study",
            needed=f"the {', '.join(changed)} that it began with",
            came="others",
            remedy="give the tuned model another name",
        )
    study.set_user_attr("facts", dict(facts))
    for trial in study.get_trials(deepcopy=False):
        if trial.state == optuna.trial.TrialState.RUNNING:  # killed with the process it ran in
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    done = len(study.trials)
    if not done:
        study.enqueue_trial(dict(DEFAULTS))
    drawn = {"tpe": sampling.TPESampler, "random": sampling.RandomSampler}[sampler]
    more = {"n_startup_trials": STARTUP} if sampler == "tpe" else {}
    study.sampler = drawn(seed=seed + done, **more)
    pruners = optuna.pruners
    median = pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=GRID // 5)
    study.pruner = median if sampler == "tpe" else pruners.NopPruner()
    return study


def imported() -> Any:
    """Import optuna, quiet.

    Raises
    ------
    UsageError
        Where it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise UsageError(
            "tuning",
            needed="optuna",
            came="a Python without",
            remedy="install it with: pip install 'foveal[tune]'",
        ) from None
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def tried(trial: FrozenTrial) -> Tried:
    """Read what is kept of a trial."""
    known = trial.user_attrs
    state = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(trial.state.name, "failed")
    return Tried(
        number=trial.number,
        state=state,
        value=None if trial.value is None else float(trial.value),
        loss=known.get("loss"),
        epochs=int(known.get("epochs", 0)),
        seconds=float(known.get("seconds", 0.0)),
        multiply_adds=known.get("multiply_adds"),
        parameters=known.get("parameters"),
        options=known.get("options", {}),
        why=known.get("why", "" if state == "complete" else "it was stopped"),
    )


def importance(study: Study) -> dict[str, float]:
    """Tell which share of the differences between trials each hyperparameter explains.

    By functional analysis of variance of a forest through the complete trials (Hutter, Hoos and
    Leyton-Brown, "An efficient approach for assessing hyperparameter importance", 2014), of those
    that every trial has.

    Returns
    -------
    dict of str to float
        Most important first; empty for fewer complete trials than `STARTUP`.
    """
    optuna = imported()
    complete = [one for one in study.trials if one.state == optuna.trial.TrialState.COMPLETE]
    if len(complete) < STARTUP or len({one.value for one in complete}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in list(found.items())[:MOST_IMPORTANT]}


def front(trials: Sequence[Tried]) -> list[Tried]:
    """Return the complete trials that none beats at their cost or less, cheapest first."""
    complete = [one for one in trials if one.state == "complete" and one.multiply_adds is not None]
    best, kept = float("-inf"), []
    for one in sorted(complete, key=lambda one: (one.multiply_adds, -(one.value or 0.0))):
        if one.value is not None and one.value > best:
            best = one.value
            kept.append(one)
    return kept
