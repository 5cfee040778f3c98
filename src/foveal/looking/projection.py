"""Codes projected to the plane: by principal components, or by t-SNE.

Axes: n row of the codes, p point, k number of the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from foveal.arrays import Array, Rows
from foveal.errors import DataError
from foveal.parameters import one_of
from foveal.pictures.collection import evenly
from foveal.randomness import derive

Method = Literal["pca", "tsne"]
Vectors = Literal["codes", "features"]
METHODS: tuple[Method, ...] = ("pca", "tsne")

MOST_POINTS = 5_000
"""Points of t-SNE at most: they take half a minute."""
PERPLEXITY = 30.0
"""Neighbours that count, of t-SNE; a third of the points where there are few."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Projection:
    """How codes were projected to the plane."""

    method: Method
    rows: Rows
    """Row of the codes that each point belongs to, (p,)."""
    codes: int
    """Rows there were in all."""
    missing: int
    """Rows without a code, left out: their pictures could not be read."""
    code_size: int
    """Numbers of a code."""
    shares: tuple[float, float] | None = None
    """Share of the codes' variance along each axis, of principal components."""
    perplexity: float | None = None
    """Neighbours that count, of t-SNE."""
    seed: int = 0
    of: Vectors = "codes"
    """What is in the plane."""


def project(
    codes: Any, method: Method = "pca", seed: int = 0, of: Vectors = "codes"
) -> tuple[Array, Projection]:
    """Project codes (n, k), or features, to the plane.

    Parameters
    ----------
    codes : array, (n, k)
        Rows with NaN (of pictures that could not be read) are left out and counted.
    method : {"pca", "tsne"}
        The two principal components, or t-SNE (van der Maaten and Hinton, "Visualizing data using
        t-SNE", 2008), begun with these, for 5,000 codes at most, evenly spaced over all.
    seed : int
        Of whatever is drawn at random.
    of : {"codes", "features"}
        What they are called.

    Returns
    -------
    points : array, (p, 2)
        One for each row in the second answer's `rows`.
    projection : Projection
        Which rows these are, and how they came there.

    Raises
    ------
    UsageError
        For another method.
    DataError
        For codes of one number, fewer than three of them, or codes that are all the same.
    """
    checked_method(method)
    values = _checked(codes)
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    missing = len(values) - len(rows)
    _refuse_few(values[rows], missing)
    if method == "tsne":
        rows = rows[evenly(len(rows), MOST_POINTS)]
    facts: dict[str, Any] = {"rows": rows, "codes": len(values), "missing": missing}
    facts |= {"code_size": values.shape[1], "seed": seed, "of": of}
    drawing = derive(seed, "plane") % 2**32
    if method == "pca":
        from sklearn.decomposition import PCA  # scikit-learn takes a second: looks go without

        found = PCA(2, random_state=drawing).fit(values[rows])
        first, second = map(float, found.explained_variance_ratio_)
        points = found.transform(values[rows])
        return points, Projection(method=method, shares=(first, second), **facts)
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    learner = TSNE(init="pca", learning_rate="auto", perplexity=perplexity, random_state=drawing)
    points = learner.fit_transform(values[rows]).astype(np.float64)
    return points, Projection(method=method, perplexity=perplexity, **facts)


def checked_method(method: str) -> Method:
    """Check the word for a way into the plane.

    Raises
    ------
    UsageError
        For any other than `METHODS`.
    """
    return one_of("method", method, METHODS)


def _checked(codes: Any) -> Array:
    values = np.asarray(codes, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise DataError(
            "codes",
            needed="at least 2 numbers each, shape (n, k)",
            came=f"shape {values.shape}",
            remedy="train with codes of 2 or more numbers (`code_size`)",
        )
    return values


def _refuse_few(values: Array, missing: int) -> None:
    if len(values) < 3:
        raise DataError(
            "codes",
            needed="those of at least 3 pictures",
            came=f"{len(values)}, and {missing} without a code",
            remedy="give more pictures that can be read",
        )
    if not np.ptp(values, axis=0).any():
        raise DataError(
            "codes",
            needed="at least 2 that differ",
            came=f"{len(values)} that are all the same",
            remedy="give pictures that differ, or train the autoencoder longer",
        )
