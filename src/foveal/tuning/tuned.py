"""What tuning found: the best model, how it fares, what mattered, what accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.errors import DataError, UsageError
from foveal.judging.evaluation import Evaluation, evaluate
from foveal.model.fitted import FittedModel
from foveal.model.loading import load
from foveal.results import plain
from foveal.tuning import space
from foveal.tuning.choosing import Confirmed, chosen, confirmed
from foveal.tuning.keeping import DEFAULT_MODEL, keep_aside, put
from foveal.tuning.search import Search
from foveal.tuning.storage import address_in, reached
from foveal.tuning.study import Tried, all_tried, front, importance, opened
from foveal.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What was tried, what came of it, and what mattered. ``print(found)`` gives the summary."""

    trials: tuple[Tried, ...]
    best: int
    """Number of the trial whose model is kept."""
    confirmed: tuple[Confirmed, ...]
    """The best few beside all defaults, trained again on other splits, the best first; none where
    nothing was."""
    importance: dict[str, float]
    """Share of the differences between trials that each hyperparameter explains."""
    path: Path
    """The best model."""
    judged: Evaluation
    """How it fares on pictures that no trial saw, where there are any."""
    default: Evaluation | None
    """How the trial of all defaults fares on them; None where it did not end here."""
    seconds: float
    notes: tuple[str, ...] = ()
    """What a reader should know: processes that were lost, a better model elsewhere."""

    @property
    def model(self) -> FittedModel:
        """The best model."""
        return load(self.path)

    @property
    def front(self) -> list[Tried]:
        """The complete trials that none beats at their cost or less, cheapest first."""
        return front(self.trials)

    def __repr__(self) -> str:
        own = [one for one in self.trials if one.repeat_of is None]
        return f"Tuning({counted(len(own), 'trial')}, best {self.best}, {self.judged!r})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Say what came of it, what mattered, and what accuracy costs, in lines."""
        said = self.outcome()
        if self.importance:
            shares = ", ".join(
                f"{space.worded(name)} {percent(share)}" for name, share in self.importance.items()
            )
            said.append(f"what mattered: {shares}")
        if len(self.front) > 1:
            said += [f"{self.front[0].measure} against cost:", *map(_of_front, self.front)]
        return said

    def outcome(self) -> list[str]:
        """Say what came of it, in lines."""
        said = [f"{name:<8} {value}" for name, value in self.facts()]
        own = [one for one in self.trials if one.repeat_of is None]
        again = len(self.trials) - len(own)
        told = f"{counted(len(own), 'trial')}, {self.seconds:.0f} s: {_states(own)}"
        said.insert(0, told + f"; {counted(again, 'training')} again" * bool(again))
        return [*said, *(f"note: {one}" for one in self.notes)]

    def facts(self) -> list[tuple[str, str]]:
        """Say which trial is the best and how it fares, beside all defaults, by name."""
        best = next(one for one in self.trials if one.number == self.best)
        said = [
            ("best", f"trial {best.number}: {space.told(best.options)}"),
            ("chosen", f"{self._why(best)}; {best.told} on validation pictures"),
            ("judged", f"{_figure(self.judged)} ({self.judged.judged_by})"),
        ]
        first = next((one for one in self.trials if one.is_first and one.complete), None)
        if first is not None and not best.is_first:
            said.append(("cost", _cost(best, first)))
        if self.default is not None:
            same = " (it is the best)" if best.is_first else ""
            said.append(("defaults", f"{_figure(self.default)}{same}"))
        return said

    def _why(self, best: Tried) -> str:
        """Say by what the best was chosen."""
        own = [one for one in self.trials if one.complete and one.repeat_of is None]
        if not self.confirmed and best.is_first and any(one.rank > best.rank for one in own):
            return "since no other was trained again, for which it takes more `minutes`"
        if not self.confirmed:
            return "by the loss of the validation pictures alone, which flatters it"
        first = self.confirmed[0]
        rounds = counted(first.rounds, "further training")
        changed = f"changed the loss of all defaults, {first.defaults_loss:.3g}, by {first.changed}"
        if best.is_first:
            return (
                f"since none was surely better: in {rounds} on other splits trial {first.number} "
                f"{changed}"
            )
        return f"by {rounds} on other splits, in which it {changed}"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "trials": [one.to_dict() for one in self.trials],
            "best": self.best,
            "confirmed": [one.to_dict() for one in self.confirmed],
            "importance": self.importance,
            "front": [one.number for one in self.front],
            "model": str(self.path),
            "judged_by": self.judged.judged_by,
            "metrics": plain(self.judged.metrics),
            "default_metrics": None if self.default is None else plain(self.default.metrics),
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


