"""Whatever a person gives as X and y, made `Pictures` with labels; scikit-learn's manners."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from foveal.arrays import Array
from foveal.bulk.source import gather_parts_too
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.groups import grouped
from foveal.pictures.naming import labelled_by_columns
from foveal.pictures.sources import are_encoded, gather
from foveal.pictures.sources.forms import check_form, column, listed
from foveal.shapes import written
from foveal.targets.labelled import Labelled
from foveal.targets.target import Target
from foveal.wording import counted


def coerce(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    sample_weight: Any = None,
    target: Target | None = None,
) -> Pictures:
    """Turn X and y into pictures.

    Parameters
    ----------
    estimator : estimator
        Learns ``n_features_in_`` from two-dimensional arrays, and holds them against it; and
        ``_picture_shape``, that of a picture in any array, None for files.
    X : path, sequence of paths, frame, pictures of Pillow, or array
        As `foveal.pictures.sources.gather` takes it.
    y : sequence of labels, or str, optional
        The label of each picture, or the name of the column of a table that says it; class
        folders, .npz and IDX say it themselves.
    groups : str, path or sequence, optional
        What belongs together, as `foveal.pictures.groups.grouped` takes it.
    sample_weight : sequence of float, optional
        What each picture weighs in the loss.
    target : Target, optional
        What is to be learned of them: it reads y. None where this is not fit.
    """
    X, y = opened(X, y) if isinstance(target, Labelled) else (listed(X), y)
    labels = None if target is None or y is None else target.read(column(y))
    if are_encoded(X):
        pictures = gather(X)
        if target is not None:
            estimator._picture_shape = pictures.content.shape
    else:
        check_form(X)
        if target is None:
            pictures = _pictures_of_array(estimator, X)
        else:
            X, labels = _fitted_arrays(estimator, X, labels, isinstance(target, Labelled))
            pictures = gather(X)
    pictures = pictures if labels is None else pictures.labelled(labels)
    if target is not None:
        target.check_labelled(pictures)
    return _weighed(grouped(pictures, groups), sample_weight)


def opened(X: Any, y: Any) -> tuple[Any, Any]:
    """Gather pictures that are named or encoded, so that what their labels are like is known.

    Returns
    -------
    tuple
        X and y of `coerce`: the pictures, under the labels of a column that y names; arrays stay as
        they are.
    """
    X = listed(X)
    named = y if isinstance(y, str) else None
    if not are_encoded(X) and named is None:
        return X, y
    return labelled_by_columns(gather_parts_too(X), named), None if named else y


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


ARRAYS: dict[str, Any] = {"allow_nd": True, "dtype": "numeric"}
"""How scikit-learn checks them."""


def _pictures_of_array(estimator: Any, X: Any) -> Pictures:
    """Turn an array into pictures, as what was fitted has it."""
    shape = getattr(estimator, "_picture_shape", None) or ()
    if len(shape) > 1:
        return gather(_folded(check_array(X, **ARRAYS), shape))
    if len(getattr(X, "shape", ())) > 2:
        return gather(check_array(X, **ARRAYS))
    return gather(validate_data(estimator, X, reset=False, **ARRAYS))


def _fitted_arrays(
    estimator: Any, X: Any, labels: Array | None, labelled: bool
) -> tuple[Array, Array | None]:
    """Check arrays that are fitted; what counts as features are rows of pixels alone."""
    some = labels is not None and labels.dtype == object and any(one is None for one in labels)
    several = labels is not None and labels.shape[1:] not in ((), (1,))
    if labelled and not some:
        X, labels = validate_data(estimator, X, labels, multi_output=several, **ARRAYS)
    else:  # which would refuse that some pictures have no label
        X = validate_data(estimator, X, **ARRAYS)
    estimator._picture_shape = X.shape[1:]
    if X.ndim > 2:
        del estimator.n_features_in_
    return X, labels


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
