"""What a network that gives pictures several labels is judged by; each number has its interval.

Axes: n picture, k label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Doubles, Integers, Truths
from foveal.evaluation.intervals import Estimate, Z, mean, wilson, wilson_bounds
from foveal.evaluation.metrics import BINS, LEAST_PROBABILITY, sureness_bins
from foveal.evaluation.ranking import UNKNOWN, average_precision, precision_at_positives


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScores:
    """How one label fares."""

    label: str
    pictures: int
    """Pictures that bear it."""
    called: int
    """Pictures that are said to bear it."""
    threshold: float
    """Probability above which a picture is said to bear it."""
    precision: Estimate
    """Share of the pictures said to bear it that do."""
    recall: Estimate
    """Share of the pictures that bear it that are said to."""
    f1: float
    average_precision: Estimate
    """Area under precision and recall over all thresholds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMetrics:
    """How a network fares that gives each picture several labels, or none."""

    pictures: int
    mean_average_precision: Estimate
    """Mean, over the labels that occur, of the area under precision and recall."""
    micro_f1: Estimate
    """F1 of all labels of all pictures together: frequent labels count more."""
    macro_f1: Estimate
    """Mean F1 over the labels that occur or are called: each label counts the same."""
    exact_match: Estimate
    """Share of the pictures whose labels are all right, and none too many."""
    hamming_loss: Estimate
    """Share of wrong decisions, of one on each label of each picture."""
    log_loss: Estimate
    """Mean over the labels of the cross-entropy, natural logarithm."""
    calibration_error: float
    """How far probabilities of labels are from their frequencies, equally filled bins."""
    labels_a_picture: float
    """Labels that a picture bears on average."""
    called_a_picture: float
    """Labels that a picture is said to bear on average."""
    taken_for: Integers
    """(label missed, label said too much), pictures on which both happened."""
    labels: tuple[LabelScores, ...]


def label_metrics(
    probabilities_nk: Doubles,
    truths_nk: Truths,
    thresholds_k: Doubles,
    labels: list[str],
    worth: float = 1.0,
) -> LabelMetrics:
    """Judge probabilities of labels against the labels that pictures bear.

    Parameters
    ----------
    probabilities_nk : array of float, (n, k)
        Of each label by itself.
    truths_nk : array of bool, (n, k)
        Which pictures bear it.
    thresholds_k : array of float, (k,)
        Probability above which a picture is said to bear it.
    labels : list of str
        Names of the k labels.
    worth : float
        Independent pictures that each is worth, at most 1; it widens the intervals.
    """
    called_nk: Truths = probabilities_nk > thresholds_k
    averages = [
        average_precision(probabilities_nk[:, at], truths_nk[:, at], worth)
        for at in range(len(labels))
    ]
    missed, too_much = truths_nk & ~called_nk, called_nk & ~truths_nk
    return LabelMetrics(
        pictures=len(truths_nk),
        mean_average_precision=mean_average_precision(probabilities_nk, truths_nk, worth),
        micro_f1=micro_f1(called_nk, truths_nk, worth),
        macro_f1=macro_f1(called_nk, truths_nk, worth),
        exact_match=wilson(
            float((called_nk == truths_nk).all(axis=1).sum()), len(truths_nk), worth=worth
        ),
        hamming_loss=mean(
            (called_nk != truths_nk).mean(axis=1, dtype=np.float64), least=0, most=1, worth=worth
        ),
        log_loss=mean(label_losses(probabilities_nk, truths_nk), least=0.0, worth=worth),
        calibration_error=label_calibration_error(probabilities_nk, truths_nk),
        labels_a_picture=float(truths_nk.sum(axis=1).mean()),
        called_a_picture=float(called_nk.sum(axis=1).mean()),
        taken_for=_both(missed, too_much),
        labels=tuple(
            _scores(called_nk[:, at], truths_nk[:, at], name, float(thresholds_k[at]), worth, area)
            for at, (name, area) in enumerate(zip(labels, averages, strict=True))
        ),
    )


def label_losses(probabilities_nk: Doubles, truths_nk: Truths) -> Doubles:
    """Compute the cross-entropy of each picture, the mean over its labels, (n,)."""
    right = np.where(truths_nk, probabilities_nk, 1 - probabilities_nk)
    found: Doubles = -np.log(np.clip(right, LEAST_PROBABILITY, 1)).mean(axis=1)
    return found


def label_calibration_error(
    probabilities_nk: Doubles, truths_nk: Truths, bins: int = BINS
) -> float:
    """Average how far the probability of a label is from how often it is there.

    The expected calibration error (Naeini, Cooper and Hauskrecht, 2015) of all labels of all
    pictures together.
    """
    flat, there = probabilities_nk.ravel(), truths_nk.ravel()
    if not len(flat):
        return float("nan")
    gaps = [
        len(part) * abs(float(flat[part].mean()) - float(there[part].mean()))
        for part in sureness_bins(flat, bins)
    ]
    return sum(gaps) / len(flat)


