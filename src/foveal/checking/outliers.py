"""Pictures unlike all others: far from their neighbours, which are near theirs; vectors alone.

How far a vector is from its nearest few, by how far these are from theirs: a simple local outlier
factor (Breunig, Kriegel, Ng and Sander, 2000, "LOF: identifying density-based local outliers"), so
that a kind of which there are many sorts, as dogs, does not count as strange.
Axes: n picture, r reference, k neighbour, d number of a vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from foveal.arrays import Doubles, Floats, Integers
from foveal.checking.fences import beyond
from foveal.nearest import nearest_others, squared_lengths

NEIGHBOURS = 20
"""Neighbours that count: a handful of strays of one kind are still strays."""
FARTHER = np.log(1.25)
"""Least factor between the isolation of an outlier and the median."""


def isolation(
    reference_rd: Floats,
    labels_r: Integers,
    batches: Iterable[tuple[Floats, Integers]],
    threads: int,
) -> Doubles:
    """Compute how far vectors are from their neighbours, by how far these are from theirs.

    Parameters
    ----------
    reference_rd : array of float32, (r, d)
        Vectors among which neighbours are sought.
    labels_r : array of int64, (r,)
        Equal for copies, which are no neighbours.
    batches : iterable of (array, array)
        Vectors (n, d) with their labels (n,), part by part.
    threads : int
        Threads of the matrix products.
    """
    squares = squared_lengths(reference_rd)

    def near(vectors: Floats, labels: Integers) -> tuple[Integers, Doubles]:
        rows, away = nearest_others(
            reference_rd, squares, labels_r, vectors, labels, k=NEIGHBOURS, threads=threads
        )
        known = np.isfinite(away).all(axis=1)  # else there are too few others
        return np.minimum(rows, len(reference_rd) - 1), np.where(known, away.mean(axis=1), np.nan)

    _, usual_r = near(reference_rd, labels_r)
    found: list[Doubles] = []
    for vectors, labels in batches:
        rows, away = near(vectors, labels)
        found.append(away / np.maximum(usual_r[rows].mean(axis=1), 1e-9))
    return np.concatenate(found) if found else np.empty(0)


def outliers(isolation_n: Doubles) -> Iterator[tuple[int, float]]:
    """Find the most isolated of all; yields their rows and isolation, the most isolated first."""
    logs = np.log(np.maximum(isolation_n, 1e-9))
    rows, middle = beyond(logs, FARTHER)
    rows = rows[logs[rows] > middle]
    for row in rows[np.argsort(-logs[rows], kind="stable")].tolist():
        yield row, float(isolation_n[row])
