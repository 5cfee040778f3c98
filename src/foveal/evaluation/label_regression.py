"""Logistic regressions of several labels, all fitted at once: arrays only.

Axes: n row, d feature, k label.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from foveal.arrays import Doubles, Floats, Truths

MEMORY = 10
"""Steps that L-BFGS remembers, as in scikit-learn."""
LINE_SEARCHES = 50


def cross_entropy(logits_nk: Doubles, truths_nk: Truths) -> Doubles:
    """Compute the cross-entropy of each label of each picture, (n, k), natural logarithm."""
    found: Doubles = np.logaddexp(0.0, np.where(truths_nk, -logits_nk, logits_nk))
    return found


def fit_regressions(
    features_nd: Floats,
    truths_nk: Truths,
    *,
    C: float,
    weights_n1: Doubles | None = None,
    iterations: int,
    tolerance: float,
    start: Doubles | None = None,
    free_kd: Truths | None = None,
) -> Doubles:
    """Fit a logistic regression for each label, with one penalty.

    Their losses add up, so that L-BFGS descends all of them together (Liu and Nocedal, 1989): what
    each has as its minimum is what it would have alone.

    Parameters
    ----------
    features_nd : array
        Standardised.
    truths_nk : array of bool
        Which rows bear each label.
    C : float
        Inverse of the penalty of the weights, as in scikit-learn; biases have none.
    weights_n1 : array, (n, k) or (n, 1), optional
        What each row, or each label of it, weighs in the loss.
    iterations, tolerance
        Where the descent ends; see `scipy.optimize.minimize`.
    start : array, (k, d + 1), optional
        Where it begins.
    free_kd : array of bool, (k, d), optional
        Which weights may change from where they begin; all where left out.

    Returns
    -------
    array, (k, d + 1)
        Weights, and the bias at the end.
    """
    count, shape = len(features_nd), (truths_nk.shape[1], features_nd.shape[1] + 1)
    weights: Doubles = np.ones((count, 1)) if weights_n1 is None else weights_n1
    total = float(weights.mean(axis=1).sum()) or 1.0
    penalty = 1 / (C * total)

    def objective(flat: Doubles) -> tuple[float, Doubles]:
        found = flat.reshape(shape)
        sums = features_nd @ found[:, :-1].astype(np.float32).T
        logits: Doubles = sums.astype(np.float64) + found[:, -1]
        loss = float((weights * cross_entropy(logits, truths_nk)).sum()) / total
        slopes = weights * (expit(logits) - truths_nk) / total
        gradient = np.empty(shape)
        gradient[:, :-1] = slopes.astype(np.float32).T @ features_nd + penalty * found[:, :-1]
        gradient[:, -1] = slopes.sum(axis=0)
        if free_kd is not None:
            gradient[:, :-1] *= free_kd
        return loss + penalty / 2 * float((found[:, :-1] ** 2).sum()), gradient.ravel()

    first = np.zeros(shape) if start is None else start
    options = {"maxiter": iterations, "gtol": tolerance, "maxcor": MEMORY, "maxls": LINE_SEARCHES}
    from scipy.optimize import minimize  # slow: models are loaded without it

    found = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    kept: Doubles = found.x.reshape(shape)
    return kept
