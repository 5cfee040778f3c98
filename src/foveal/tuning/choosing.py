"""Which trials are trained again before one is chosen, and which is chosen then.

The best of many by one set of held-out pictures is partly the luckiest (Cawley and Talbot, JMLR 11,
2010). So the best few are trained again, with other seeds on other splits of the pictures that
teach, and all defaults beside them on the same ones; after each round the worse of them leave, as
in sequential halving (Karnin, Koren and Somekh, ICML 2013). What was found replaces the defaults
where it is better in these rounds, which did not choose the few, by more than a standard error (the
rule of Breiman and others, "Classification and regression trees", 1984): what is simple and known
stays where chance may explain the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.evaluation.intervals import Estimate, resampled_error, resampled_mean
from foveal.results import Result
from foveal.tuning.study import MOST_TRIES, Tried, best_of

STAY = (3, 2, 1)
"""How many are in the first round, in the second, and in those after; the defaults beside them."""
ROUNDS = 5
"""Rounds, if time allows."""
ENOUGH = 2
"""Rounds for which the time set aside must suffice, or fewer are in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed(Result):
    """A trial beside all defaults, in trainings that did not choose it."""

    number: int
    rounds: int
    """Trainings of each, with other seeds on other splits; the same for both."""
    loss: float
    """Mean calibrated loss of its trainings, on the pictures that each held out."""
    defaults_loss: float
    """That of all defaults."""
    gain: float
    """How much lower the first is."""
    error: float
    """Standard error of `gain`, by `foveal.evaluation.intervals.resampled_error`."""
    low: float
    """95 % interval of `gain`, by `foveal.evaluation.intervals.resampled_mean`."""
    high: float

    @property
    def better(self) -> bool:
        """Whether it replaces the defaults: better by more than a standard error."""
        return self.gain > 0 and self.gain > self.error

    @property
    def told(self) -> str:
        """The gain, with its interval where there are several rounds."""
        found = Estimate(self.gain, self.low, self.high)
        return found.plain() if math.isfinite(self.low) else f"{self.gain:.3g}"

    @property
    def changed(self) -> str:
        """What it made of the loss of the defaults, with its sign."""
        change = f"{-self.gain:+.2g}"
        known = f" ({-self.high:+.2g} to {-self.low:+.2g})" if math.isfinite(self.low) else ""
        return f"{change}{known}"


def contenders(trials: Sequence[Tried], seconds: float = math.inf) -> list[Tried]:
    """Return the trial of all defaults and the best others; none where there is nothing to choose.

    Parameters
    ----------
    trials : sequence of Tried
        All.
    seconds : float
        Set aside for their trainings; it decides how many others there are.
    """
    complete = sorted(
        (one for one in trials if one.complete and one.repeat_of is None),
        key=lambda one: one.rank,
        reverse=True,
    )
    first = next((one for one in complete if one.is_first), None)
    others = [one for one in complete if not one.is_first and one.rank[0] > -math.inf]
    if first is None or not others:
        return []
    count = STAY[0]
    while count > 1 and _cost([first, *others[:count]]) > seconds:
        count -= 1
    return [first, *others[:count]]


def _cost(few: Sequence[Tried]) -> float:
    """Estimate the seconds of the rounds that are enough."""
    first, *others = few
    rounds = [others[:stay] for stay in STAY[:ENOUGH]]
    return sum(first.seconds + sum(one.seconds for one in stay) for stay in rounds)


def next_repeat(
    trials: Sequence[Tried], rounds: int, seconds: float = math.inf
) -> tuple[Tried, int] | None:
    """Say which trial is to be trained again, and in which round, from 1 on.

    None where all were, and where a round first has to end in other processes.
    """
    few = contenders(trials, seconds)
    begun = _begun(trials)
    for number in range(1, rounds + 1):
        inside = [*few[:1], *_staying(few[1:], trials, number)]
        for one in inside:
            if (one.number, number) not in begun:
                return one, number
        if not all(number in losses(trials, one.number) for one in inside):
            return None
    return None


def most_repeats(rounds: int) -> int:
    """Return how many trainings the rounds take at most."""
    return sum(1 + _stay(number) for number in range(1, rounds + 1))


def _stay(number: int) -> int:
    return STAY[min(number, len(STAY)) - 1]


def _begun(trials: Sequence[Tried]) -> set[tuple[int | None, int]]:
    """Say what is done, under way, or has ended its process too often."""
    repeats = [one for one in trials if one.repeat_of is not None]
    failed = [(one.repeat_of, one.round) for one in repeats if one.state == "failed"]
    begun = {(one.repeat_of, one.round) for one in repeats if _counts(one)}
    return begun | {one for one in failed if failed.count(one) >= MOST_TRIES}


def _counts(one: Tried) -> bool:
    """Whether a training again need not be done once more."""
    return one.state in ("complete", "running") or (one.state == "pruned" and not one.late)


def _staying(others: Sequence[Tried], trials: Sequence[Tried], number: int) -> list[Tried]:
    """Return those that are still in a round, by what came of them in the rounds before."""

    def before(one: Tried) -> float:
        found = losses(trials, one.number)
        return sum(found.get(earlier, math.inf) for earlier in range(1, number))

    staying = sorted(others, key=before)[: _stay(number)] if number > 1 else list(others)
    return [one for one in staying if before(one) < math.inf]


def losses(trials: Sequence[Tried], number: int) -> dict[int, float]:
    """Return what came of a trial's trainings again, by round; infinity where one broke off."""
    repeats = [one for one in trials if one.repeat_of == number]
    broken = {one.round: math.inf for one in repeats if one.state == "pruned" and not one.late}
    found = {one.round: one.loss for one in repeats if one.complete and one.loss is not None}
    return broken | found


def confirmed(trials: Sequence[Tried], held_share: float) -> list[Confirmed]:
    """Hold the best trials against all defaults, in the rounds that both were in.

    Parameters
    ----------
    trials : sequence of Tried
        All.
    held_share : float
        Pictures that judge a round, for each that teaches.

    Returns
    -------
    list of Confirmed
        The best first: of those that were in the most rounds.
    """
    first = next((one.number for one in trials if one.is_first and one.complete), None)
    if first is None:
        return []
    beside, found = losses(trials, first), []
    for number in sorted({one.repeat_of for one in trials if one.repeat_of is not None} - {first}):
        own = losses(trials, number)
        both = sorted(own.keys() & beside.keys())
        apart = np.array([beside[each] - own[each] for each in both])
        if not both or not np.isfinite(apart).all():
            continue
        gain = resampled_mean(apart, held_share)
        found.append(
            Confirmed(
                number=number,
                rounds=len(both),
                loss=float(np.mean([own[each] for each in both])),
                defaults_loss=float(np.mean([beside[each] for each in both])),
                gain=gain.value,
                error=resampled_error(apart, held_share),
                low=gain.low,
                high=gain.high,
            )
        )
    return sorted(found, key=lambda one: (one.rounds, one.gain), reverse=True)


def chosen(trials: Sequence[Tried], held_share: float, rounds: int = ROUNDS) -> Tried | None:
    """Return the trial whose model is kept: the defaults where no other proved better.

    Without any `rounds`, and without defaults to hold others against, the best by the pictures that
    all trials were judged by; None where none is complete.
    """
    first = next((one for one in trials if one.is_first and one.complete), None)
    if first is None or not rounds:
        return best_of(trials)
    better = [one.number for one in confirmed(trials, held_share)[:1] if one.better]
    return next((one for one in trials if one.number in better), first)
