"""Classes: one label a picture, and the numbers that stand for labels in a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]
ClassIds = np.ndarray[Any, np.dtype[np.intp]]
UNKNOWN = -1
"""Class number of a label the model does not know, or of none."""
LONGEST_LABEL = 1_000
"""Characters of a class name at most."""


def encode_labels(labels: Array) -> tuple[Array, np.ndarray[Any, np.dtype[np.intp]]]:
    """Find the classes and each row's class number, -1 where the label is None."""
    known = np.array([label is not None for label in labels.tolist()])
    for label in {type(one): one for one in labels[known].tolist()}.values():
        _check_label(label)
    classes, class_ids = np.unique(_plain(labels[known]), return_inverse=True)
    for label in classes.tolist():
        _check_label(label)
    found = np.full(len(labels), -1, dtype=np.intp)
    found[known] = class_ids
    return classes, found


def class_ids(labels: np.ndarray[Any, Any], classes: np.ndarray[Any, Any]) -> ClassIds:
    """Turn labels into the numbers of their classes; `UNKNOWN` where there is none.

    Folder names are texts: the label "3" is the class 3 where classes are numbers.
    """
    numbers = {label: index for index, label in enumerate(classes.tolist())}
    written = {str(label): index for label, index in numbers.items()}
    plain = np.ravel(labels).tolist()
    return np.array(
        [
            UNKNOWN if label is None else numbers.get(label, written.get(str(label), UNKNOWN))
            for label in plain
        ],
        dtype=np.intp,
    )


def _check_label(label: object) -> None:
    """Check a label against what a model file can keep.

    Raises
    ------
    DataError
        For anything but texts, whole numbers, finite numbers and booleans.
    """
    fine = isinstance(label, str | int | float) and label == label
    if isinstance(label, str):
        fine = len(label) <= LONGEST_LABEL and label.isprintable()
    if not fine or (isinstance(label, float) and not np.isfinite(label)):
        raise DataError(
            "classes",
            needed=f"texts of at most {LONGEST_LABEL} characters, or finite numbers",
            came=repr(label)[:80],
            remedy="rename the class",
        )


def _plain(labels: Array) -> Array:
    """Return texts held as objects a dtype of their own."""
    if labels.dtype == object and all(isinstance(label, str) for label in labels):
        return labels.astype(str)
    return labels
