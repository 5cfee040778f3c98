"""A graph of neighbours (HNSW, by the optional package usearch): near enough, and fast.

Malkov and Yashunin, arXiv:1603.09320. usearch reads a file without checking where its numbers
point, so `open_graph` walks over all of them first: a foreign file gives an error, not a crash.
The layout is that of usearch 2: vectors, head, levels, and for each node its key, its level and,
level by level, a count and the numbers of neighbours.

Axes: r row of the vectors, d number of a vector, n node of the graph.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Doubles, Floats, Integers
from foveal.errors import UsageError
from foveal.nearest import ranked

PACKAGE = "usearch"
CONNECTIVITY = 16
"""Neighbours of a node on the upper levels; twice as many on the lowest."""
EXPANSION_ADD = 128
"""Candidates that are kept while a vector is put in."""
EXPANSION_SEARCH = 128
"""Candidates that are kept while one searches, at least."""
MARGIN = 16
"""Rows looked at beyond k: single precision may have put one of the nearest a little behind."""
AT_ONCE = 10_000
"""Vectors that are put in, and nodes that are checked, between two signs of life."""
MAGIC = b"usearch"
HEAD, BODY = 64, struct.Struct("<5Q")
"""Bytes of usearch's head; then size, connectivity, that of the lowest level, levels, entry."""
KINDS_AT, COUNTS = 13, struct.Struct("<3Q?")
"""Where the head tells measure, number, key and slot; then present, deleted, size, multi."""
NODE = 10
"""Bytes of a node's key and level."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A graph of neighbours over vectors."""

    index: Any
    """The `usearch.index.Index`; its keys are the rows of the vectors."""
    vectors_rd: Floats
    """The vectors; a graph that was built looks into them without a copy of its own."""
    buffer: Any = None
    """The file that a graph looks into, memory-mapped."""

    def nearest(
        self, queries_qd: Floats, k: int, *, threads: int
    ) -> list[tuple[Integers, Doubles]]:
        """Find about the k nearest rows of each query; their order and distances are exact.

        Where the graph does not lead to k rows there are fewer.
        """
        if not len(queries_qd):
            return []
        wanted = min(k + MARGIN, len(self.vectors_rd))
        found = self.index.search(queries_qd, wanted, threads=threads)
        each = [found] if len(queries_qd) == 1 else [found[one] for one in range(len(found))]
        return [
            ranked(self.vectors_rd, query_d, one.keys.astype(np.int64), k)
            for query_d, one in zip(queries_qd, each, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write the graph to a file, its vectors included."""
        try:
            self.index.save(path)
        except RuntimeError as error:  # usearch's word for a full disk
            raise OSError(str(error)) from error


def available() -> bool:
    """Whether usearch is installed."""
    return importlib.util.find_spec(PACKAGE) is not None


def require() -> None:
    """Refuse to go on without usearch.

    Raises
    ------
    UsageError
        Where it is not installed.
    """
    if not available():
        raise UsageError(
            "approximate",
            needed=PACKAGE,
            came="a Python without",
            remedy="install it: pip install 'foveal[search]'; or search exactly",
        )


def build_graph(vectors_rd: Floats, *, threads: int, progress: Progress | None = None) -> Graph:
    """Build a graph of neighbours by Euclidean distance.

    With more than one thread two builds differ: neighbours depend on the order of insertion.

    Parameters
    ----------
    vectors_rd : array of float32
        In rows that follow each other in memory, or memory-mapped; kept, not copied.
    threads : int
        Threads.
    progress : callable, optional
        Called now and then with vectors done and in all.
    """
    from usearch.index import Index

    count, size = vectors_rd.shape
    index = Index(
        ndim=size,
        metric="l2sq",
        dtype="f32",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )
    for start in range(0, count, AT_ONCE):
        keys = np.arange(start, min(start + AT_ONCE, count), dtype=np.uint64)
        index.add(keys, vectors_rd[start : start + AT_ONCE], copy=False, threads=threads)
        if progress is not None:
            progress(start + len(keys), count)
    return Graph(index, vectors_rd)


def open_graph(path: Path, vectors_rd: Floats) -> Graph:
    """Open a graph that `Graph.save` left; it is memory-mapped.

    Raises
    ------
    ValueError
        Where it is damaged, or not one of these vectors; says why.
    """
    from usearch.index import Index

    buffer: Any = np.memmap(path, dtype=np.uint8, mode="r")
    check_graph(buffer, vectors_rd.shape)
    try:
        index = Index.restore(
            memoryview(buffer),
            view=True,
            expansion_search=EXPANSION_SEARCH,
        )
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    if index is None or (len(index), index.ndim) != vectors_rd.shape:
        raise ValueError("a graph that usearch cannot read")
    return Graph(index, vectors_rd, buffer)


def check_graph(buffer: np.ndarray[Any, np.dtype[np.uint8]], shape: tuple[int, ...]) -> None:
    """Check a file of usearch against the vectors it should link, number by number.

    Parameters
    ----------
    buffer : array of uint8
        The file.
    shape : tuple of int
        That of the vectors.

    Raises
    ------
    ValueError
        Where it holds anything that would lead out of it.
    """
    count, size = shape
    head = 8 + 4 * count * size
    body = head + HEAD
    levels_at = body + BODY.size
    nodes_at = levels_at + 2 * count
    if len(buffer) < nodes_at or buffer[:8].tobytes() != struct.pack("<2I", count, 4 * size):
        raise ValueError("a graph of other vectors")
    _check_head(buffer[head:body].tobytes(), count, size)
    nodes, upper, lowest, highest, entry = BODY.unpack(buffer[body:levels_at].tobytes())
    levels_n = buffer[levels_at:nodes_at].view("<i2").astype(np.int64)
    if nodes != count or not (0 < upper <= lowest <= 1_000) or entry >= count:
        raise ValueError("a graph whose head does not hold")
    if levels_n.min() < 0 or levels_n.max() != highest or levels_n[entry] != highest:
        raise ValueError("a graph whose levels do not hold")
    lowest_bytes, upper_bytes = 4 + 4 * lowest, 4 + 4 * upper
    lengths_n = NODE + lowest_bytes + levels_n * upper_bytes
    starts_n = nodes_at + np.cumsum(lengths_n) - lengths_n
    if starts_n[-1] + lengths_n[-1] != len(buffer):
        raise ValueError("a graph that is cut short")
    _check_names(buffer, starts_n, levels_n)
    _check_links(buffer, starts_n + NODE, lowest, levels_n, 0)
    for level in range(1, highest + 1):
        there = starts_n[levels_n >= level]
        at = there + NODE + lowest_bytes + (level - 1) * upper_bytes
        _check_links(buffer, at, upper, levels_n, level)


def _check_head(head: bytes, count: int, size: int) -> None:
    """Check the head against a graph of our own: same kinds of numbers, and no gaps."""
    if not head.startswith(MAGIC):
        raise ValueError("another file than a graph")
    example = build_graph(np.zeros((1, 1), dtype=np.float32), threads=1).index.save()
    kinds = slice(KINDS_AT, KINDS_AT + 4)
    same = bytes(head[kinds]) == bytes(example[8 + 4 :][kinds])
    if not same or COUNTS.unpack_from(head, KINDS_AT + 4) != (count, 0, size, False):
        raise ValueError("a graph of another measure or form")


def _check_names(buffer: Any, starts_n: Integers, levels_n: Integers) -> None:
    """Check the nodes' own keys and levels against rows and levels."""
    seen = np.zeros(len(starts_n), dtype=bool)
    for start in range(0, len(starts_n), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        heads = buffer[starts_n[part, None] + np.arange(NODE)]
        keys = np.ascontiguousarray(heads[:, :8]).view("<u8")[:, 0]
        levels = np.ascontiguousarray(heads[:, 8:]).view("<i2")[:, 0]
        if (keys >= len(seen)).any() or (levels != levels_n[part]).any():
            raise ValueError("a graph whose nodes do not hold")
        seen[keys] = True
    if not seen.all():
        raise ValueError("a graph without some of the vectors")


def _check_links(buffer: Any, at_n: Integers, most: int, levels_n: Integers, level: int) -> None:
    """Check the neighbours on one level, listed from `at_n` on, against the nodes there are."""
    for start in range(0, len(at_n), AT_ONCE):
        places = at_n[start : start + AT_ONCE, None] + np.arange(4 + 4 * most)
        numbers = buffer[places].view("<u4")
        counts, links = numbers[:, 0], numbers[:, 1:]
        if (counts > most).any():
            raise ValueError("a graph with more neighbours than there is room for")
        linked = links[np.arange(most) < counts[:, None]]
        if (linked >= len(levels_n)).any() or (levels_n[linked] < level).any():
            raise ValueError("a graph with neighbours that are not there")