def percent(share: float) -> str:
    """Write a share as whole percents."""
    return f"{100 * share:.0f} %"


def _states(trials: Sequence[Tried]) -> str:
    """Count the trials by what became of them."""
    words = {
        "complete": "complete",
        "pruned": "ended early",
        "failed": "whose process was ended",
        "running": "under way elsewhere",
    }
    counts = [(word, sum(one.state == state for one in trials)) for state, word in words.items()]
    return ", ".join(f"{count:,} {word}" for word, count in counts if count or word == "complete")


def _figure(found: Evaluation) -> str:
    target = found.answers.target
    figures = target.figures(found.metrics, found.uncalibrated_error, found.temperature)
    name, value = next((one for one in figures if one[0] == target.chosen_by[0]), figures[0])
    return f"{name} {value} on {counted(len(found.answers.rows), 'picture')}"


def _cost(best: Tried, first: Tried) -> str:
    """Say what the best costs beside all defaults, to train and to ask."""
    said = f"{best.seconds:.1f} s to train, all defaults {first.seconds:.1f} s"
    if not best.multiply_adds or not first.multiply_adds:
        return said
    times = best.multiply_adds / first.multiply_adds
    return f"{said}; a picture takes {times:.2g} times their multiply-adds"


def _of_front(one: Tried) -> str:
    cost = f"{(one.multiply_adds or 0) / 1e6:,.2f} M multiply-adds"
    return f"       trial {one.number}: {one.measure} {one.figure} on validation, {cost}"


def found(search: Search, seconds: float, notes: list[str]) -> Tuning:
    """Judge the best model, and that of all defaults, on pictures that no trial saw.

    Raises
    ------
    UsageError
        Where no trial was trained to its end.
    DataError
        Where the model of none of them lies at its place.
    """
    study, _ = opened(search)
    with reached(address_in(search.folder, search.storage)):
        trials, shares = tuple(all_tried(study)), importance(study)
    best = chosen(trials, search.held_share, search.rounds)
    if best is None:
        raise UsageError(
            "minutes",
            needed="time for one whole training",
            came="none that was completed",
            remedy="give more, or fewer `epochs`",
        )
    here = _put(search, trials, best)
    if here.number != best.number:
        notes = [*notes, f"trial {best.number} is better: {best.told}, its model at {best.where}"]
    model = load(search.place)
    judged = _judged(search, model)
    return Tuning(
        trials=trials,
        best=here.number,
        confirmed=tuple(confirmed(trials, search.held_share)),
        importance=shares,
        path=search.place,
        judged=judged,
        default=judged if here.is_first else _default_judged(search),
        seconds=seconds,
        notes=(*notes, *_doubts(search, model, judged)),
    )


def _doubts(search: Search, model: FittedModel, judged: Evaluation) -> tuple[str, ...]:
    """Say where pictures that no trial saw cannot tell the model from one that learned nothing."""
    target, known = judged.answers.target, model.provenance
    remedies = ["give more `minutes`"]
    if search.kind == "cnn":
        remedies.append("or, of photographs, tune a pretrained network (`learner` transfer)")
    return target.doubts(target.estimates(judged.metrics), known.class_counts, remedies)


def _put(search: Search, trials: tuple[Tried, ...], best: Tried) -> Tried:
    """Bring the model of the best trial to its place, or of the best that is on this machine.

    Raises
    ------
    DataError
        Where there is none.
    """
    others = sorted((one for one in trials if one.model), key=lambda one: one.rank, reverse=True)
    for one in (best, *others):
        if put(search, one):
            return one
    raise DataError(
        str(search.place),
        needed=f"the model of trial {best.number}, the best",
        came=f"no model of any trial here; that one was written to {best.where}",
        remedy="bring it from there, or train it anew with its options in trials.csv",
    )


def set_aside(search: Search) -> list[str]:
    """Keep what lies at the model's place and is of no trial; say so, in a note."""
    study, _ = opened(search)
    with reached(address_in(search.folder, search.storage)):
        aside = keep_aside(search, all_tried(study))
    return [aside] if aside else []


def _default_judged(search: Search) -> Evaluation | None:
    """Judge the model of all defaults, if it is here."""
    place = search.folder / DEFAULT_MODEL
    return _judged(search, load(place)) if place.exists() else None


def _judged(search: Search, model: FittedModel) -> Evaluation:
    return evaluate(model, search.X, search.y, groups=search.groups, with_baselines=False)
