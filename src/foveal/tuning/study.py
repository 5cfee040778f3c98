"""A study: what was tried and what came of it, in a database that a later call goes on with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from foveal import files
from foveal.errors import UsageError
from foveal.evaluation.baselines import written
from foveal.evaluation.intervals import Estimate
from foveal.results import Result
from foveal.tuning import presence, storage
from foveal.tuning.sampling import STARTUP, pruner_of, sampler_of
from foveal.tuning.search import Search
from foveal.tuning.space import worded
from foveal.tuning.storage import imported

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

MOST_IMPORTANT = 10
MOST_TRIES = 3
"""Processes that a trial may cost: it may be what ends them."""
AT, AGAIN, TRY, FIRST = "process", "again of", "try", "defaults"
"""What is kept of a trial: the process at it, the one it stands for whose process was ended, how
often that was, and whether it is that of all defaults."""
BEGINNING = "beginning"
"""Which it is of those that come after all defaults."""
OF, ROUND = "repeat of", "round"
"""The trial that is trained again, and in which round: with its seed, on its split."""
KINDS: Mapping[str, type] = {AT: str, AGAIN: int, TRY: int, FIRST: bool, BEGINNING: int}
"""Of what is kept beside what `Tried` holds."""
DIRECTION = "MAXIMIZE"
"""What is held against one another is the negative of losses."""
TIME_UP = "time was up"
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "RUNNING": "running", "WAITING": "waiting"}
KILLED = "its process was ended"


@dataclass(frozen=True, slots=True)
class Tried(Result):
    """A trial, and what came of it on the validation pictures."""

    number: int
    state: str
    """"complete", "pruned" (it fell behind, could not work, or time was up), "failed" (its process
    was ended), "running" (in another process) or "waiting"."""
    measure: str
    """What `value` is, such as "accuracy"; empty where it is none."""
    value: float | None
    low: float | None
    """95 % interval of `value`."""
    high: float | None
    score: float | None
    """`value` where more of it is better, else its negative."""
    loss: float | None
    """Mean loss on those pictures once calibrated on them, such as the log loss of classes."""
    epochs: int
    seconds: float
    multiply_adds: int | None
    """Of a picture that goes through."""
    parameters: int | None
    options: Mapping[str, Any]
    """Parameters of the learner."""
    why: str
    """Why it is not complete; empty where it is."""
    model: str = ""
    """SHA-256 of the model that it left, where it was among the best at its end."""
    where: str = ""
    """Machine and place of that model."""
    is_first: bool = False
    """Whether it is that of all defaults."""
    repeat_of: int | None = None
    """The trial that it trains again, on another split; None for one of its own."""
    round: int = 0
    """Which split and seed it has; 0 for those of all trials of their own."""

    @property
    def late(self) -> bool:
        """Whether it was ended since time was up."""
        return self.why == TIME_UP

    @property
    def complete(self) -> bool:
        """Whether it was trained to its end."""
        return self.state == "complete"

    @property
    def rank(self) -> tuple[float, int]:
        """How it stands among complete ones: the greater, the better."""
        return -math.inf if self.loss is None else -self.loss, -self.number

    @property
    def told(self) -> str:
        """Its loss and its value, with its interval; nothing where it has none."""
        if self.loss is None:
            return ""
        return f"loss {self.loss:.4f}" + f", {self.measure} {self.figure}" * bool(self.figure)

    @property
    def figure(self) -> str:
        """Its value with its interval; nothing where it has none."""
        if self.value is None:
            return ""
        if self.low is None or self.high is None:
            return f"{self.value:.4f}"
        return written(self.measure, Estimate(self.value, self.low, self.high))


def opened(search: Search) -> tuple[Study, Any]:
    """Open a study, or begin one with the trial of all defaults.

    Trials whose process was ended are failed, and wait to be tried again.

    Returns
    -------
    tuple
        The study, and optuna's storage of it.

    Raises
    ------
    UsageError
        Where optuna is missing, or the study is one of other pictures or options.
    DataError
        Where its trials are not those that tuning wrote.
    ResourceError
        Where the database cannot be opened.
    """
    optuna = imported()
    make_folder(search.folder)  # a call beside this one may have been refused, and removed it
    address = storage.address_in(search.folder, search.storage)
    with presence.study_lock(search.folder), storage.reached(address):
        kept = storage.opened(address, _again)
        study: Study = optuna.create_study(
            storage=kept,
            study_name=search.name,
            load_if_exists=True,
            direction=DIRECTION.lower(),
            sampler=sampler_of(search.sampler, search.seed),
            pruner=pruner_of(search.sampler),
        )
        _agree(study, search.facts)
        _check_trials(study)
        bury(study, search)
        _take_up(study)
        if not any(one.user_attrs.get(FIRST) for one in trials_of(study)):
            study.enqueue_trial(dict(search.space.defaults), user_attrs={FIRST: True})
    return study, kept


def make_folder(folder: Path) -> None:
    """Make the folder of a study, where there is none.

    Raises
    ------
    ResourceError
        Where it cannot be made.
    """
    with files.told(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)


def begin(study: Study, search: Search) -> None:
    """Let what often suits come next, of trials that are led, where nothing else waits."""
    if search.sampler == "random" or trials_of(study, "WAITING"):
        return
    begun = {one.user_attrs.get(BEGINNING) for one in trials_of(study)}
    for number, one in enumerate(search.space.beginnings(search.shape)):
        if number not in begun:
            study.enqueue_trial(one, user_attrs={BEGINNING: number})
            return


def trials_of(study: Study, *states: str) -> list[FrozenTrial]:
    """Read trials, of some states alone where they are named.

    Raises
    ------
    Damaged
        Where rows are none that optuna can read.
    """
    wanted = [getattr(imported().trial.TrialState, state) for state in states]
    with storage.rows():
        return study.get_trials(deepcopy=False, states=tuple(wanted) or None)


def _agree(study: Study, facts: Mapping[str, Any]) -> None:
    """Hold what is tuned against what the study began with."""
    with storage.rows():
        before, ways = study.user_attrs.get("facts"), [one.name for one in study.directions]
    if ways != [DIRECTION]:
        raise storage.Damaged(f"a study of which more is {' and '.join(ways) or 'nothing'}")
    if before is None:
        study.set_user_attr("facts", dict(facts))
        return
    if not isinstance(before, dict) or not isinstance(before.get("options"), dict):
        raise storage.Damaged("nothing that tells what the study began with")
    if before != dict(facts):
        was, now = _flat(before), _flat(facts)
        apart = [name for name in now if was.get(name) != now[name]]
        raise UsageError(
            "the study",
            needed=f"what it began with: {_written(was, apart)}",
            came=_written(now, apart),
            remedy="give the tuned model another name",
        )


def _check_trials(study: Study) -> None:
    """Check that trials are whole.

    Raises
    ------
    Damaged
        Where one is missing, says of itself what none says, lacks what its state promises, or
        where two of its rows contradict one another.
    """
    for place, one in enumerate(trials_of(study)):
        if one.number != place:
            raise storage.Damaged(f"no trial {place}, but a trial {one.number}")
        for name, kind in KINDS.items():
            if type(one.user_attrs.get(name, kind())) is not kind:
                raise storage.Damaged(f"trial {place}, {name}: {one.user_attrs[name]!r}")
        if not isinstance(one.system_attrs.get("fixed_params", {}), dict):
            raise storage.Damaged(f"trial {place} waited for other than parameters")
        found = tried(one)
        if not found.complete:
            continue
        kept = (one.values, found.loss, found.score, found.value, found.measure or None)
        if None in kept:
            raise storage.Damaged(f"trial {place} complete without what it reached")
        if one.values != [-(found.loss or 0.0)]:
            raise storage.Damaged(
                f"trial {place} of loss {found.loss}, and held to be {one.values}"
            )


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is tuned with its options one by one."""
    return {**facts, **facts.get("options", {}), "options": None}


