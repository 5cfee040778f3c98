"""Of which stratum a picture with several labels is: each part of a split gets its share of it.

Axes: n picture, k label.
"""

from __future__ import annotations

import numpy as np

from foveal.arrays import Rows, Truths

ENOUGH = 5
"""Pictures from which on equal sets of labels are a stratum of their own."""


def strata_of(truths_nk: Truths) -> Rows:
    """Number strata so that each part of a split gets its share of every label.

    Pictures that bear the same labels are one stratum where they are enough; all others go by the
    rarest of their labels, which is the hardest to share out: a frequent one is shared out well by
    chance. So no rare label misses a part, and shares are about half as far off as those of chance.
    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the stratification of
    multi-label data", 2011) comes nearer still, but deals single pictures out, where groups and
    copies must stay together (docs/tried.md has the figures).
    """
    _, of_n, counts = np.unique(
        np.packbits(truths_nk, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    labels = truths_nk.shape[1]
    rarity = np.where(truths_nk, truths_nk.sum(axis=0), len(truths_nk) + 1)
    rarest = np.where(truths_nk.any(axis=1), rarity.argmin(axis=1), labels)
    of_n = of_n.ravel()
    found: Rows = np.where(counts[of_n] >= ENOUGH, labels + 1 + of_n, rarest)
    return np.unique(found, return_inverse=True)[1]