def micro_f1(called_nk: Truths, truths_nk: Truths, worth: float = 1.0) -> Estimate:
    """Estimate F1 over all labels of all pictures together.

    A ratio of sums over pictures, whose variance follows by linearising it (Cochran, Sampling
    Techniques, 1977, 6.3): labels of one picture may hang together.
    """
    right = 2.0 * (called_nk & truths_nk).sum(axis=1)
    both = (called_nk.sum(axis=1) + truths_nk.sum(axis=1)).astype(np.float64)
    if not both.any():
        return UNKNOWN
    value = float(right.sum() / both.sum())
    moves_n = (right - value * both) / both.sum()
    return _estimate(value, moves_n, worth * float(np.count_nonzero(both)), worth)


def macro_f1(called_nk: Truths, truths_nk: Truths, worth: float = 1.0) -> Estimate:
    """Estimate the mean F1 over the labels that occur or are called.

    Each picture moves it by what it moves the F1 of each label (the delta method, as Takahashi,
    Yamamoto, Kuchiba and Koyama, Applied Intelligence 52, 2022, apply it to classes).
    """
    both = (called_nk.sum(axis=0) + truths_nk.sum(axis=0)).astype(np.float64)
    known = both > 0
    if not known.any():
        return UNKNOWN
    called, true, both = called_nk[:, known], truths_nk[:, known], both[known]
    each = 2.0 * (called & true).sum(axis=0) / both
    there = (called.astype(np.float32) + true.astype(np.float32)) @ (each / both)
    moves_n = ((called & true) @ (2.0 / both) - there) / len(both)
    return _estimate(float(each.mean()), moves_n, _evidence(both / 2, len(true), worth), worth)


def mean_average_precision(
    probabilities_nk: Doubles, truths_nk: Truths, worth: float = 1.0
) -> Estimate:
    """Estimate the mean, over the labels that occur, of the average precision.

    Of each label that is the mean, over the pictures that bear it, of the precision among those
    ranked at least as high; a picture moves it by that of its own labels. What that leaves out is
    made up for by taking no less than the variance of shares of as many pictures as bear each
    label (Boyd, Eng and Page, "Area under the precision-recall curve: point estimates and
    confidence intervals", 2013).
    """
    positives = truths_nk.sum(axis=0)
    known = np.flatnonzero(positives)
    if not len(known):
        return UNKNOWN
    moves_n, each = np.zeros(len(truths_nk)), np.zeros(len(known))
    for place, at in enumerate(known.tolist()):
        precisions = precision_at_positives(probabilities_nk[:, at], truths_nk[:, at])
        each[place] = precisions.mean()
        moves_n[truths_nk[:, at]] += (precisions - each[place]) / positives[at] / len(known)
    least = float((each * (1 - each) / positives[known]).sum()) / len(known) ** 2
    evidence = _evidence(positives[known].astype(np.float64), len(truths_nk), worth)
    return _estimate(float(each.mean()), moves_n, evidence, worth, least)


def _evidence(pictures_k: Doubles, count: int, worth: float) -> float:
    """Return how many independent answers a mean over labels stands on, at most.

    Where each label is a share of as many pictures as bear it, their mean varies as the share of
    the number of labels times the harmonic mean of these; and never less than one of all pictures.
    """
    return worth * min(float(count), len(pictures_k) ** 2 / float((1 / pictures_k).sum()))


def _estimate(
    value: float, moves_n: Doubles, evidence: float, worth: float, least: float = 0.0
) -> Estimate:
    """Interval of a figure between 0 and 1 by the effective number of answers it stands on.

    Wilson's, of the number of independent answers whose share varies as much (Korn and Graubard,
    Survey Methodology 24, 1998), and of `evidence` at most.

    Parameters
    ----------
    moves_n : array of float, (n,)
        How far each picture moves the figure.
    least : float
        Variance that it has at least.
    """
    count = len(moves_n)
    variance = max(float((moves_n**2).sum()) * count / max(count - 1, 1), least) / worth
    number = value * (1 - value) / variance if variance > 0 else np.inf
    number = float(np.clip(number if 0 < value < 1 else np.inf, 1.0, max(evidence, 1.0)))
    low, high = wilson_bounds(np.array([value * number]), np.array([number]), Z)
    return Estimate(value, min(float(low[0]), value), max(float(high[0]), value))


def _both(first_nk: Truths, second_nk: Truths) -> Integers:
    """Count the pictures of which one label is among the first and another among the second."""
    found: Integers = np.rint(first_nk.T.astype(np.float32) @ second_nk.astype(np.float32)).astype(
        np.int64
    )
    return found


def _scores(
    called: Truths, true: Truths, label: str, threshold: float, worth: float, area: Estimate
) -> LabelScores:
    right, so, there = int((called & true).sum()), int(called.sum()), int(true.sum())
    return LabelScores(
        label=label,
        pictures=there,
        called=so,
        threshold=threshold,
        precision=wilson(right, so, worth=worth),
        recall=wilson(right, there, worth=worth),
        f1=2 * right / (there + so) if there + so else float("nan"),
        average_precision=area,
    )
