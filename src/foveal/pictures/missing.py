"""How a label or a group that is missing is told: what Python, NumPy and pandas put there."""

from __future__ import annotations

MISSING = ("None", "nan", "<NA>", "NaT")
"""How that is written which stands for nothing; as a text each is a value like any other."""


def is_missing(value: object) -> bool:
    """Return whether a value stands for none: None, NaN, or the NA and NaT of pandas.

    >>> [is_missing(one) for one in (None, float("nan"), "nan", 0)]
    [True, True, False, False]
    """
    return not isinstance(value, str) and str(value) in MISSING
