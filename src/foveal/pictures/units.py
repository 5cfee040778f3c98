"""What may not be torn apart: equal pictures, those of a group, and near copies, as one unit.

Splits and folds deal out units; which pictures a unit holds is decided here alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal.arrays import Hashes, Rows
from foveal.pictures.groups import group_ids

Pairs = np.ndarray[Any, np.dtype[np.intp]]
"""Rows that belong together, (pairs, 2)."""
NO_PAIRS: Pairs = np.empty((0, 2), dtype=np.intp)


def units_of(
    hashes: Hashes,
    usable: Rows,
    groups: np.ndarray[Any, Any] | None = None,
    pairs: Pairs = NO_PAIRS,
) -> Hashes:
    """Compute the unit of each row: rows joined by a hash, by a group or by a pair are one.

    Parameters
    ----------
    hashes : array of int64, (n,)
        Content hash of each row.
    usable : array of int
        Rows that are dealt out; no other row joins any.
    groups : array, (n,), optional
        Group of each row; None for rows that have none.
    pairs : array of int, (pairs, 2)
        Further rows that belong together.

    Returns
    -------
    array of int64, (n,)
        The least hash of the unit, so that where nothing else joins them units are hashes.
    """
    if groups is None and not len(pairs):
        return hashes
    from scipy.sparse import coo_array  # slow: models are loaded without it
    from scipy.sparse.csgraph import connected_components

    content = np.unique(hashes[usable], return_inverse=True)[1]
    ends = [(usable, len(hashes) + content)]
    if groups is not None:
        numbers = group_ids(groups)[usable]
        ends.append((usable[numbers >= 0], 2 * len(hashes) + numbers[numbers >= 0]))
    kept = np.isin(pairs, usable).all(axis=1)
    ends.append((pairs[kept, 0], pairs[kept, 1]))
    rows, columns = (np.concatenate(side) for side in zip(*ends, strict=True))
    size = 3 * len(hashes)
    graph = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(size, size))
    component = connected_components(graph, directed=False)[1][usable]
    least = np.full(component.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, component, hashes[usable])
    units = hashes.copy()
    units[usable] = least[component]
    return units


def contradictions(hashes: Hashes, class_ids: Rows, usable: Rows) -> dict[int, int]:
    """Find pictures that stand under several classes: what they are is not known.

    Returns
    -------
    dict
        Each such row of `usable`, with a class that the same picture has elsewhere.
    """
    content = np.unique(hashes[usable], return_inverse=True)[1]
    low = np.full(content.max(initial=-1) + 1, np.iinfo(np.intp).max, dtype=np.intp)
    high = np.full(len(low), -1, dtype=np.intp)
    np.minimum.at(low, content, class_ids[usable])
    np.maximum.at(high, content, class_ids[usable])
    own = class_ids[usable]
    other = np.where(high[content] != own, high[content], low[content])
    torn = other != own
    return dict(zip(usable[torn].tolist(), other[torn].tolist(), strict=True))


def majority(class_ids: Rows, unit: Rows, count: int) -> Rows:
    """Compute the class that most pictures of each unit have; the lowest of several such.

    Parameters
    ----------
    class_ids, unit : array of int, (n,)
        Class number and unit, from 0 to count - 1, of each picture.
    """
    classes = int(class_ids.max(initial=0)) + 1
    pairs, times = np.unique(unit * classes + class_ids, return_counts=True)
    of, code = np.divmod(pairs, classes)
    rarest_first = np.lexsort((-code, times, of))
    found = np.zeros(count, dtype=np.intp)
    found[of[rarest_first]] = code[rarest_first]  # the last one written is the most frequent
    return found