def _written(facts: Mapping[str, Any], names: Sequence[str]) -> str:
    """Write some of what is tuned."""
    return ", ".join(f"{worded(name)} {facts.get(name)}" for name in names)


def bury(study: Study, search: Search) -> None:
    """Fail the trials whose process was ended; each waits to be tried again.

    Called by who holds the lock of the study: one that enters meanwhile would be met half.
    """
    optuna = imported()
    with storage.experiments_meant():
        optuna.storages.fail_stale_trials(study)
    running = trials_of(study, "RUNNING")
    gone = presence.gone(search.folder)
    for one in running:
        if one.user_attrs.get(AT) in gone:
            study.tell(one.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)
            _again(study, one)
    for token in gone:
        presence.forget(search.folder, token)


def _again(study: Study, trial: FrozenTrial) -> None:
    """Let a trial whose process was ended be tried again, with what it was given."""
    given = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    tries = int(trial.user_attrs.get(TRY, 1))
    if not given or tries >= MOST_TRIES:
        return
    kept = (FIRST, OF, ROUND)
    known = {name: one for name, one in trial.user_attrs.items() if name in kept}
    known |= {AGAIN: trial.number, TRY: tries + 1}
    study.enqueue_trial(given, user_attrs=known)


def _take_up(study: Study) -> None:
    """Let what is to be tried again wait where a process was ended before it said so."""
    repeated = {one.user_attrs.get(AGAIN) for one in trials_of(study)}
    for one in trials_of(study, "FAIL"):
        if one.number not in repeated:
            _again(study, one)


