"""The cache: parts are whole or absent, and two at the same work do not disturb each other."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal import eviction
from foveal.errors import ResourceError
from foveal.inference import feature_cache
from foveal.inference.feature_cache import CacheEntry, FeatureCache
from foveal.pictures.hashing import ABSENT, LENGTH

SHAPE = (2, 3)


def name(number: int) -> bytes:
    return number.to_bytes(LENGTH, "big")


def numbers(row: int) -> np.ndarray:
    return np.random.default_rng(row).standard_normal(SHAPE).astype(np.float32)


def add(
    cache: FeatureCache, *rows: int, reasons: dict[bytes, str] | None = None, dtype="float32"
) -> None:
    cache.add(
        ids=[name(row) for row in rows],
        pixels=[-row for row in rows],
        features=np.stack([numbers(row) for row in rows]).astype(dtype)
        if rows
        else np.empty((0, *SHAPE), dtype),
        reasons=reasons or {},
        seconds=0.5 * len(rows),
    )


def opened(folder: Path) -> FeatureCache:
    cache = FeatureCache(folder)
    cache.read()
    return cache


def assert_holds(cache: FeatureCache, *rows: int) -> None:
    found = cache.rows([name(row) for row in rows], SHAPE)
    wanted = np.stack([numbers(row) for row in rows])
    np.testing.assert_array_equal(found[np.arange(len(rows))], wanted)
    assert [cache.known[name(row)].pixels for row in rows] == [-row for row in rows]


def test_the_check_can_fail(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    with pytest.raises(AssertionError, match="Mismatched elements: 6 / 6"):
        assert_holds(cache, 1)
    add(cache, 1)
    cache.read()
    assert_holds(cache, 1)


# What is written is found ------------------------------------------------------------------


def test_an_empty_shelf_knows_nothing(tmp_path: Path) -> None:
    cache = opened(tmp_path / "none")
    assert cache.known == {} and cache.size == 0
    assert not cache.rows([name(1), ABSENT], SHAPE)[np.array([0, 1])].any()


@settings(max_examples=25)
@given(
    parts=st.lists(st.lists(st.integers(0, 30), max_size=6, unique=True), min_size=1, max_size=5),
    asked=st.lists(st.integers(0, 40), min_size=1, max_size=20),
)
def test_what_was_added_is_found_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], asked: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    writer = FeatureCache(folder)
    for part in parts:
        add(writer, *part)
    cache = opened(folder)
    there = {row for part in parts for row in part}
    assert set(cache.known) == {name(row) for row in there}
    found = cache.rows([name(row) for row in asked], SHAPE)
    assert len(found) == len(asked)
    wanted = np.stack([numbers(row) if row in there else np.zeros(SHAPE) for row in asked])
    picked = np.random.default_rng(0).integers(0, len(asked), 30)
    np.testing.assert_array_equal(found[picked], wanted[picked].astype(np.float32))


def test_a_second_reading_takes_what_is_new(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    add(cache, 1, 2)
    cache.read()
    assert_holds(cache, 2, 1)
    add(FeatureCache(tmp_path), 3)
    held = cache.rows([name(1)], SHAPE)
    cache.read()
    assert_holds(cache, 3, 1, 2)
    np.testing.assert_array_equal(held[np.array([0])][0], numbers(1))
    assert len(cache.arrays) == 2
    assert cache.size == 3 * 6 * 4


def test_reasons_are_kept(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path), 1, reasons={name(7): "truncated ü"})
    cache = opened(tmp_path)
    assert cache.known[name(7)] == CacheEntry(-1, 0, 0, "truncated ü")
    assert cache.known[name(1)].reason == ""
    assert not cache.rows([name(7)], SHAPE)[np.array([0])].any()


def test_reasons_alone_are_a_part(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path), reasons={name(7): "empty file"})
    assert opened(tmp_path).known == {name(7): CacheEntry(-1, 0, 0, "empty file")}


def test_absent_pictures_have_zeros_whatever_is_known(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path), 1)
    found = opened(tmp_path).rows([ABSENT, name(1)], SHAPE)[np.array([0, 1])]
    assert not found[0].any() and found[1].any()


def test_half_precision_takes_half_the_disk_and_comes_back_single(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path / "whole"), 1, 2)
    add(FeatureCache(tmp_path / "half"), 1, 2, dtype="float16")
    whole, half = opened(tmp_path / "whole"), opened(tmp_path / "half")
    assert half.size * 2 == whole.size
    found = half.rows([name(2)], SHAPE)[np.array([0])]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], numbers(2).astype(np.float16))


def test_seconds_are_shared_out_over_the_pictures(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path), 1, 2, 3)
    add(FeatureCache(tmp_path), 4, reasons={name(9): "?"})
    cache = opened(tmp_path)
    assert cache.seconds([name(1), name(1), name(4), name(8), name(9)]) == pytest.approx(1.0)


# Damaged -----------------------------------------------------------------------------------


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(bytes(data))


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def others_facts(path: Path) -> None:
    from foveal.tensor_files import read_tensors, write_tensors

    tensors, facts = read_tensors(path)
    del facts["reasons"]
    write_tensors(path, tensors, facts)


def others_tensors(path: Path) -> None:
    from foveal.tensor_files import read_tensors, write_tensors

    _, facts = read_tensors(path)
    write_tensors(path, {}, facts)


DAMAGES = {
    "bit of the numbers": (".npy", lambda path: flip(path, -3)),
    "bit of their head": (".npy", lambda path: flip(path, 20)),
    "numbers cut": (".npy", lambda path: cut(path, 140)),
    "numbers empty": (".npy", lambda path: cut(path, 0)),
    "no numbers": (".npy", lambda path: path.unlink()),
    "numbers a folder": (".npy", lambda path: (path.unlink(), path.mkdir())),
    "a pickle": (".npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True)),
    "bit of the names": (".safetensors", lambda path: flip(path, -3)),
    "bit of the facts": (".safetensors", lambda path: flip(path, 40)),
    "names cut": (".safetensors", lambda path: cut(path, 100)),
    "names empty": (".safetensors", lambda path: cut(path, 0)),
    "no reasons": (".safetensors", others_facts),
    "no tensors": (".safetensors", others_tensors),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_parts_are_removed_and_can_be_written_again(tmp_path: Path, damage: str) -> None:
    add(FeatureCache(tmp_path), 1, 2)
    (whole,) = tmp_path.glob("*.npy")
    add(FeatureCache(tmp_path), 3)
    suffix, do = DAMAGES[damage]
    do(whole.with_suffix(suffix))
    cache = opened(tmp_path)
    assert set(cache.known) == {name(3)}
    assert not whole.is_file()
    assert not whole.with_suffix(".safetensors").exists()
    if whole.is_dir():
        whole.rmdir()
    add(cache, 1, 2)
    cache.read()
    assert_holds(cache, 1, 3, 2)
    assert_holds(opened(tmp_path), 1, 3, 2)


def test_a_process_with_too_many_open_files_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(FeatureCache(tmp_path), 1)

    def refused(path: Path, **_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(feature_cache, "ArrayFile", refused)
        assert opened(tmp_path).known == {}
    assert_holds(opened(tmp_path), 1)


def test_numbers_whose_names_are_not_written_yet_are_no_part(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path), 1)
    (names,) = tmp_path.glob("*.safetensors")
    names.unlink()
    assert opened(tmp_path).known == {}
    assert len([*tmp_path.glob("*.npy")]) == 1  # somebody may be about to name them
    add(FeatureCache(tmp_path), 1)
    assert_holds(opened(tmp_path), 1)
    assert len([*tmp_path.iterdir()]) == 2


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    add(FeatureCache(tmp_path), 1)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".1-2.tmp").write_bytes(b"half")
    (tmp_path / "folder.safetensors").mkdir()
    assert set(opened(tmp_path).known) == {name(1)}


def test_a_disk_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match="cache"):
        add(FeatureCache(tmp_path / "file" / "cache"), 1)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match="No space left on device"):
        add(FeatureCache(tmp_path / "cache"), 1)
    monkeypatch.undo()
    assert opened(tmp_path / "cache").known == {}


# At once -----------------------------------------------------------------------------------


def write_all(folder: Path, first: int, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    cache = FeatureCache(folder)
    for start in range(first, 20, 2):
        add(cache, start, start + 1)
        cache.read()
        assert_holds(cache, start, start + 1)


def test_two_processes_add_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    both = [context.Process(target=write_all, args=(tmp_path, 0, barrier)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert [one.exitcode for one in both] == [0, 0]
    assert_holds(opened(tmp_path), *range(20))
    assert len([*tmp_path.iterdir()]) == 20


def test_threads_that_read_while_others_write_see_whole_parts(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def guarded(work: Callable[..., None], *args: object) -> None:
        try:
            work(*args)
        except BaseException as error:
            failures.append(error)

    def look(folder: Path, barrier: threading.Barrier) -> None:
        barrier.wait()
        cache = FeatureCache(folder)
        for _ in range(30):
            rows = [int.from_bytes(one, "big") for one in cache.read()]
            if rows:
                assert_holds(cache, *rows)

    barrier = threading.Barrier(3)
    running = [
        threading.Thread(target=guarded, args=(write_all, tmp_path, 0, barrier)),
        threading.Thread(target=guarded, args=(look, tmp_path, barrier)),
        threading.Thread(target=guarded, args=(look, tmp_path, barrier)),
    ]
    for one in running:
        one.start()
    for one in running:
        one.join(30)
    assert failures == []
    assert_holds(opened(tmp_path), *range(20))


def test_the_same_pictures_with_other_rounding_are_two_whole_parts(tmp_path: Path) -> None:
    one, other = FeatureCache(tmp_path), FeatureCache(tmp_path)
    add(one, 1, 2)
    other.add(
        ids=[name(1), name(2)],
        pixels=[-1, -2],
        features=np.stack([numbers(1), numbers(2)]) + np.float32(1e-6),
        reasons={},
        seconds=1.0,
    )
    for cache in (one, other, FeatureCache(tmp_path)):
        found = cache.read()
        assert set(found) == {name(1), name(2)}
        rows = cache.rows([name(1)], SHAPE)[np.array([0])]
        np.testing.assert_allclose(rows[0], numbers(1), atol=1e-5)
    assert len([*tmp_path.glob("*.safetensors")]) == 2


# Under a running process -------------------------------------------------------------------


@pytest.mark.parametrize("kept_open", [0, 64])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: os.truncate(path, path.stat().st_size - 4), id="cut"),
        pytest.param(lambda path: path.write_bytes(bytes(path.stat().st_size)), id="overwritten"),
    ],
)
def test_a_part_that_changed_is_never_served(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    kept_open: int,
) -> None:
    monkeypatch.setattr(feature_cache, "MOST_OPEN", kept_open)
    add(FeatureCache(tmp_path), 1, 2)
    add(FeatureCache(tmp_path), 3)
    found = opened(tmp_path).rows([name(row) for row in (1, 2, 3)], SHAPE)
    (large,) = [path for path in tmp_path.glob("*.npy") if np.load(path).shape[0] == 2]
    change(large)
    with pytest.raises(ResourceError, match="got another size or time .* computed anew"):
        found[np.arange(3)]
    np.testing.assert_array_equal(found[np.array([2])], numbers(3)[None])
    assert [entry.hex() for entry in opened(tmp_path).known] == [name(3).hex()]


def test_parts_that_are_removed_are_read_while_they_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_cache, "MOST_OPEN", 1)
    for row in (1, 2):
        add(FeatureCache(tmp_path), row)
    cache = opened(tmp_path)
    first, second = (int.from_bytes(one, "big") for one in cache.known)
    found = cache.rows([name(first), name(second)], SHAPE)
    for path in tmp_path.iterdir():
        path.unlink()
    np.testing.assert_array_equal(found[np.array([0])], numbers(first)[None])
    with pytest.raises(ResourceError, match="got No such file"):
        found[np.array([1])]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
def test_many_parts_do_not_keep_many_files_open(tmp_path: Path) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for row in range(100):
        add(FeatureCache(tmp_path), row)
    cache = opened(tmp_path)
    assert_holds(cache, *range(100))
    assert len([*Path("/proc/self/fd").iterdir()]) <= before + feature_cache.MOST_OPEN


def test_what_was_removed_meanwhile_is_forgotten(tmp_path: Path) -> None:
    for row in (1, 2):
        add(FeatureCache(tmp_path), row)
    cache = opened(tmp_path)
    removed = cache.files_of([name(1)])
    assert len(removed) == 2
    for path in removed:
        path.unlink()
    assert list(cache.read()) == [name(2)]
    add(FeatureCache(tmp_path), 1)
    cache.read()
    assert_holds(cache, 1, 2)


def test_parts_that_are_kept_stay_when_room_is_made(cache: Path) -> None:
    folder = cache / "features" / ("a" * 32)
    add(FeatureCache(folder), 1)
    one = opened(folder)
    one.keep()
    found = one.rows([name(1)], SHAPE)
    del one
    assert eviction.prune(1) == 0
    np.testing.assert_array_equal(found[np.array([0])], numbers(1)[None])
    del found
    assert eviction.prune(1) > 0
    assert opened(folder).known == {}


def test_parts_that_were_used_go_last(cache: Path) -> None:
    folder = cache / "features" / ("a" * 32)
    for row in (1, 2, 3):
        add(FeatureCache(folder), row)
        for path in folder.iterdir():
            os.utime(path, (1_000, 1_000))
    opened(folder).rows([name(2)], SHAPE)
    each = sum(path.stat().st_size for path in folder.iterdir()) // 3
    eviction.prune(2 * each - 10)
    assert list(opened(folder).known) == [name(2)]
