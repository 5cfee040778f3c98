"""A graph of neighbours: its threads, and files that would lead usearch astray."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.search import graph

COUNT, SIZE = 400, 3
LOWEST, UPPER = 4 + 4 * 2 * graph.CONNECTIVITY, 4 + 4 * graph.CONNECTIVITY
"""Bytes of the neighbours on the lowest level, and on another."""


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(COUNT, SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def saved(vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("graph") / "graph.usearch"
    graph.build_graph(vectors, threads=1).save(path)
    return path.read_bytes()


class Layout:
    """Where things are in the bytes of a graph."""

    head = 8 + 4 * COUNT * SIZE
    body = head + 64
    levels = body + 40
    nodes = levels + 2 * COUNT

    def __init__(self, data: bytes) -> None:
        self.level = struct.unpack_from(f"<{COUNT}h", data, self.levels)
        lengths = [10 + LOWEST + UPPER * level for level in self.level]
        self.start = [self.nodes + sum(lengths[:node]) for node in range(COUNT)]
        assert self.nodes + sum(lengths) == len(data)


def as_array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, dtype=np.uint8)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads by Linux's /proc")
def test_a_graph_keeps_to_its_threads(vectors: np.ndarray) -> None:
    def threads() -> int:
        return len([*Path("/proc/self/task").iterdir()])

    graph.build_graph(vectors[:10], threads=1)
    before = most = threads()

    def watch(done: int, _: int) -> None:
        nonlocal most
        most = max(most, threads())

    made = graph.build_graph(np.tile(vectors, (60, 1)), threads=1, progress=watch)
    made.nearest(vectors, 3, threads=1)
    assert (most, threads()) == (before, before)


def test_one_thread_builds_the_same_graph_again(
    vectors: np.ndarray, saved: bytes, tmp_path: Path
) -> None:
    graph.build_graph(vectors, threads=1).save(tmp_path / "g")
    assert (tmp_path / "g").read_bytes() == saved


def test_a_saved_graph_answers_as_the_built_one(
    vectors: np.ndarray, saved: bytes, tmp_path: Path
) -> None:
    (tmp_path / "g").write_bytes(saved)
    opened = graph.open_graph(tmp_path / "g", vectors)
    built = graph.build_graph(vectors, threads=1)
    queries = np.random.default_rng(1).normal(size=(40, SIZE)).astype(np.float32)
    every = zip(
        opened.nearest(queries, 9, threads=1), built.nearest(queries, 9, threads=1), strict=True
    )
    for one, other in every:
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_saving_to_no_place_is_an_error_of_the_disk(vectors: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file|open|file"):
        graph.build_graph(vectors, threads=1).save(tmp_path / "nowhere" / "g")


Change = tuple[int, bytes]

HARMS: dict[str, tuple[Callable[[bytes, Layout], Change], str]] = {
    "rows": (lambda d, at: (0, struct.pack("<I", COUNT + 1)), "of other vectors"),
    "columns": (lambda d, at: (4, struct.pack("<I", 4 * SIZE * 1000)), "of other vectors"),
    "magic": (lambda d, at: (at.head, b"another"), "another file"),
    "metric": (lambda d, at: (at.head + 13, b"c"), "another measure or form"),
    "scalar": (lambda d, at: (at.head + 14, b"\x01"), "another measure or form"),
    "keys": (lambda d, at: (at.head + 15, b"\x01"), "another measure or form"),
    "slots": (lambda d, at: (at.head + 16, b"\x01"), "another measure or form"),
    "present": (lambda d, at: (at.head + 17, struct.pack("<Q", 9)), "another measure or form"),
    "deleted": (lambda d, at: (at.head + 25, struct.pack("<Q", 9)), "another measure or form"),
    "size": (lambda d, at: (at.head + 33, struct.pack("<Q", 10**6)), "another measure or form"),
    "multi": (lambda d, at: (at.head + 41, b"\x01"), "another measure or form"),
    "nodes": (lambda d, at: (at.body, struct.pack("<Q", 2**40)), "whose head"),
    "upper": (lambda d, at: (at.body + 8, struct.pack("<Q", 2**62)), "whose head"),
    "lowest": (lambda d, at: (at.body + 16, struct.pack("<Q", 0)), "whose head"),
    "wider": (lambda d, at: (at.body + 16, struct.pack("<Q", 40)), "cut short"),
    "highest": (lambda d, at: (at.body + 24, struct.pack("<Q", 30)), "whose levels"),
    "entry": (lambda d, at: (at.body + 32, struct.pack("<Q", COUNT)), "whose head"),
    "low entry": (
        lambda d, at: (at.body + 32, struct.pack("<Q", at.level.index(0))),
        "whose levels",
    ),
    "negative level": (lambda d, at: (at.levels, struct.pack("<h", -1)), "whose levels"),
    "level": (
        lambda d, at: (at.levels + 2 * at.level.index(0), struct.pack("<h", 1)),
        "cut short",
    ),
    "key": (lambda d, at: (at.start[7], struct.pack("<Q", COUNT)), "whose nodes"),
    "key twice": (lambda d, at: (at.start[7], struct.pack("<Q", 8)), "without some"),
    "own level": (lambda d, at: (at.start[7] + 8, struct.pack("<h", 9)), "whose nodes"),
    "count": (lambda d, at: (at.start[7] + 10, struct.pack("<I", 33)), "more neighbours"),
    "link": (lambda d, at: (at.start[7] + 14, struct.pack("<I", COUNT)), "not there"),
    "upper count": (
        lambda d, at: (at.start[at.level.index(1)] + 10 + LOWEST, struct.pack("<I", 17)),
        "more neighbours",
    ),
    "upper link": (
        lambda d, at: (
            at.start[at.level.index(1)] + 14 + LOWEST,
            struct.pack("<I", at.level.index(0)),
        ),
        "not there",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_numbers_that_lead_out_of_the_file_are_found(
    harm: str, saved: bytes, vectors: np.ndarray, tmp_path: Path
) -> None:
    graph.check_graph(as_array(saved), (COUNT, SIZE))
    change, match = HARMS[harm]
    at, new = change(saved, Layout(saved))
    data = saved[:at] + new + saved[at + len(new) :]
    assert len(data) == len(saved) and data != saved
    (tmp_path / "g").write_bytes(data)
    with pytest.raises(ValueError, match=match):
        graph.open_graph(tmp_path / "g", vectors)


def test_files_that_are_cut_are_found(saved: bytes, vectors: np.ndarray, tmp_path: Path) -> None:
    where = Layout(saved)
    ends = [0, 1, 7, 8, where.head, where.body, where.levels, where.nodes, len(saved) - 1]
    for end in ends:
        with pytest.raises(ValueError, match="other vectors|cut short"):
            graph.check_graph(as_array(saved[:end]), (COUNT, SIZE))
    with pytest.raises(ValueError, match="cut short"):
        graph.check_graph(as_array(saved + b"\0"), (COUNT, SIZE))
    (tmp_path / "g").write_bytes(b"")
    with pytest.raises(ValueError, match="empty"):
        graph.open_graph(tmp_path / "g", vectors)


def test_any_byte_may_be_wrong(saved: bytes, vectors: np.ndarray, tmp_path: Path) -> None:
    """Either it is found out, or searching goes well all the same: nothing crashes."""
    draws = np.random.default_rng(3)
    refused = 0
    for number in range(300):
        data = bytearray(saved)
        for at in draws.integers(Layout.head, len(saved), 1 + number % 3):
            data[at] = draws.integers(256)
        path = tmp_path / str(number)
        path.write_bytes(data)
        try:
            opened = graph.open_graph(path, vectors)
        except ValueError:
            refused += 1
            continue
        for rows, distances in opened.nearest(vectors[::20], 5, threads=1):
            assert (rows < COUNT).all() and list(distances) == sorted(distances)
    assert 30 < refused < 300
