"""Whatever a person gives as X and y, made `Pictures` with labels; scikit-learn's manners."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, validate_data

from foveal.errors import DataError, UsageError
from foveal.pictures.collection import Array, Pictures
from foveal.pictures.groups import grouped
from foveal.pictures.sources import are_paths, gather
from foveal.pictures.sources.forms import check_form, is_missing, listed
from foveal.shapes import written
from foveal.targets.classes import composed, refuse_unsupported
from foveal.wording import counted


def coerce(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    sample_weight: Any = None,
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
    sample_weight : sequence of float, optional
        What each picture weighs in the loss.
    fitting : bool
        Whether this is fit.
    labelled : bool
        Whether fit needs labels.
    """
    X = listed(X)
    check_form(X)
    if not are_paths(X):
        pictures = _coerced_array(estimator, X, y, fitting, labelled)
    else:
        pictures = _labelled_files(X, y) if fitting and labelled else gather(X)
        if fitting:
            estimator._picture_shape = pictures.content.shape
    return _weighed(grouped(pictures, groups), sample_weight)


def _weighed(pictures: Pictures, sample_weight: Any) -> Pictures:
    """Return the same pictures with what each weighs in the loss."""
    if sample_weight is None:
        return pictures
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.empty((0, 0))
    fine = weights.shape == (len(pictures),) and bool(np.isfinite(weights).all())
    if not fine or (weights < 0).any() or not weights.any():
        raise DataError(
            "sample_weight",
            needed=f"a finite number of at least 0 for each of "
            f"{counted(len(pictures), 'picture')}, not all zero",
            came=f"shape {weights.shape}: {str(sample_weight)[:60]}",
            remedy="give each picture a weight, 1 for the usual",
        )
    return replace(pictures, weights=weights)


def refuse_pictures(y: Any) -> None:
    """Refuse pictures where labels may be given: an autoencoder restores what it is shown.

    Raises
    ------
    UsageError
        For paths, files that exist, and arrays of more than one axis.
    """
    several = isinstance(y, list | tuple) and len(y) > 0
    shape = (len(y), *getattr(y[0], "shape", ())) if several else getattr(y, "shape", ())
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
        labels = read_labels(y)
        refuse_unsupported(labels)
        return _labelled(pictures, labels)
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
    y = read_labels(y) if labelled and y is not None else y
    some = isinstance(y, np.ndarray) and y.dtype == object and any(one is None for one in y)
    if labelled and not some:
        X, y = validate_data(estimator, X, y, **options)
    else:  # which would refuse that some pictures have no label
        X = validate_data(estimator, X, **options)
    estimator._picture_shape = X.shape[1:]
    if X.ndim > 2:
        del estimator.n_features_in_
    return _labelled(gather(X), y) if labelled else gather(X)


def _folded(values: Array, shape: tuple[int, ...]) -> Array:
    """Fold rows of pixels to pictures of the shape that was fitted; greys get their channel."""
    if values.ndim == 3 and len(shape) == 2:
        return values[..., None]
    if values.ndim != 2:
        return values
    if values.shape[1] != math.prod(shape):
        raise DataError(
            "X",
            needed=f"pictures {written(shape)} as in fit, or rows of "
            f"{counted(math.prod(shape), 'pixel')}",
            came=f"shape {values.shape}",
            remedy="reshape it, or bring the pictures to that size",
        )
    return values.reshape(len(values), *shape)


def read_labels(y: Any) -> Array:
    """Read labels, None where there is none: None, NaN or what pandas puts there.

    An accent is one however it is written: texts are composed (NFC).

    Raises
    ------
    DataError
        For labels of which some are texts and some numbers, and for what is neither.
    """
    given = listed(_only_column(y))
    typed = hasattr(given, "dtype")
    labels = np.asarray(given, dtype=None if typed else object)
    if labels.dtype.kind == "f" and labels.ndim == 1 and np.isnan(labels).any():
        labels = labels.astype(object)
    if labels.dtype != object or labels.ndim != 1:
        return composed(labels if labels.dtype != object else np.asarray(given))
    values = labels.tolist()
    missing = [is_missing(one) for one in values]
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


def _only_column(y: Any) -> Any:
    """Return the column of a table that has but one, as of pandas; anything else as it is."""
    columns = getattr(y, "columns", None)
    return y if columns is None or len(columns) != 1 else y[columns[0]]


def _kind(label: object) -> str:
    if isinstance(label, str):
        return "texts"
    is_number = isinstance(label, int | float | np.number | np.bool_)
    return "numbers" if is_number else type(label).__name__


def _labelled(pictures: Pictures, y: Any) -> Pictures:
    labels = np.asarray(y)
    there = labels[[one is not None for one in labels.tolist()]] if labels.ndim == 1 else labels
    plain = there.dtype == object and len(there)
    check_classification_targets(np.asarray(there.tolist()) if plain else there)
    return pictures.labelled(labels)


def predicted_score(estimator: Any, X: Any) -> float:
    """Return the accuracy on pictures that say their own classes."""
    labels = _labelled_files(X).labels
    assert labels is not None
    called = estimator.predict(X)
    known = [row for row, label in enumerate(labels.tolist()) if label is not None]
    return sum(str(called[row]) == str(labels[row]) for row in known) / len(known)
