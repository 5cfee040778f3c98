"""From when on a model is sure enough to answer; what it is less sure of is left to a person.

Answering only what one is sure of is as old as Chow (IRE Transactions on Electronic Computers 6,
1957); that a threshold must come from pictures that did not teach, and never from those that are
to be answered, is said by Geifman and El-Yaniv (NeurIPS 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles
from foveal.errors import DataError, UsageError
from foveal.evaluation.conformal import rank_of, true_rate
from foveal.evaluation.intervals import Estimate, wilson
from foveal.model.held_out import HeldOutLogits
from foveal.parameters import Real, check
from foveal.results import Result
from foveal.targets.labelled import Labelled
from foveal.wording import counted

SHARE = Real(0, 1, above=True, below=True)
PROBABILITY = Real(0, 1)
ASKED = {"reject": SHARE, "least_probability": PROBABILITY}


@dataclass(frozen=True, slots=True)
class Refusal(Result):
    """How sure a model must be of an answer, and how often it is less sure."""

    least: float
    """Probability of the class called from which on it answers."""
    asked: float | None
    """Share of pictures that may be left to a person, where a share was asked for."""
    expected: Estimate | None
    """Share of pictures like those held out that is left to a person; None where none are kept."""
    held_out: int
    """Held-out pictures that say so: those that judged the model at its training."""

    def sentence(self) -> str:
        """Say what it does."""
        told = f"answers are given from a probability of {100 * self.least:.3g} % on"
        if self.expected is None:
            return f"{told}; no held-out picture says how many are left to a person"
        return (
            f"{told}: of pictures like the {self.held_out:,} held out at the training, "
            f"{self.expected.percent()} are left to a person"
        )


def refusal(
    target: Labelled,
    held_out: HeldOutLogits | None,
    temperature: float,
    *,
    reject: float | None = None,
    least_probability: float | None = None,
) -> Refusal | None:
    """Decide from when on a model answers; None where it answers everything.

    Parameters
    ----------
    target : Labelled
        What the model says of pictures.
    held_out : HeldOutLogits, optional
        What judged it at its training.
    temperature : float
        Divides its logits.
    reject : float, optional
        Share of pictures that may be left to a person, above 0 and below 1. The threshold comes
        from the pictures that judged the model at its training, by split conformal prediction
        (Vovk, Gammerman and Shafer, 2005): of further pictures like these at most this share is
        left, on average. The pictures that are to be answered decide nothing.
    least_probability : float, optional
        The least probability of the class called, 0 to 1, itself.

    Raises
    ------
    UsageError
        For both, for numbers out of range, for a model that is no classifier, and for a share
        where the model keeps no held-out pictures.
    DataError
        Where the model keeps too few of them for so small a share.
    """
    if reject is None and least_probability is None:
        return None
    if reject is not None and least_probability is not None:
        raise UsageError(
            "`reject` and `least_probability`",
            needed="one of them",
            came="both",
            remedy="give the share that may be left to a person, or the least probability",
        )
    given = {"reject": reject, "least_probability": least_probability}
    check(given, {name: ASKED[name] for name, value in given.items() if value is not None})
    logits = np.empty((0, target.outputs or 0)) if held_out is None else held_out.logits
    sure_m = target.sureness(target.predicted(logits.astype(np.float64), temperature))
    if reject is not None:
        return _by_share(sure_m, reject)
    assert least_probability is not None
    count = len(sure_m)
    below = int((sure_m < least_probability).sum())
    return Refusal(
        least=least_probability,
        asked=None,
        expected=wilson(below, count) if count else None,
        held_out=count,
    )


def _by_share(sure_m: Doubles, share: float) -> Refusal:
    count = len(sure_m)
    if not count:
        raise UsageError(
            "reject",
            needed="a model that keeps what judged it at its training: the threshold comes from "
            "held-out pictures",
            came="a model without any",
            remedy="give `least_probability`, or train with held-out pictures",
        )
    rank = rank_of(count, share)
    if rank > count:
        raise DataError(
            "reject",
            needed=f"at least {counted(int(np.ceil(1 / share)) - 1, 'held-out picture')} for a "
            f"share of {share:g}",
            came=f"{count:,} that judged the model at its training",
            remedy="allow a larger share, or give `least_probability`",
        )
    return Refusal(
        least=float(np.sort(sure_m)[count - rank]),
        asked=share,
        expected=true_rate(count, share),
        held_out=count,
    )
