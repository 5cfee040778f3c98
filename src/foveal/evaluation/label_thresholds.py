"""Probabilities of labels that mean what they say, and from which of them on a label is given.

Both are decided on pictures that did not train. Axes: n picture, k label.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from foveal.arrays import Doubles, Truths
from foveal.evaluation.calibration import FEWEST, RANGE, SHOWN
from foveal.evaluation.label_regression import cross_entropy

HALF = 0.5
"""Threshold of a label of which too few pictures were held out to choose one."""
FEWEST_POSITIVES = 10
"""Held-out pictures that bear a label, and that do not, below which none is chosen for it."""


def label_probabilities(logits_nk: Doubles, temperature: float) -> Doubles:
    """Turn logits into the probability of each label by itself, at a temperature."""
    found: Doubles = expit(np.asarray(logits_nk, dtype=np.float64) / temperature)
    return found


def fit_label_temperature(logits_nk: Doubles, truths_nk: Truths) -> float:
    """Fit the temperature that minimises the cross-entropy of all labels (Guo et al., 2017).

    Parameters
    ----------
    logits_nk : array of float, (n, k)
        Of pictures that did not train.
    truths_nk : array of bool, (n, k)
        Which pictures bear each label.

    Returns
    -------
    float
        Divides the logits; 1 where there are fewer than `FEWEST` pictures, and where they do not
        show that another one does better, as in `foveal.evaluation.calibration.fit_temperature`.
    """
    if len(logits_nk) < FEWEST:
        return 1.0
    # without errors the likelihood has no maximum: half an error among all bounds how sure it is
    right = bool(((logits_nk > 0) == truths_nk).all())
    doubt = 0.5 / (truths_nk.size + 1) if right else 0.0

    def loss(log_temperature: float) -> float:
        scaled = logits_nk / np.exp(log_temperature)
        other = float(cross_entropy(scaled, ~truths_nk).sum()) if doubt else 0.0
        return (1 - doubt) * float(cross_entropy(scaled, truths_nk).sum()) + doubt * other

    from scipy.optimize import minimize_scalar  # slow: models are loaded without it

    found = minimize_scalar(loss, bounds=tuple(np.log(RANGE)), method="bounded")
    gain = 2 * (loss(0.0) - float(found.fun))
    return float(np.exp(found.x)) if gain > SHOWN else 1.0


def best_thresholds(probabilities_nk: Doubles, truths_nk: Truths) -> tuple[Doubles, Truths]:
    """Choose the threshold of each label that has the highest F1 on pictures that did not train.

    Of calibrated probabilities that is half of this F1, well below one half where it is low
    (Lipton, Elkan and Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure",
    2014).

    Returns
    -------
    tuple of arrays, (k,)
        The thresholds, each amid the probabilities that it parts; and whether it was chosen, else
        it is `HALF`: fewer than `FEWEST_POSITIVES` pictures bear the label, or do not.
    """
    positives = truths_nk.sum(axis=0)
    least = np.minimum(positives, len(truths_nk) - positives)
    chosen: Truths = least >= FEWEST_POSITIVES
    thresholds = np.full(truths_nk.shape[1], HALF)
    for at in np.flatnonzero(chosen).tolist():
        thresholds[at] = _best(probabilities_nk[:, at], truths_nk[:, at])
    return thresholds, chosen


def _best(probabilities_n: Doubles, truths_n: Truths) -> float:
    order = np.argsort(-probabilities_n, kind="stable")
    ranked = probabilities_n[order]
    count = np.arange(1, len(ranked) + 1)
    f1 = 2 * np.cumsum(truths_n[order]) / (count + truths_n.sum())
    f1[:-1][ranked[1:] == ranked[:-1]] = -1  # no threshold parts what is equally likely
    following = np.append(ranked[1:], 0.0)
    cuts = (ranked + following) / 2
    best = np.flatnonzero(f1 == f1.max())
    return float(cuts[best[np.abs(cuts[best] - HALF).argmin()]])
