"""The cache: where it is, what it holds, and what a full disk says."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from foveal.cache import Entry, cache_folder, clear, disk, entries
from foveal.errors import ResourceError, UsageError


def test_it_is_where_the_environment_says(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == cache
    monkeypatch.setenv("FOVEAL_CACHE", "")
    assert cache_folder().name == "foveal"


def test_an_address_is_no_place_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_CACHE", "s3://bucket/cache")
    with pytest.raises(UsageError, match="FOVEAL_CACHE: needed a folder of this machine, got s3"):
        cache_folder()


def test_an_empty_cache_has_no_entries(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entries() == []
    monkeypatch.setenv("FOVEAL_CACHE", str(cache / "never" / "made"))
    assert entries() == []
    clear()
    assert not (cache / "never").exists()


KEY = "0123456789abcdef" * 2
OURS = (
    f"stores/{KEY}/images.npy",
    f"stores/{KEY}.a_b1.tmp/images.npy",
    f"features/{KEY}/deep/one.npy",
    f"engines/{KEY}-{KEY[:16]}-openvino.safetensors",
    "engines/measured.json",
    f"weights/efficientnet_lite0-{KEY[:16]}.safetensors",
    f"weights/.0123abcd-{77}.tmp",
    "weights/resnet18/.cache/huggingface/CACHEDIR.TAG",
    "contents/index.sqlite",
    "contents/small.sqlite-wal",
    f"remote/{KEY}/a.jpg",
)
OTHERS = (
    "mine/x",
    "weights/best.safetensors",
    "weights/resnet18 of mine/model.safetensors",
    "features/train.npy",
    "stores/berlin/till.csv",
    "engines/v8.safetensors",
    "contents/list.txt",
    "remote/origin/x",
)


def put(cache: Path, *names: str) -> None:
    for name in names:
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_bytes(bytes(7))


def files_in(cache: Path) -> set[str]:
    return {str(one.relative_to(cache)) for one in cache.rglob("*") if one.is_file()}


def test_files_and_folders_are_listed_with_their_sizes(cache: Path) -> None:
    put(cache, f"stores/{KEY}/one", f"stores/{KEY}/deep/two", "contents/a.sqlite")
    assert entries() == [Entry("stores", KEY, 14), Entry("contents", "a.sqlite", 7)]


def test_clearing_takes_what_foveal_wrote_and_nothing_else(cache: Path) -> None:
    put(cache, *OURS, *OTHERS)
    assert len(entries()) == len(OURS)
    clear()
    assert files_in(cache) == set(OTHERS)
    assert entries() == []


def test_where_nothing_of_others_lies_clearing_leaves_nothing(cache: Path) -> None:
    put(cache, *OURS)
    clear()
    assert list(cache.iterdir()) == []


def test_a_link_is_neither_listed_nor_followed(cache: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "precious")
    (cache / "stores").mkdir(parents=True)
    (cache / "stores" / KEY).symlink_to(tmp_path / "elsewhere")
    put(cache, f"features/{KEY}/own")
    (cache / "features" / KEY / "link").symlink_to(tmp_path / "elsewhere")
    assert [one.kind for one in entries()] == ["features"]
    clear()
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_a_reader_keeps_what_is_cleared(cache: Path) -> None:
    put(cache, f"features/{KEY}/x")
    with (cache / "features" / KEY / "x").open("rb") as file:
        clear()
        assert file.read() == bytes(7) and not list(cache.rglob("x"))


def test_what_the_disk_says_names_the_cache(cache: Path) -> None:
    with pytest.raises(ResourceError, match=f"cache {cache}: .* No space left on device"):
        with disk():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    own = ResourceError("x", needed="y", came="z", remedy="w")
    with pytest.raises(ResourceError, match="x: needed y") as said:
        with disk():
            raise own
    assert said.value is own
    with pytest.raises(ValueError, match="not the disk's"):
        with disk():
            raise ValueError("not the disk's")
