"""What tuning found: the best model, how it fares, what mattered, what accuracy costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal import files
from foveal.errors import DataError, UsageError
from foveal.judging.evaluation import Evaluation, evaluate
from foveal.model.fitted import FittedModel
from foveal.model.loading import load
from foveal.results import plain
from foveal.tuning import space
from foveal.tuning.search import Search
from foveal.tuning.storage import address_in, reached
from foveal.tuning.study import Tried, all_tried, best_of, front, importance, opened
from foveal.tuning.trying import DEFAULT_MODEL
from foveal.wording import counted


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
        return f"Tuning({counted(len(self.trials), 'trial')}, best {self.best}, {self.judged!r})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Say what came of it, what mattered, and what accuracy costs, in lines."""
        said = self.outcome()
        if self.importance:
            shares = ", ".join(
                f"{name} {percent(share)}" for name, share in self.importance.items()
            )
            said.append(f"what mattered: {shares}")
        if len(self.front) > 1:
            said += [f"{self.front[0].measure} against cost:", *map(_of_front, self.front)]
        return said

    def outcome(self) -> list[str]:
        """Say what came of it, in lines."""
        said = [f"{name:<8} {value}" for name, value in self.facts()]
        count = counted(len(self.trials), "trial")
        said.insert(0, f"{count}, {self.seconds:.0f} s: {_states(self.trials)}")
        return [*said, *(f"note: {one}" for one in self.notes)]

    def facts(self) -> list[tuple[str, str]]:
        """Say which trial is the best and how it fares, beside all defaults, by name."""
        best = next(one for one in self.trials if one.number == self.best)
        said = [
            ("best", f"trial {best.number}: {space.told(best.options)}"),
            ("chosen", f"by {best.measure} {best.told} on validation pictures"),
            ("judged", f"{_figure(self.judged)} ({self.judged.judged_by})"),
        ]
        if self.default is not None:
            same = " (it is the best)" if best.is_first else ""
            said.append(("defaults", f"{_figure(self.default)}{same}"))
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
            "notes": list(self.notes),
        }


def percent(share: float) -> str:
    """Write a share as whole percents."""
    return f"{100 * share:.0f} %"


def _states(trials: tuple[Tried, ...]) -> str:
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


def _of_front(one: Tried) -> str:
    cost = f"{(one.multiply_adds or 0) / 1e6:,.2f} M multiply-adds"
    return f"       trial {one.number}: {one.told} on validation, {cost}"


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
    best = best_of(trials)
    if best is None:
        raise UsageError(
            "minutes",
            needed="time for one whole training",
            came="none that was completed",
            remedy="give more, or fewer `epochs`",
        )
    here = _here(search, trials)
    if here is None:
        raise DataError(
            str(search.place),
            needed=f"the model of trial {best.number}, the best",
            came=f"no model of any trial here; that one was written to {best.where}",
            remedy="bring it from there, or train it anew with its options in trials.csv",
        )
    if here.rank < best.rank:
        more = f"trial {best.number} is better: {best.measure} {best.told}, its model at"
        notes = [*notes, f"{more} {best.where}"]
    default = search.folder / DEFAULT_MODEL
    return Tuning(
        trials=trials,
        best=here.number,
        importance=shares,
        path=search.place,
        judged=_judged(search, search.place),
        default=_judged(search, default) if default.exists() else None,
        seconds=seconds,
        notes=tuple(notes),
    )


def _here(search: Search, trials: tuple[Tried, ...]) -> Tried | None:
    """Find the trial whose model lies at its place; None for none."""
    if not search.place.is_file():
        return None
    content = files.digest_of(search.place)
    return best_of([one for one in trials if one.model == content])


def keep_aside(search: Search) -> str:
    """Keep what lies at the model's place and is of no trial; say so, in a note."""
    study, _ = opened(search)
    if not search.place.is_file() or _here(search, tuple(all_tried(study))) is not None:
        return ""
    aside = search.folder / "replaced.safetensors"
    files.write_whole(aside, search.place.read_bytes())
    return f"what lay at {search.place} before is kept as {aside}"


def _judged(search: Search, path: Path) -> Evaluation:
    judged = evaluate(load(path), search.X, search.y, groups=search.groups, with_baselines=False)
    return judged
