"""The nearest of many vectors, exactly, in bounded memory.

A matrix product in single precision tells for all rows which of them may be among the nearest;
these few are measured in double precision. What the product may lose by rounding is bounded, so
none is missed: a row is passed over only where even its bound lies beyond the k-th distance.

Axes: q query, r row of the vectors, d number of a vector, k neighbour, p pair of query and row.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from foveal.arrays import Doubles, Floats, Integers

QUERIES = 128
"""Queries in one matrix product, at most."""
PRODUCTS = 1 << 20
"""Numbers that a matrix product gives, at most: 4 MB."""
NUMBERS = 1 << 21
"""Numbers of the vectors in one matrix product, at most: 8 MB."""
CROWD = 4
"""Times k from which on candidates are thinned out before they are measured."""
ROUNDING = 2.0**-24
"""Largest relative error of one operation in single precision."""
SMALLEST = 2.0**-124
"""Twice what a product may lose where it falls below the smallest normal number."""
LARGEST = 1e37
"""Squares from which on single precision may overflow: all is measured in double precision."""


def nearest(
    vectors_rd: Floats, squares_r: Doubles, queries_qd: Floats, k: int, *, threads: int
) -> tuple[Integers, Doubles]:
    """Find the k nearest rows of each query by Euclidean distance.

    Parameters
    ----------
    vectors_rd : array of float32
        Where to search; in memory or memory-mapped, of finite numbers.
    squares_r : array of float64
        Their squared lengths, by `squared_lengths`.
    queries_qd : array of float32
        What to search for.
    k : int
        Neighbours of each; all rows where there are fewer.
    threads : int
        Threads of the matrix products.

    Returns
    -------
    tuple of arrays
        Rows (q, k), nearest first, the lower row first where distances are equal, and their
        distances (q, k), computed in double precision from differences.
    """
    found = Nearest(queries_qd, min(k, len(vectors_rd)), threads=threads)
    found.add(vectors_rd, squares_r)
    return found.rows_qk, np.sqrt(found.best_qk)


class Nearest:
    """The k nearest rows of each query among those that were added so far, numbered as they came.

    Parameters
    ----------
    queries_qd : array of float32
        What to search for.
    k : int
        Neighbours of each, no more than there will be rows.
    threads : int
        Threads of the matrix products.
    """

    def __init__(self, queries_qd: Floats, k: int, *, threads: int) -> None:
        self.queries_qd, self.k, self.threads = queries_qd, k, threads
        self.count = 0
        """Rows that were added."""
        self.rows_qk = np.full((len(queries_qd), k), np.iinfo(np.int64).max, dtype=np.int64)
        """Nearest first, of equals the lower row first."""
        self.best_qk = np.full((len(queries_qd), k), np.inf)
        """Their squared distances; infinity where fewer rows were added."""

    def add(self, vectors_rd: Floats, squares_r: Doubles) -> None:
        """Look at further rows, (r, d), with their squared lengths, (r,)."""
        count, size = vectors_rd.shape
        queries = max(1, min(len(self.queries_qd), QUERIES))
        step = max(1, min(PRODUCTS // queries, NUMBERS // size))
        with _libraries().limit(limits=self.threads, user_api="blas"):
            for start in range(0, count, step):
                self._look(vectors_rd[start : start + step], squares_r[start : start + step])

    def _look(self, chunk_rd: Floats, squares_r: Doubles) -> None:
        """Look at rows for which there is room at once."""
        for first in range(0, len(self.queries_qd), QUERIES):
            part = slice(first, first + QUERIES)
            queries_qd, worst_q = self.queries_qd[part], self.best_qk[part, -1]
            q, r = _candidates(chunk_rd, squares_r, queries_qd, worst_q, self.k)
            if len(q):
                found_p = _measured(chunk_rd, queries_qd, q, r)
                self.rows_qk[part], self.best_qk[part] = _merged(
                    self.rows_qk[part], self.best_qk[part], q, r + self.count, found_p
                )
        self.count += len(chunk_rd)


@cache
def _libraries() -> ThreadpoolController:
    """List the libraries that have threads, once: it takes 10 ms, as many products do."""
    return ThreadpoolController()


def nearest_others(
    vectors_rd: Floats,
    squares_r: Doubles,
    labels_r: Integers,
    queries_qd: Floats,
    labels_q: Integers,
    *,
    k: int,
    threads: int,
) -> tuple[Integers, Doubles]:
    """Find the k nearest rows of each query that do not share its label.

    Parameters
    ----------
    vectors_rd, squares_r, queries_qd, threads
        As for `nearest`.
    labels_r, labels_q : array of int64
        Equal for what must not be compared: copies of one picture, for one.
    k : int
        Neighbours of each; fewer where there are fewer, at infinity where all share its label.

    Returns
    -------
    tuple of arrays
        As of `nearest`.
    """
    most = int(np.unique(labels_r, return_counts=True)[1].max(initial=0))
    found, far = nearest(vectors_rd, squares_r, queries_qd, k + most, threads=threads)
    far[labels_r[found] == labels_q[:, None]] = np.inf
    order = np.argsort(far, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(far, order, axis=1)


def unit_length(vectors_nd: Floats) -> Floats:
    """Bring vectors to unit length; those of zeros stay zeros."""
    wide = vectors_nd.astype(np.float64)
    lengths = np.sqrt(np.square(wide).sum(axis=1, keepdims=True))
    unit: Floats = (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return unit


def ranked(vectors_rd: Floats, query_d: Floats, rows: Integers, k: int) -> tuple[Integers, Doubles]:
    """Rank some rows by their distance to one query; gives the k nearest and their distances."""
    rows = np.unique(rows)
    squares = _measured(vectors_rd, query_d[None], np.zeros(len(rows), dtype=np.int64), rows)
    order = np.lexsort((rows, squares))[:k]
    return rows[order], np.sqrt(squares[order])


def squared_lengths(vectors_rd: Floats) -> Doubles:
    """Compute the squared length of each row, (r,), in double precision."""
    found = np.empty(len(vectors_rd))
    for part in parts(len(vectors_rd), vectors_rd.shape[1]):
        wide = vectors_rd[part].astype(np.float64)
        found[part] = (wide * wide).sum(axis=1)
    return found


def parts(count: int, size: int) -> Iterator[slice]:
    """Divide rows of so many numbers into parts that fit into a processor's cache."""
    step = max(1, NUMBERS // 8 // size)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _candidates(
    chunk_rd: Floats, squares_r: Doubles, queries_qd: Floats, worst_q: Doubles, k: int
) -> tuple[Integers, Integers]:
    """Name the pairs that may be among the k nearest: numbers of queries, and of rows.

    The dot product of d numbers errs by at most d u |q| |r| (u is `ROUNDING`; Higham, Accuracy
    and Stability of Numerical Algorithms, 3.1), whatever the order of its sums. With the other
    operations the error stays below twice (d + 2) u (|q| + |r|)**2; `slack` is twice that.
    """
    squares_q = np.square(queries_qd.astype(np.float64)).sum(axis=1)
    reach_q = (np.sqrt(squares_q) + np.sqrt(squares_r.max())) ** 2
    size = chunk_rd.shape[1]
    slack_q = 4 * (size + 2) * (ROUNDING * reach_q + SMALLEST)
    if reach_q.max() > LARGEST:
        return _pairs(np.ones((len(queries_qd), len(chunk_rd)), dtype=bool))
    # |q - r|**2 without |q|**2, which is the same for all rows
    near_qr = queries_qd @ chunk_rd.T
    near_qr *= -2
    near_qr += squares_r.astype(np.float32)
    limit_q = worst_q - squares_q + slack_q
    inside_qr = near_qr <= _above(limit_q)[:, None]
    crowded = np.flatnonzero(np.count_nonzero(inside_qr, axis=1) > CROWD * k)
    if len(crowded):
        # those that may be nearer than the k-th of this chunk are enough
        some = near_qr[crowded]
        kth = np.partition(some, k - 1, axis=1)[:, k - 1]
        limit_q[crowded] = np.minimum(limit_q[crowded], kth + slack_q[crowded])
        inside_qr[crowded] = some <= _above(limit_q[crowded])[:, None]
    return _pairs(inside_qr)


