"""Which of several labels are wrong, and how likely: arrays alone.

What contradicts a label is either an error of the classifier or a wrong label. Errors become rare
as a classifier becomes sure; wrong labels do not. So both are told apart by how often labels
contradict what is said of them, over how sure it is: a logistic curve of errors, and beneath it a
share of wrong labels that is the same everywhere (the noise of labels of Lawrence and Schölkopf,
2001, "Estimating a kernel Fisher discriminant in the presence of label noise", on top of Platt's
curve). A picture is named where one of its labels is more likely wrong than not.
Axes: n picture, k label, b bin of logits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from foveal.arrays import Doubles, Rows, Truths
from foveal.evaluation.intervals import LEVEL
from foveal.wording import counted

PRIOR_WRONG, PRIOR_RIGHT = 1, 200
"""Labels that count as if they had been seen before: a few in hundreds are wrong."""
SLOPES = (0.5, 2.0)
"""By how much logits may be stretched: wrong labels flatten what is learned from them."""
MOST_WRONG = 0.2
"""Share of labels that may be wrong, at most."""
HIDDEN = 0.1
"""Share of wrong ones that would be noticed, below which a label is named as one that hides."""
NAMED = 5
"""Labels that are named so, at most."""
WIDEST, BINS = 30.0, 1_201
"""Logits beyond count as this; between them are so many bins."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How labels and what is said of them disagree."""

    wrong: float
    """Share of labels that are wrong."""
    slope: float
    shift: float
    """Of the logit of a label: slope * logit + shift is that of what is true."""

    def probabilities(self, logits_nk: Doubles, truths_nk: Truths) -> Doubles:
        """Compute how likely each label is wrong, (n, k)."""
        there = self.slope * logits_nk + self.shift
        contrary = np.where(truths_nk, -there, there)
        found: Doubles = expit(contrary + logit(self.wrong))
        return found

    def noticed(self, logits_nk: Doubles, truths_nk: Truths) -> Doubles:
        """Estimate of each label which share of wrong ones would be doubted, (k,).

        Half of these are taken to be missing, half to be too many.
        """
        doubted = self.probabilities(logits_nk, ~truths_nk) > 0.5
        there, absent = truths_nk.sum(axis=0), (~truths_nk).sum(axis=0)
        missing = (doubted & truths_nk).sum(axis=0) / np.maximum(there, 1)
        beyond = (doubted & ~truths_nk).sum(axis=0) / np.maximum(absent, 1)
        found: Doubles = (missing + beyond) / 2
        return found


def fit_noise(logits_nk: Doubles, truths_nk: Truths) -> Noise:
    """Fit a share of wrong labels and a curve of errors, by likelihood and `PRIOR_WRONG`.

    Parameters
    ----------
    logits_nk : array, (n, k)
        For each label, by a classifier that was taught without the picture.
    truths_nk : array of bool, (n, k)
        Which labels each picture bears.
    """
    from scipy.optimize import minimize  # slow: models are loaded without it

    middles_b = np.linspace(-WIDEST, WIDEST, BINS)
    step = middles_b[1] - middles_b[0]
    bins_nk = np.rint((logits_nk.clip(-WIDEST, WIDEST) + WIDEST) / step).astype(np.intp)
    there_b, absent_b = (
        np.bincount(bins_nk[truths_nk == side], minlength=BINS) for side in (True, False)
    )

    def loss(values: Doubles) -> float:
        slope, shift, wrong = float(np.exp(values[0])), float(values[1]), float(np.exp(values[2]))
        true_b = expit(slope * middles_b + shift)
        seen_b = wrong + (1 - 2 * wrong) * true_b
        prior = PRIOR_WRONG * np.log(wrong) + PRIOR_RIGHT * np.log1p(-wrong)
        return -float(there_b @ np.log(seen_b) + absent_b @ np.log1p(-seen_b) + prior)

    low, high = np.log(SLOPES)
    found = minimize(
        loss,
        (0.0, 0.0, np.log(PRIOR_WRONG / PRIOR_RIGHT)),
        method="L-BFGS-B",
        bounds=((low, high), (-5.0, 5.0), (np.log(1e-6), np.log(MOST_WRONG))),
    )
    slope, shift, wrong = found.x
    return Noise(float(np.exp(wrong)), float(np.exp(slope)), float(shift))


class DoubtedLabel(NamedTuple):
    """One of several labels that looks wrong."""

    label: int
    there: bool
    """Whether the picture bears it."""
    sure: float
    """Probability that it is wrong, 0 to 1."""


class DoubtedSet(NamedTuple):
    """A picture of whose labels some look wrong."""

    row: int
    sure: float
    """Probability that any is wrong, 0.5 to 1."""
    labels: tuple[DoubtedLabel, ...]
    """The surest first."""


def doubted_sets(wrong_nk: Doubles, truths_nk: Truths) -> list[DoubtedSet]:
    """Find pictures of whose labels one is more likely wrong than not, the surest first.

    Which it is may be less sure: labels are named that are half as likely wrong as the surest.

    Parameters
    ----------
    wrong_nk : array, (n, k)
        How likely each label is wrong; see `Noise.probabilities`.
    truths_nk : array of bool, (n, k)
        Which labels each picture bears.
    """
    any_n = 1 - np.prod(1 - wrong_nk, axis=1)
    sets = [
        DoubtedSet(int(row), float(any_n[row]), _doubted(wrong_nk[row], truths_nk[row]))
        for row in np.flatnonzero(any_n > 0.5)
    ]
    return sorted(sets, key=lambda one: (-one.sure, one.row))


def _doubted(wrong_k: Doubles, truths_k: Truths) -> tuple[DoubtedLabel, ...]:
    ranked: Rows = np.argsort(-wrong_k, kind="stable")
    return tuple(
        DoubtedLabel(int(label), bool(truths_k[label]), float(wrong_k[label]))
        for label in ranked
        if wrong_k[label] > min(0.5, wrong_k.max() / 2)
    )


def doubt_notes(sure_s: Sequence[float], noticed_k: Doubles, names: Sequence[str]) -> Iterator[str]:
    """Say how many of the pictures that are named should be wrong, and what is not noticed.

    Parameters
    ----------
    sure_s : sequence of float
        How likely a label of each picture that is named is wrong.
    noticed_k : array, (k,)
        Of each label, the share of wrong ones that would be doubted.
    names : sequence of str
        The labels.
    """
    if len(sure_s):
        low, middle, high = _right_among(sure_s)
        yield (
            f"of {counted(len(sure_s), 'picture')} with several labels that look wrong about "
            f"{middle} should be ({low} to {high})"
        )
    yield (
        f"of wrong ones among several labels about {100 * noticed_k.mean():.0f} % would be noticed"
    )
    hidden = [name for name, share in zip(names, noticed_k, strict=True) if share < HIDDEN]
    if hidden:
        more = f" and {counted(len(hidden) - NAMED, 'other')}" * (len(hidden) > NAMED)
        yield (
            f"a wrong {', '.join(hidden[:NAMED])}{more} would seldom be noticed: the network "
            "does not tell when it is there"
        )


def _right_among(sure_s: Sequence[float]) -> tuple[int, int, int]:
    """Return the bounds of 95 %, and between them the mean, of how many of these are so."""
    counts = np.ones(1)
    for sure in sure_s:
        counts = np.convolve(counts, (1 - sure, sure))
    low, high = np.searchsorted(counts.cumsum(), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return int(low), round(sum(sure_s)), min(int(high), len(sure_s))
