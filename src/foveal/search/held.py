"""Vectors that are at hand, in memory or memory-mapped, with the names of their pictures.

Axes: n picture, q query, d number of a vector, k neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from foveal.arrays import Doubles, Floats, Integers
from foveal.errors import DataError
from foveal.nearest import nearest, squared_lengths
from foveal.search.graph import Graph, Progress


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldVectors:
    """What an index of a folder of its own, or one that is not kept, searches in."""

    vectors: Floats
    """(n, d); of unit length where the measure is "cosine"."""
    names: Any
    """Names of the pictures, a pyarrow column of n texts."""
    graph: Graph | None = None
    """A graph of neighbours, where search is approximate."""

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        return int(self.vectors.shape[1])

    @property
    def approximate(self) -> bool:
        """Whether the graph is searched."""
        return self.graph is not None

    @cached_property
    def squares(self) -> Doubles:
        """Squared length of each vector, (n,): all are read once, at the first exact search."""
        return finite_squares(self.vectors)

    def nearest(
        self, queries_qd: Floats, k: int, *, threads: int, progress: Progress | None = None
    ) -> tuple[list[Integers], list[Doubles]]:
        """Find the rows nearest to each query, nearest first, and their distances.

        They are at hand, so that there is nothing to tell meanwhile.
        """
        if self.graph is None:
            rows, distances = nearest(self.vectors, self.squares, queries_qd, k, threads=threads)
            return list(rows), list(distances)
        found = self.graph.nearest(queries_qd, k, threads=threads)
        rows_q, distances_q = [one[0] for one in found], [one[1] for one in found]
        for query, rows in enumerate(rows_q):
            if len(rows) < min(k, len(self)):  # the graph leads nowhere: all are looked at
                every = nearest(
                    self.vectors, self.squares, queries_qd[query, None], k, threads=threads
                )
                rows_q[query], distances_q[query] = every[0][0], every[1][0]
        return rows_q, distances_q

    def named(self, rows: Integers) -> list[str]:
        """Return the names of some rows."""
        found: list[str] = self.names.take(pa.array(rows)).to_pylist()
        return found


def finite_squares(vectors_nd: Floats, before: int = 0) -> Doubles:
    """Compute the squared length of each vector, (n,), of which `before` came before.

    Raises
    ------
    DataError
        For NaN and infinity.
    """
    found = squared_lengths(vectors_nd)
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise DataError(
            "index",
            needed="finite numbers",
            came=f"NaN or infinity in row {before + bad[0]}",
            remedy="build it again",
        )
    return found