def _above(limits: Doubles) -> Floats:
    """Round up to single precision; what is beyond its range to its end."""
    most = float(np.finfo(np.float32).max)
    narrow = np.minimum(limits, most).astype(np.float32)
    above: Floats = np.nextafter(narrow, np.float32(most))
    return above


def _pairs(inside_qr: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[Integers, Integers]:
    flat = np.flatnonzero(inside_qr)  # several times as fast as nonzero of two axes
    q, r = np.divmod(flat, inside_qr.shape[1])
    return q, r


def _measured(vectors_rd: Floats, queries_qd: Floats, q: Integers, r: Integers) -> Doubles:
    """Compute squared distances of pairs (p,), in double precision from differences."""
    found = np.empty(len(q))
    for part in parts(len(q), vectors_rd.shape[1]):
        wide = queries_qd[q[part]].astype(np.float64)
        wide -= vectors_rd[r[part]]
        found[part] = np.square(wide).sum(axis=1)
    return found


def _merged(
    rows_qk: Integers, best_qk: Doubles, q: Integers, rows_p: Integers, squares_p: Doubles
) -> tuple[Integers, Doubles]:
    """Return the k nearest of those known and of further pairs."""
    queries, k = rows_qk.shape
    every_q = np.concatenate([np.repeat(np.arange(queries), k), q])
    every_row = np.concatenate([rows_qk.reshape(-1), rows_p])
    every_square = np.concatenate([best_qk.reshape(-1), squares_p])
    order = np.lexsort((every_row, every_square, every_q))
    firsts = np.searchsorted(every_q[order], np.arange(queries))
    taken_qk = order[firsts[:, None] + np.arange(k)]
    return every_row[taken_qk], every_square[taken_qk]
