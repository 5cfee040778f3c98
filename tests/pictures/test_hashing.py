"""Content ids: the same bytes are the same picture, whatever is said of them and wherever."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.pictures import hashing as contents
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT, LENGTH, hash_encoded
from foveal.pictures.sources import gather


def of(*files: Path | str) -> Pictures:
    paths = tuple(Path(file) for file in files)
    return Pictures.of_files(paths)


def content_ids(pictures: Pictures, threads: int) -> list[bytes]:
    return pictures.content.ids(threads)


def truth(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes(), digest_size=LENGTH).digest()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Make three files, the third a twin of the first."""
    made = [tmp_path / f"{name}.bin" for name in "abc"]
    for path, data in zip(made, (b"one", b"another", b"one"), strict=True):
        path.write_bytes(data)
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which files are read."""
    seen: list[str] = []

    def noted(path: Path) -> bytes:
        seen.append(path.name)
        return hash_encoded(path)

    monkeypatch.setattr(contents, "hash_encoded", noted)
    return seen


def index(cache: Path) -> Path:
    return cache / "contents" / "index.sqlite"


# Files -------------------------------------------------------------------------------------


def test_ids_are_hashes_of_the_bytes(files: list[Path]) -> None:
    found = content_ids(of(*files), 2)
    assert found == [truth(path) for path in files]
    assert found[0] == found[2] != found[1]
    assert {len(one) for one in found} == {LENGTH}


def test_however_few_are_looked_at_at_a_time_each_file_is_read_once(
    files: list[Path], reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "AT_A_TIME", 2)
    found = content_ids(of(*files, *files), 2)
    assert found == [truth(path) for path in files] * 2
    assert sorted(reads) == ["a.bin", "b.bin", "c.bin"]


def test_a_file_longer_than_a_block_is_read_to_its_end(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(contents, "BLOCK", 7)
    for length in (0, 6, 7, 8, 50):
        path = tmp_path / str(length)
        path.write_bytes(bytes(range(length)))
        assert hash_encoded(path) == truth(path)


def test_files_are_read_once(files: list[Path], reads: list[str]) -> None:
    first = content_ids(of(*files, files[0]), 1)
    assert sorted(reads) == ["a.bin", "b.bin", "c.bin"]
    assert content_ids(of(*files, files[0]), 1) == first
    assert len(reads) == 3


def test_another_name_is_the_same_picture(files: list[Path]) -> None:
    (before,) = content_ids(of(files[1]), 1)
    moved = files[1].rename(files[1].with_name("elsewhere.jpg"))
    assert content_ids(of(moved, files[1]), 1) == [before, ABSENT]


def test_relative_paths_are_the_same_file(
    files: list[Path], reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content_ids(of(files[0]), 1)
    monkeypatch.chdir(files[0].parent)
    assert content_ids(of("a.bin"), 1) == [truth(files[0])]
    assert reads == ["a.bin"]


def another_time(path: Path) -> None:
    path.write_bytes(b"two")
    os.utime(path, ns=(5, 5))


def put_back(path: Path) -> None:
    """Change a file and give it its old times again: only ctime tells."""
    status = path.stat()
    time.sleep(0.05)  # times of files move in steps of some milliseconds
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns


def replaced(path: Path) -> None:
    path.with_name("new").write_bytes(b"two")
    path.with_name("new").replace(path)


@pytest.mark.parametrize(
    "change", [another_time, put_back, replaced, lambda path: path.write_bytes(b"longer")]
)
def test_a_changed_file_is_read_again(
    files: list[Path], reads: list[str], change: Callable[[Path], object]
) -> None:
    before = content_ids(of(*files), 1)
    change(files[0])
    after = content_ids(of(*files), 1)
    assert after[0] == truth(files[0]) != before[0]
    assert after[1:] == before[1:]
    assert reads.count("a.bin") == 2 and len(reads) == 4


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "zero byte", "no text", "dangling"])
def test_what_cannot_be_read_is_absent(
    tmp_path: Path, files: list[Path], reads: list[str], kind: str
) -> None:
    path = tmp_path / {"zero byte": "a\0b", "no text": "a\ud800b"}.get(kind, "odd")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "dangling":
        path.symlink_to("nowhere")
    assert content_ids(of(path, files[1]), 2) == [ABSENT, truth(files[1])]
    assert reads == ["b.bin"]


def test_a_file_that_fails_on_reading_is_absent_and_tried_again(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(contents, "hash_encoded", lambda _: ABSENT)
        assert content_ids(of(files[0]), 1) == [ABSENT]
    assert content_ids(of(files[0]), 1) == [truth(files[0])]
    assert hash_encoded(files[0].parent) == hash_encoded(files[0].with_name("none")) == ABSENT


def test_names_that_are_not_utf8_are_files_like_others(tmp_path: Path, reads: list[str]) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(b"au lait")
    assert content_ids(of(path), 1) == content_ids(of(path), 1) == [truth(path)]
    assert len(reads) == 1


def test_no_files_have_no_ids() -> None:
    assert content_ids(of(), 2) == []


# The index ---------------------------------------------------------------------------------


def rewritten(path: Path, value: object, column: str = "hash") -> None:
    base = sqlite3.connect(path)
    with base:
        base.execute(f"UPDATE hashes SET {column} = ?", (value,))
    base.close()


def other_table(path: Path) -> None:
    path.unlink()
    base = sqlite3.connect(path)
    with base:
        base.execute("CREATE TABLE hashes (colour TEXT)")
    base.close()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def no_place(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("in the way")


def overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100 : len(data)] = bytes(len(data) - 100)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b"no data base" * 99), id="garbage"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:3000]), id="cut"),
        pytest.param(overwritten, id="zeros"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(a_folder, id="a folder"),
        pytest.param(no_place, id="no place"),
        pytest.param(other_table, id="another table"),
        pytest.param(lambda path: rewritten(path, b"short"), id="short hashes"),
        pytest.param(lambda path: rewritten(path, "sixteen letters!"), id="text for hashes"),
        pytest.param(lambda path: rewritten(path, 7), id="numbers for hashes"),
        pytest.param(lambda path: rewritten(path, None), id="nothing for hashes"),
        pytest.param(lambda path: rewritten(path, b"\xff", "seen"), id="bytes for times"),
    ],
)
def test_a_damaged_index_costs_time_alone(
    cache: Path, files: list[Path], reads: list[str], damage: Callable[[Path], object]
) -> None:
    wanted = content_ids(of(*files), 1)
    damage(index(cache))
    assert content_ids(of(*files), 1) == wanted == [truth(path) for path in files]
    assert len(reads) == 6


def test_an_index_that_cannot_be_written_costs_time_alone(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sqlite3.connect

    def read_only(place: Path, **more: object) -> sqlite3.Connection:
        real(place).close()
        return real(f"file:{place}?mode=ro", uri=True)

    monkeypatch.setattr(contents.sqlite3, "connect", read_only)
    wanted = [truth(path) for path in files]
    assert content_ids(of(*files), 1) == content_ids(of(*files), 1) == wanted


# Arrays ------------------------------------------------------------------------------------


def test_equal_pictures_of_arrays_have_equal_ids() -> None:
    array = np.random.default_rng(0).integers(0, 9, (4, 3, 5, 2), dtype=np.uint8)
    array[3] = array[1]
    ids = content_ids(gather(array), 1)
    assert ids[3] == ids[1] and len(set(ids)) == 3
    assert content_ids(gather(array[::-1]), 1) == ids[::-1]
    assert content_ids(gather(np.asfortranarray(array)), 1) == ids


@given(
    shape=st.sampled_from([(2, 8), (4, 4), (8, 2)]),
    dtype=st.sampled_from(["uint8", "int8", "uint16", "int32", "float32", "float64"]),
)
def test_shape_and_dtype_are_part_of_a_picture(shape: tuple[int, int], dtype: str) -> None:
    base = np.arange(1, 17, dtype=np.uint8).repeat(8).view(dtype)[:16]
    ids = content_ids(gather(base.reshape(1, *shape)), 1)
    for other_shape in [(2, 8), (4, 4), (8, 2)]:
        for other in ["uint8", "int8", "uint16", "int32", "float32", "float64"]:
            array = base.view(other)[:16] if base.itemsize >= np.dtype(other).itemsize else None
            if array is None:
                continue
            same = content_ids(gather(array.reshape(1, *other_shape)), 1) == ids
            assert same == ((other_shape, other) == (shape, dtype))
