"""Numbers as a person gives them: whatever they are written in, or none, and why."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles
from foveal.errors import DataError, UsageError
from foveal.pictures.missing import is_missing
from foveal.pictures.sources.labels import NUMBER
from foveal.targets.labels import NO_LABEL

LARGEST = 1e100
"""Numbers up to this size are learned: squares of what lies beyond may overflow."""
MANY = 10
"""Different numbers from which on labels may be plainly measured."""
FEW = 3
"""Pictures of each label, on average, below which such numbers name no classes."""
COMMA = re.compile(r"[+-]?\d+,\d+")
"""What may be a decimal comma, or a comma between thousands."""


def read_numbers(y: Any) -> Array:
    """Read numbers that a person gave in Python, None where there is none.

    Returns
    -------
    array, (n,)
        Of float64 where all are there; else of objects, texts among them as they are.

    Raises
    ------
    UsageError
        For more than one number a picture.
    """
    labels = np.asarray(y, dtype=None if hasattr(y, "dtype") else object)
    if labels.ndim > 1 and labels.shape[1:] != (1,):
        raise UsageError(
            "y",
            needed="one number a picture, shape (n,)",
            came=f"shape {labels.shape}",
            remedy="learn each number by a model of its own",
        )
    if labels.ndim == 0:
        return labels
    if labels.dtype.kind in "biuf":
        found = labels.astype(np.float64)
        return _objects(found.tolist(), labels.shape) if np.isnan(found).any() else found
    values = labels.ravel().tolist()
    if all(isinstance(one, int | float | np.number) and one == one for one in values):
        return np.array(values, dtype=np.float64).reshape(labels.shape)
    return _objects(values, labels.shape)


def _objects(values: Sequence[Any], shape: tuple[int, ...]) -> Array:
    found = np.empty(len(values), dtype=object)
    found[:] = [None if is_missing(one) else one for one in values]
    return found.reshape(shape)


def numbers_of(labels: Array) -> tuple[Doubles, list[str]]:
    """Read the labels of pictures as numbers, NaN where one is none.

    Returns
    -------
    tuple
        The numbers, (n,), and why each is none; empty where it is one.

    Raises
    ------
    DataError
        For numbers with a comma, which may be decimal or not.
    """
    values, reasons = np.full(len(labels), np.nan), []
    for row, label in enumerate(labels.tolist()):
        value, reason = _number(label)
        values[row] = value
        reasons.append(reason)
    return values, reasons


def _number(label: object) -> tuple[float, str]:
    if label is None or is_missing(label) or label == "":
        return math.nan, NO_LABEL
    if isinstance(label, str):
        return _read(label.strip())
    try:
        value = float(label)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan, f"no number: {label!r:.40}"
    return _bounded(value, str(label))


def _read(text: str) -> tuple[float, str]:
    if NUMBER.fullmatch(text):
        return _bounded(float(text), text)
    if COMMA.fullmatch(text):
        raise DataError(
            "numbers",
            needed="numbers with a decimal point, and nothing between thousands",
            came=f"{text!r}, whose comma may be either",
            remedy="save the table again with a point, as in 12.5",
        )
    return math.nan, f"no number: {text[:40]!r}"


def _bounded(value: float, text: str) -> tuple[float, str]:
    if not math.isfinite(value):
        return math.nan, f"no finite number: {text[:40]}"
    if abs(value) > LARGEST:
        return math.nan, f"a number beyond {LARGEST:g}: {text[:40]}"
    return value, ""


def plainly_numbers(labels: Sequence[Any]) -> list[Any]:
    """Return the different labels that are numbers and not whole, where such are plainly measured.

    That is where there are many, most of them there once, or few pictures of each; a few others
    may be texts, such as "unknown". None of them where labels may name classes.
    """
    times = Counter(one for one in labels if isinstance(one, str | int | float))
    broken = [one for one in times if _is_broken(one)]
    once = sum(times[one] == 1 for one in broken)
    rare = 2 * once >= len(broken) or times.total() < FEW * len(times)
    return broken if len(broken) >= MANY and 2 * len(broken) >= len(times) and rare else []


def _is_broken(label: object) -> bool:
    """Whether a label is a number that is not whole, or such a one as text."""
    if isinstance(label, str):
        return NUMBER.fullmatch(label) is not None and float(label) % 1 != 0
    return isinstance(label, float) and math.isfinite(label) and label % 1 != 0
