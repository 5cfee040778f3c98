"""Searching a million codes: exactly, and by usearch's graph of neighbours.

    python benchmarks/similar.py [--count 1000000] [--sizes 32 128] [--threads 2] [--rounds 3]

The codes are made for it, by seed: 1,000 classes with centres drawn from a normal distribution of
deviation 1 in `RANK` directions of the space; around each centre its codes are normal with
deviation 0.5 in `RANK` directions of the class's own; and 0.05 of noise goes in all directions.
So codes have classes, and about as many free directions as codes of real pictures have, far fewer
than numbers. The 1,000 queries are drawn anew in the same way and are not among the codes.

They lie in a file that is memory-mapped, as in an index. Each way of searching runs in a process
of its own; figures are medians of the rounds, and the first search, which also reads the file, is
told apart. "memory" is the peak of memory that is not a file (RssAnon), beyond what the process
held before its work began. recall@10 is the share of the ten nearest that are found.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe

from foveal.arrays import Floats
from foveal.nearest import nearest, squared_lengths
from foveal.search import graph

CLASSES, RANK, SPREAD, NOISE = 1_000, 12, 0.5, 0.05
QUERIES, NEIGHBOURS = 1_000, 10
BATCHES = (1, 10, 100, 1_000)
CHUNK = 50_000


def maker(size: int) -> Callable[[int, int], Floats]:
    """Make what draws codes of so many numbers: a pure function of seed and count."""
    draws = np.random.default_rng(0)
    basis = draws.normal(size=(RANK, size)) / np.sqrt(RANK)
    centres = draws.normal(size=(CLASSES, RANK)) @ basis
    own = SPREAD * draws.normal(size=(CLASSES, RANK, size)) / np.sqrt(RANK)

    def made(seed: int, count: int) -> Floats:
        chosen = np.random.default_rng(seed)
        which = np.sort(chosen.integers(CLASSES, size=count))
        codes = centres[which] + NOISE * chosen.normal(size=(count, size))
        free = chosen.normal(size=(count, RANK))
        for one in np.unique(which):
            mine = which == one
            codes[mine] += free[mine] @ own[one]
        found: Floats = codes[chosen.permutation(count)].astype(np.float32)
        return found

    return made


def write(folder: Path, count: int, size: int) -> None:
    """Write codes and queries."""
    draw = maker(size)
    codes = np.lib.format.open_memmap(
        folder / "codes.npy", mode="w+", dtype=np.float32, shape=(count, size)
    )
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        codes[start:stop] = draw(1 + start, stop - start)
    codes.flush()
    np.save(folder / "queries.npy", draw(10**9, QUERIES))


class Memory:
    """Follows the anonymous memory of this process, in bytes."""

    def __init__(self) -> None:
        self.before = self.most = self.now()
        self.ended = threading.Event()
        self.watch = threading.Thread(target=self._watch, daemon=True)
        self.watch.start()

    @staticmethod
    def now() -> int:
        """Read RssAnon, where Linux tells it."""
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

    def _watch(self) -> None:
        while not self.ended.wait(0.005):
            self.most = max(self.most, self.now())

    def end(self) -> int:
        """Give the bytes held at most beyond those before."""
        self.ended.set()
        self.watch.join()
        return max(self.most, self.now()) - self.before


def searched(search: Callable[[Floats], Any], queries: Floats, rounds: int) -> dict[str, float]:
    """Time batches of queries: milliseconds a query, median."""
    took: dict[str, float] = {}
    for size in BATCHES:
        each = []
        parts = [queries[at : at + size] for at in range(0, min(len(queries), 20 * size), size)]
        for _ in range(rounds):
            for part in parts:
                began = time.perf_counter()
                search(part)
                each.append(1000 * (time.perf_counter() - began) / len(part))
        took[str(size)] = statistics.median(each)
    return took


def exact(folder: Path, threads: int, rounds: int) -> dict[str, Any]:
    """Search exactly; keeps what is right for the others."""
    codes = np.load(folder / "codes.npy", mmap_mode="r")
    queries = np.load(folder / "queries.npy")
    memory = Memory()
    began = time.perf_counter()
    squares = squared_lengths(codes)
    nearest(codes, squares, queries[:1], NEIGHBOURS, threads=threads)
    first = time.perf_counter() - began
    took = searched(
        lambda part: nearest(codes, squares, part, NEIGHBOURS, threads=threads), queries, rounds
    )
    rows, _ = nearest(codes, squares, queries, NEIGHBOURS, threads=threads)
    np.save(folder / "right.npy", rows)
    return {"first": first, "took": took, "memory": memory.end()}


def built(folder: Path, threads: int, rounds: int) -> dict[str, Any]:
    """Build the graph."""
    codes = np.load(folder / "codes.npy", mmap_mode="r")
    memory = Memory()
    began = time.perf_counter()
    made = graph.build_graph(codes, threads=threads)
    building = time.perf_counter() - began
    made.save(folder / "graph.usearch")
    size = (folder / "graph.usearch").stat().st_size
    return {"building": building, "memory": memory.end(), "size": size}


def linked(folder: Path, threads: int, rounds: int) -> dict[str, Any]:
    """Search by the graph."""
    codes = np.load(folder / "codes.npy", mmap_mode="r")
    queries, right = np.load(folder / "queries.npy"), np.load(folder / "right.npy")
    memory = Memory()
    began = time.perf_counter()
    opened = graph.open_graph(folder / "graph.usearch", codes)
    opening = time.perf_counter() - began
    opened.nearest(queries[:1], NEIGHBOURS, threads=threads)
    first = time.perf_counter() - began
    took = searched(lambda part: opened.nearest(part, NEIGHBOURS, threads=threads), queries, rounds)
    found = opened.nearest(queries, NEIGHBOURS, threads=threads)
    shares = [len({*one[0]} & {*row}) / NEIGHBOURS for one, row in zip(found, right, strict=True)]
    return {
        "opening": opening,
        "first": first,
        "took": took,
        "memory": memory.end(),
        "recall": statistics.fmean(shares),
    }


WAYS = {"exact": exact, "built": built, "linked": linked}


def report(count: int, size: int, found: dict[str, dict[str, Any]]) -> None:
    """Print the figures of one size."""
    print(f"\n{count:,} codes of {size} numbers: {4 * count * size / 1e6:,.0f} MB")
    print(f"{'':<12}" + "".join(f"{f'batch of {batch}':>16}" for batch in BATCHES))
    for way in ("exact", "linked"):
        took = found[way]["took"]
        print(f"{way:<12}" + "".join(f"{took[str(batch)]:>13.3f} ms" for batch in BATCHES))
    lines, graphs, links = found["exact"], found["built"], found["linked"]
    print(f"exact: first search {lines['first']:.2f} s, memory {lines['memory'] / 1e6:.0f} MB")
    print(
        f"graph: built in {graphs['building']:.1f} s with {graphs['memory'] / 1e6:,.0f} MB, "
        f"{graphs['size'] / 1e6:,.0f} MB on disk"
    )
    print(
        f"linked: recall@{NEIGHBOURS} {links['recall']:.4f}, opened and checked in "
        f"{links['opening']:.2f} s, first search after {links['first']:.2f} s, memory "
        f"{links['memory'] / 1e6:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[32])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="only this, in FOLDER; used by itself")
    parser.add_argument("--folder", type=Path)
    wanted = parser.parse_args()
    if wanted.way:
        print(json.dumps(WAYS[wanted.way](wanted.folder, wanted.threads, wanted.rounds)))
        return
    print(describe())
    print(
        f"usearch {version('usearch')}, {wanted.threads} threads, medians of {wanted.rounds} rounds"
    )
    for size in wanted.sizes:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), wanted.count, size)
            found = {}
            for way in WAYS:
                arguments = ["--way", way, "--folder", folder, "--threads", str(wanted.threads)]
                command = [sys.executable, __file__, *arguments, "--rounds", str(wanted.rounds)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found[way] = json.loads(done.stdout)
            report(wanted.count, size, found)


if __name__ == "__main__":
    main()