_TRIED = TypeAdapter(Tried)


def tried(trial: FrozenTrial) -> Tried:
    """Read what is kept of a trial.

    Raises
    ------
    Damaged
        Where that is of another form.
    """
    known = trial.user_attrs
    state = STATES.get(trial.state.name, "failed")
    complete = state == "complete"
    facts = {
        "number": trial.number,
        "state": state,
        "measure": known.get("measure", "") if complete else "",
        "value": known.get("value") if complete else None,
        "low": known.get("low") if complete else None,
        "high": known.get("high") if complete else None,
        "score": known.get("score") if complete else None,
        "loss": known.get("loss") if complete else None,
        "epochs": known.get("epochs", 0),
        "seconds": known.get("seconds", 0.0),
        "multiply_adds": known.get("multiply_adds"),
        "parameters": known.get("parameters"),
        "options": known.get("options", {}),
        "why": known.get("why", "" if state != "failed" else KILLED),
        "model": known.get("model", "") if complete else "",
        "where": known.get("where", "") if complete else "",
        "is_first": known.get(FIRST, False),
        "repeat_of": known.get(OF),
        "round": known.get(ROUND, 0),
    }
    try:
        found = _TRIED.validate_python(facts)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise storage.Damaged(f"trial {trial.number}, {place}: {first['msg']}") from None
    for name in ("loss", "value", "score"):
        if not math.isfinite(getattr(found, name) or 0.0):
            raise storage.Damaged(f"trial {trial.number}, {name}: {getattr(found, name)}")
    return found


def all_tried(study: Study) -> list[Tried]:
    """Read what is kept of all trials but those that wait."""
    found = map(tried, trials_of(study))
    return [one for one in found if one.state != "waiting"]


def best_of(trials: Sequence[Tried]) -> Tried | None:
    """Return the best of the complete trials by the pictures that judge all of them."""
    own = (one for one in trials if one.complete and one.repeat_of is None)
    return max(own, key=lambda one: one.rank, default=None)


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
    own = [one for one in trials_of(study, "COMPLETE") if OF not in one.user_attrs]
    if len(own) < STARTUP or len({one.value for one in own}) < 2:
        return {}
    alone = optuna.create_study(direction=DIRECTION.lower())
    alone.add_trials(own)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(alone, evaluator=evaluator)
    return {name: float(share) for name, share in list(found.items())[:MOST_IMPORTANT]}


def front(trials: Sequence[Tried]) -> list[Tried]:
    """Return the complete trials that none beats at their cost or less, cheapest first."""
    own = [one for one in trials if one.complete and one.repeat_of is None]
    complete = [one for one in own if one.multiply_adds is not None]
    best, kept = float("-inf"), []
    for one in sorted(complete, key=lambda one: (one.multiply_adds, -(one.score or 0.0))):
        if one.score is not None and one.score > best:
            best = one.score
            kept.append(one)
    return kept
