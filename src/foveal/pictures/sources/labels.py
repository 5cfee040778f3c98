"""Labels as tables and shards write them: texts, or numbers where all are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.pictures.label_sets import label_sets, says_several
from foveal.pictures.missing import is_missing
from foveal.vocabulary import normal_name

WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})(\.0*)?")
"""A whole number, however it is written; 01 is a text."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def labels_of(
    values: Sequence[Any], *, numbers: bool = True
) -> tuple[Array | None, tuple[str, ...]]:
    """Read the labels of rows, None where one is empty.

    Where all are whole numbers, whatever they are written as (1, 1.0, "1"), they are whole
    numbers; where all are numbers, numbers; else texts. Lists name several labels; see
    `foveal.pictures.label_sets`.

    Returns
    -------
    tuple
        The labels, or None where there is not one; notes.
    """
    if says_several(values):
        return label_sets(values), ()
    texts = [None if is_missing(one) else text_of(one) or None for one in values]
    every = {text for text in texts if text is not None}
    if not every:
        return None, ()
    number = _number_of(every) if numbers else None
    if number is None:
        named = {text: normal_name(text) for text in every}
        return objects_of([text and named[text] for text in texts]), ()
    read = {text: number(text) for text in every}
    found = [None if text is None else read[text] for text in texts]
    labels = np.array(found) if None not in found else objects_of(found)
    return labels, tuple(_unlike(read))


def text_of(value: Any) -> str:
    """Return a value as a text, without spaces around it."""
    return value.strip() if isinstance(value, str) else str(value)


def _number_of(texts: set[str]) -> Callable[[str], float] | None:
    """Choose what reads these texts as numbers; None where some are none."""
    if all(map(WHOLE.fullmatch, texts)):
        return lambda text: int(text.partition(".")[0])
    padded = any(len(text) > 1 and text[0] == "0" and text.isdecimal() for text in texts)
    if not padded and all(map(NUMBER.fullmatch, texts)):
        return float
    return None


def _unlike(read: Mapping[str, float]) -> list[str]:
    """Say which labels are one number."""
    by_number: dict[float, list[str]] = {}
    for text, number in sorted(read.items()):
        by_number.setdefault(number, []).append(text)
    same = [texts for texts in by_number.values() if len(texts) > 1]
    return [f"labels that are one number are one label: {' and '.join(same[0])}"] if same else []


def objects_of(values: Sequence[Any]) -> Array:
    """Return values as an array of objects, (n,), whatever they are."""
    found = np.empty(len(values), dtype=object)
    for row, one in enumerate(values):  # lists of one length would become columns
        found[row] = one
    return found
