"""How a model fares that answers only what it is sure enough of.

Axes: m picture that was judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from foveal.evaluation.intervals import Estimate, wilson
from foveal.evaluation.reliability import Answered
from foveal.judging.answers import Answers
from foveal.model.refusing import Refusal
from foveal.results import Result

SHARES = (0.9, 0.5)
"""Shares of which is told how often they are right, where nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Refusing(Result):
    """What was reached where the least sure is left to a person."""

    refusal: Refusal
    """From when on the model answers."""
    answered: int
    """Pictures that it answered, of those judged."""
    share: Estimate
    """Share of the judged pictures that it answered."""
    accuracy: Estimate
    """Share of those answered that are right."""


def refusing(answers: Answers, refusal: Refusal, worth: float) -> Refusing:
    """Count what a model answers, and how often it is right there.

    `worth` is how many independent pictures each one judged stands for, at most 1.
    """
    target, predicted = answers.target, answers.predicted
    answered = target.sureness(predicted) >= refusal.least
    right = target.right(predicted, answers.values)
    assert right is not None  # who says how sure is right or wrong
    count = int(answered.sum())
    return Refusing(
        refusal=refusal,
        answered=count,
        share=wilson(count, len(answered), worth=worth),
        accuracy=wilson(int(right[answered].sum()), count, worth=worth),
    )


def lines_of_refusing(
    found: Refusing | None, curve: Sequence[Answered]
) -> Iterator[tuple[str, str]]:
    """Write what was reached, under its name; without a threshold what the surest answers do."""
    if found is not None:
        yield "answered", found.share.percent()
        right = found.accuracy.percent() if found.answered else "-, as none is answered"
        yield "accuracy on these", right
        yield "threshold", found.refusal.sentence()
        return
    for share in SHARES:
        here = [one for one in curve if one.share >= share]
        if here and here[0].share < 1:
            yield f"surest {100 * here[0].share:.0f} %", here[0].accuracy.percent()
