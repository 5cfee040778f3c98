"""Digits of scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

DIGITS = load_digits().images
"""(1797, 8, 8), 0 to 16."""


def as_bytes(images: np.ndarray) -> np.ndarray:
    return np.minimum(images * 16, 255).astype(np.uint8)
