"""Whatever a person gives as X and y, made `Pictures` with labels; scikit-learn's manners."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, validate_data

from foveal.errors import DataError, UsageError
from foveal.pictures.collection import Array, Pictures
from foveal.pictures.groups import grouped
from foveal.pictures.sources import are_paths, gather
from foveal.shapes import written
from foveal.targets.classes import refuse_unsupported


def coerce(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    fitting: bool = True,
    labelled: bool = True,
) -> Pictures:
    """Turn X and y into pictures.

    Parameters
    ----------
    estimator : estimator
        Learns ``n_features_in_`` from two-dimensional arrays, and holds them against it; and
        ``_picture_shape``, that of a picture in any array, None for files.
    X : path, sequence of paths, or array
        As `foveal.pictures.sources.gather` takes it.
    y : sequence of labels, optional
        The class of each picture; class folders, .npz and IDX say it themselves.
    groups : str, path or sequence, optional
        What belongs together, as `foveal.pictures.groups.grouped` takes it.
    fitting : bool
        Whether this is fit.
    labelled : bool
        Whether fit needs labels.
    """
    if not are_paths(X):
        return grouped(_coerced_array(estimator, X, y, fitting, labelled), groups)
    pictures = _labelled_files(X, y) if fitting and labelled else gather(X)
    if fitting:
        estimator._picture_shape = pictures.content.shape
    return grouped(pictures, groups)


def refuse_pictures(y: Any) -> None:
    """Refuse pictures where labels may be given: an autoencoder restores what it is shown.

    Raises
    ------
    UsageError
        For paths, files that exist, and arrays of more than one axis.
    """
    shape = getattr(y, "shape", ())
    whole = isinstance(y, str | os.PathLike | Pictures)
    named = are_paths(y) and all(map(_is_path, [y] if whole else y[:10]))
    if y is None or (not named and (len(shape) < 2 or shape[1:] == (1,))):
        return
    raise UsageError(
        "y",
        needed="nothing, or labels, which are not used: an autoencoder restores the pictures in X",
        came=f"an array {shape}" if shape else "other pictures",
        remedy="leave y out; noise that is drawn anew is undone by `noise`",
    )


def _is_path(value: object) -> bool:
    return isinstance(value, os.PathLike | Pictures) or (
        isinstance(value, str) and Path(value).exists()
    )


def _labelled_files(X: Any, y: Any = None) -> Pictures:
    """Find files and their classes, which y or their folders say."""
    pictures = gather(X)
    if y is not None:
        if np.ndim(y) > 1:
            refuse_unsupported(np.asarray(y))
        return _labelled(pictures.labelled(np.asarray(y)), y)
    if pictures.labels is None:
        raise DataError(
            "y",
            needed="a class for each picture: a folder a class, or y",
            came="pictures without labels",
            remedy="sort the pictures into one folder a class; in Python, y will do too",
        )
    return pictures


def _coerced_array(estimator: Any, X: Any, y: Any, fitting: bool, labelled: bool) -> Pictures:
    """Turn arrays into pictures; what counts as features are rows of pixels alone."""
    options: dict[str, Any] = {"allow_nd": True, "dtype": "numeric"}
    shape = getattr(estimator, "_picture_shape", None) or ()
    if not fitting and len(shape) > 1:
        return gather(_folded(check_array(X, **options), shape))
    if not fitting:
        whole = len(getattr(X, "shape", ())) > 2
        return gather(
            check_array(X, **options)
            if whole
            else validate_data(estimator, X, reset=False, **options)
        )
    if labelled:
        X, y = validate_data(estimator, X, y, **options)
    else:
        X = validate_data(estimator, X, **options)
    estimator._picture_shape = X.shape[1:]
    if X.ndim > 2:
        del estimator.n_features_in_
    return _labelled(gather(X), y) if labelled else gather(X)


def _folded(values: Array, shape: tuple[int, ...]) -> Array:
    """Fold rows of pixels to pictures of the shape that was fitted."""
    if values.ndim != 2:
        return values
    if values.shape[1] != math.prod(shape):
        raise DataError(
            "X",
            needed=f"pictures {written(shape)} as in fit, or rows of {math.prod(shape):,} pixels",
            came=f"shape {values.shape}",
            remedy="reshape it, or bring the pictures to that size",
        )
    return values.reshape(len(values), *shape)


def _labelled(pictures: Pictures, y: Any) -> Pictures:
    labels = np.asarray(y)
    check_classification_targets(labels)
    return pictures.labelled(labels)


def predicted_score(estimator: Any, X: Any) -> float:
    """Return the accuracy on pictures that say their own classes."""
    labels = _labelled_files(X).labels
    assert labels is not None
    called = estimator.predict(X)
    known = [row for row, label in enumerate(labels.tolist()) if label is not None]
    return sum(str(called[row]) == str(labels[row]) for row in known) / len(known)
