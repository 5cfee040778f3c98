"""Labels as a person gives them: a text or a number a picture, or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError, UsageError
from foveal.pictures.collection import Pictures
from foveal.pictures.missing import is_missing
from foveal.vocabulary import normal_name

NAMED = 5
"""Columns that a message names at most."""
NO_LABEL = "no label"
"""Reason in the ledger of a picture without one, wherever labels come from."""


def read_labels(y: Any) -> Array:
    """Read labels, None where there is none: None, NaN or what pandas puts there.

    An accent is one however it is written: texts are composed (NFC).

    Raises
    ------
    DataError
        For labels of which some are texts and some numbers, and for what is neither.
    """
    typed = hasattr(y, "dtype")
    labels = np.asarray(y, dtype=None if typed else object)
    if labels.dtype.kind == "f" and labels.ndim == 1 and np.isnan(labels).any():
        labels = labels.astype(object)
    if labels.dtype != object or labels.ndim != 1:
        return composed(labels if labels.dtype != object else np.asarray(y))
    values = labels.tolist()
    missing = list(map(is_missing, values))
    kinds = {_kind(one): one for one, absent in zip(values, missing, strict=True) if not absent}
    if len(kinds) > 1:
        raise DataError(
            "y",
            needed="labels of one type: all texts, or all numbers",
            came=" and ".join(f"{kind} ({one!r})" for kind, one in sorted(kinds.items())),
            remedy="write them all as texts, [str(label) for label in y]",
        )
    if any(missing):
        labels = labels.copy()
        labels[missing] = None
        return composed(labels)
    return composed(labels if typed else np.asarray(values))


def composed(labels: Array) -> Array:
    """Return labels with texts in composed form, so that an accent is one however written."""
    if labels.dtype.kind not in "OU":
        return labels
    found = labels.astype(object)
    for place, label in np.ndenumerate(labels):
        if isinstance(label, str):
            found[place] = normal_name(label)
    return found.astype(str) if labels.dtype.kind == "U" else found


def _kind(label: object) -> str:
    if isinstance(label, str):
        return "texts"
    is_number = isinstance(label, int | float | np.number | np.bool_)
    return "numbers" if is_number else type(label).__name__


def labels_of(pictures: Pictures, *, needed: str, remedy: str) -> Array:
    """Return the labels of pictures, as they were given.

    Parameters
    ----------
    pictures : Pictures
        The pictures.
    needed, remedy : str
        What a kind of target says where they have none.

    Raises
    ------
    DataError
        Where they have none, or what a table says of them cannot be read.
    """
    pictures.undoubted("label")
    if pictures.labels is None:
        unread = unread_columns(pictures)
        if unread:
            remedy = f"name the column of the labels (`label` {next(iter(pictures.others))})"
        raise DataError(
            "pictures",
            needed=needed,
            came=unread or "pictures without labels",
            remedy=f"{remedy}; predict needs none",
        )
    return pictures.labels


def unread_columns(pictures: Pictures) -> str:
    """Say of which columns labels may be, where a table names none so; else nothing."""
    columns = list(pictures.others)
    if pictures.labels is not None or not columns:
        return ""
    named = ", ".join(columns[:NAMED]) + ", ..." * (len(columns) > NAMED)
    return f"a table without a column named label; it has also {named}"


def refuse_unsupported(labels: Array) -> None:
    """Refuse labels of tasks that are out of scope.

    Raises
    ------
    UsageError
        For labels with more than one column (several labels a picture, boxes, masks).
    """
    if labels.ndim > 1 and labels.shape[1:] != (1,):
        raise UsageError(
            "y",
            needed="one class a picture, shape (n,)",
            came=f"shape {labels.shape}",
            remedy="several labels are columns of 0 and 1; detection and segmentation are not "
            "supported",
        )


def check_classes(labels: Array) -> None:
    """Check that labels that are there name classes.

    Raises
    ------
    ValueError
        For numbers that are no classes, as scikit-learn tells them.
    """
    from sklearn.utils import assert_all_finite  # only who gives labels waits for scikit-learn
    from sklearn.utils.multiclass import check_classification_targets

    there = labels[[one is not None for one in labels.tolist()]] if labels.ndim == 1 else labels
    plain = there.dtype == object and len(there)
    if there.dtype.kind == "f":
        assert_all_finite(there, input_name="y")
    check_classification_targets(np.asarray(there.tolist()) if plain else there)
