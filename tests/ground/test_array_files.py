"""Rows of .npy files: as NumPy has them, and never of a file that changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal import array_files
from foveal.array_files import ArrayFile, Changed

VALUES = np.random.default_rng(0).integers(0, 256, (9, 4, 3), dtype=np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "a.npy"
    np.save(place, VALUES)
    return place


@given(rows=st.lists(st.integers(-9, 8), max_size=20), at_once=st.sampled_from([1, 30, 1 << 20]))
@pytest.mark.parametrize("kept_open", [True, False])
def test_rows_are_those_of_numpy(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], at_once: int, kept_open: bool
) -> None:
    place = tmp_path_factory.mktemp("rows") / "a.npy"
    np.save(place, VALUES)
    wanted = np.array(rows, dtype=np.intp)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_files, "AT_ONCE", at_once)
        found = ArrayFile(place, kept_open=kept_open).read(wanted)
    np.testing.assert_array_equal(found, VALUES[wanted])
    assert found.dtype == VALUES.dtype


def test_a_disk_that_reads_little_at_once_gives_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, into, at: real(file, [into[0][:5]], at))
    np.testing.assert_array_equal(ArrayFile(path).read(np.arange(9)), VALUES)


def test_where_there_is_no_preadv_the_same_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "preadv")
    rows = np.array([8, 0, 1, 2, 5])
    np.testing.assert_array_equal(ArrayFile(path).read(rows), VALUES[rows])


def test_rows_that_are_not_there_are_refused(path: Path) -> None:
    with pytest.raises(IndexError, match="rows from 0 to 8"):
        ArrayFile(path).read(np.array([9]))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def overwritten(path: Path) -> None:
    before = path.stat()
    with path.open("rb+") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"\1\2\3")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))


@pytest.mark.parametrize("kept_open", [True, False])
@pytest.mark.parametrize("change", [cut, overwritten])
def test_a_file_that_changed_is_not_read(
    path: Path, change: Callable[[Path], None], kept_open: bool
) -> None:
    opened = ArrayFile(path, kept_open=kept_open)
    change(path)
    with pytest.raises(Changed, match="another size or time"):
        opened.read(np.array([0]))


def test_what_is_cut_in_the_moment_of_reading_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = ArrayFile(path)
    cut(path)
    monkeypatch.setattr(array_files, "_state", lambda _: opened._state)
    with pytest.raises(Changed, match="cut short"):
        opened.read(np.array([8]))


def test_a_file_without_a_name_is_read_where_it_stays_open(path: Path) -> None:
    opened, closed = ArrayFile(path), ArrayFile(path, kept_open=False)
    assert not opened.removed
    path.unlink()
    assert opened.removed
    np.testing.assert_array_equal(opened.read(np.array([3])), VALUES[3:4])
    with pytest.raises(Changed, match="No such file"):
        closed.read(np.array([3]))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x93NUMPY\1\0", id="a head cut short"),
        pytest.param(b"\x93NUMPY\7\0" + bytes(200), id="an unknown version"),
        pytest.param(b"no array", id="a text"),
    ],
)
def test_what_is_no_array_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(ValueError, match=r"no \.npy file"):
        ArrayFile(tmp_path / "a.npy")


@pytest.mark.parametrize("array", [np.asfortranarray(VALUES[0]), np.array(1), np.array([None])])
def test_arrays_that_are_no_rows_of_numbers_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(ValueError, match=r"no \.npy file of rows of numbers"):
        ArrayFile(tmp_path / "a.npy")


def test_files_of_too_few_bytes_are_refused(path: Path) -> None:
    cut(path)
    with pytest.raises(ValueError, match="has not the bytes that its head says"):
        ArrayFile(path)


def test_nothing_stays_open(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        ArrayFile(path)
        ArrayFile(path, kept_open=False).read(np.array([1]))
    after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    assert after == before
