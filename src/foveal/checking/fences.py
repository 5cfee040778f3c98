"""What is unusual among many: numbers beyond a fence, values that hardly any other has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from foveal.arrays import Doubles, Rows

DEVIATIONS = 3.5
"""Robust deviations from the median at which the fence stands (Iglewicz and Hoaglin, 1993)."""
NORMAL = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation."""
RARE = 0.05
"""Largest share of pictures that is called rare ..."""
COMMON = 0.9
"""... where one value has this share at least: in a mixture nothing is odd."""


def beyond(values_n: Doubles, least: float) -> tuple[Rows, float]:
    """Find what lies unusually far from the median, on either side.

    Parameters
    ----------
    values_n : array, (n,)
        Numbers; NaN where nothing is known.
    least : float
        Distance below which nothing is unusual, however alike the others are.

    Returns
    -------
    tuple
        Rows of these, and the median.
    """
    known = values_n[np.isfinite(values_n)]
    if not len(known):
        return np.empty(0, np.intp), float("nan")
    middle = float(np.median(known))
    away = np.abs(values_n - middle)
    fence = max(least, DEVIATIONS * NORMAL * float(np.median(np.abs(known - middle))))
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(away > fence), middle


def rare(values: Sequence[str]) -> tuple[list[int], str]:
    """Find values that hardly any other row has; an empty text stands for no value.

    Returns
    -------
    tuple
        Rows of these, and the value that nearly all others have; none where there is no such.
    """
    counts = Counter(value for value in values if value)
    total = sum(counts.values())
    common = next((one for one, times in counts.items() if times >= COMMON * total), "")
    if not common:
        return [], ""
    odd = {one for one, times in counts.items() if one != common and times <= RARE * total}
    return [row for row, value in enumerate(values) if value in odd], common
