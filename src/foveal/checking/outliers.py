"""Pictures unlike all others: far from even their nearest neighbours; vectors alone.

The mean distance to the nearest few on features of a trained network (Kuan and Mueller, 2022, "Back
to the basics: revisiting out-of-distribution detection baselines").
Axes: n picture, d number of a vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from foveal.arrays import Doubles, Floats, Integers
from foveal.checking.fences import beyond
from foveal.nearest import nearest_others, squared_lengths

NEIGHBOURS = 10
"""Neighbours whose mean distance counts: a handful of strays of one kind are still strays."""
FARTHER = np.log(1.25)
"""Least factor between the distance of an outlier and the median."""


def distances(
    reference_rd: Floats,
    labels_r: Integers,
    batches: Iterable[tuple[Floats, Integers]],
    threads: int,
) -> Doubles:
    """Compute the mean distance of vectors to their nearest neighbours.

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
    found: list[Doubles] = []
    for vectors, labels in batches:
        _, away = nearest_others(
            reference_rd, squares, labels_r, vectors, labels, k=NEIGHBOURS, threads=threads
        )
        away = np.where(np.isfinite(away), away, np.nan)
        known = np.isfinite(away).any(axis=1)
        means = np.full(len(away), np.nan)
        means[known] = np.nanmean(away[known], axis=1)
        found.append(means)
    return np.concatenate(found) if found else np.empty(0)


def outliers(distances_n: Doubles) -> Iterator[tuple[int, float]]:
    """Find vectors far from all others; yields row and times the usual distance, farthest first."""
    logs = np.log(np.maximum(distances_n, 1e-9))
    rows, middle = beyond(logs, FARTHER)
    rows = rows[logs[rows] > middle]
    for row in rows[np.argsort(-logs[rows], kind="stable")].tolist():
        yield row, float(np.exp(logs[row] - middle))
