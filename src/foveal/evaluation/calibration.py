"""Temperature scaling: one number that makes probabilities mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax

from foveal.arrays import Doubles

RANGE = (0.05, 20.0)
"""Temperatures that are tried."""
FEWEST = 10
"""Pictures below which no temperature is fitted."""

SHOWN = 3.84
"""Twice the gain in log likelihood that one useless number exceeds once in 20 times."""


def fit_temperature(logits_nk: Doubles, class_ids_n: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    """Fit the temperature that minimises the log loss (Guo et al., arXiv:1706.04599).

    Parameters
    ----------
    logits_nk : array of float, (n, k)
        Of pictures that did not train: validation pictures.
    class_ids_n : array of int, (n,)
        Their true class numbers.

    Returns
    -------
    float
        Divides the logits; 1 where there are fewer than `FEWEST` pictures, and where they do not
        show that another one does better: twice the gain in log likelihood is below what chance
        exceeds once in 20 times (Wilks, 1938).
    """
    from scipy.optimize import minimize_scalar  # slow: models are loaded without it

    right = int((logits_nk.argmax(axis=1) == class_ids_n).sum())
    if len(class_ids_n) < FEWEST:
        return 1.0
    rows = np.arange(len(class_ids_n))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits_nk / np.exp(log_temperature), axis=1)
        return -float(scaled[rows, class_ids_n].mean())

    # Without errors the likelihood has no maximum: it would be surer and surer. Half an error
    # among the pictures, as in Jeffreys' estimate of a share, bounds how sure it may be.
    doubt = 0.5 / (len(class_ids_n) + 1) if right == len(class_ids_n) else 0.0
    others = np.arange(logits_nk.shape[1])[None] != class_ids_n[:, None]

    def doubted(log_temperature: float) -> float:
        scaled = log_softmax(logits_nk / np.exp(log_temperature), axis=1)
        wrong = (scaled * others).sum(axis=1) / max(logits_nk.shape[1] - 1, 1)
        return (1 - doubt) * loss(log_temperature) - doubt * float(wrong.mean())

    found = minimize_scalar(doubted, bounds=tuple(np.log(RANGE)), method="bounded")
    gain = 2 * len(class_ids_n) * (doubted(0.0) - float(found.fun))
    return float(np.exp(found.x)) if gain > SHOWN else 1.0


def probabilities(logits_nk: Doubles, temperature: float) -> Doubles:
    """Turn logits into probabilities at a temperature."""
    found: Doubles = softmax(np.asarray(logits_nk, dtype=np.float64) / temperature, axis=1)
    return found
