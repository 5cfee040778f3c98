"""The cache: where it is, what it holds, and what a full disk says."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from foveal.cache import KINDS, Entry, cache_folder, clear, disk, entries
from foveal.errors import ResourceError


def test_it_is_where_the_environment_says(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == cache
    monkeypatch.setenv("FOVEAL_CACHE", "")
    assert cache_folder().name == "foveal"


def test_an_empty_cache_has_no_entries(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert entries() == []
    monkeypatch.setenv("FOVEAL_CACHE", str(cache / "never" / "made"))
    assert entries() == []
    clear()
    assert not (cache / "never").exists()


def test_files_and_folders_are_listed_with_their_sizes(cache: Path) -> None:
    (cache / "stores" / "b").mkdir(parents=True)
    (cache / "stores" / "b" / "one").write_bytes(bytes(10))
    (cache / "stores" / "b" / "deep").mkdir()
    (cache / "stores" / "b" / "deep" / "two").write_bytes(bytes(5))
    (cache / "weights").mkdir()
    (cache / "weights" / "a.safetensors").write_bytes(bytes(7))
    assert entries() == [Entry("stores", "b", 15), Entry("weights", "a.safetensors", 7)]


def test_clearing_takes_its_own_kinds_and_nothing_else(cache: Path) -> None:
    for kind in (*KINDS, "mine"):
        (cache / kind / "x").mkdir(parents=True)
        (cache / kind / "x" / "file").write_bytes(b"1")
    clear()
    assert [path.name for path in cache.iterdir()] == ["mine"]
    assert entries() == []


def test_a_reader_keeps_what_is_cleared(cache: Path) -> None:
    (cache / "features").mkdir()
    (cache / "features" / "x").write_bytes(b"still here")
    with (cache / "features" / "x").open("rb") as file:
        clear()
        assert file.read() == b"still here"


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
