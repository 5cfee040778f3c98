"""The cache: where it is, what it holds, and what a full disk says."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from foveal.cache import KINDS, Entry, cache_folder, clear, disk, entries, room_for
from foveal.errors import ResourceError

Usage = namedtuple("Usage", "total used free")


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


def test_room_is_held_against_the_free_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 3_000_000_000))
    room_for(3_000_000_000, "features")
    with pytest.raises(ResourceError, match="needed 4 GB for the features, got 3 GB free") as said:
        room_for(4_000_000_000, "features")
    assert str(said.value).endswith("set FOVEAL_CACHE to a larger disk.")
    with pytest.raises(ResourceError, match="larger disk, or use half of it"):
        room_for(4_000_000_000, "features", "use half of it")


def test_asking_for_room_makes_the_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_CACHE", str(cache / "new" / "one"))
    room_for(1, "features")
    assert (cache / "new" / "one").is_dir()
    (cache / "file").write_text("")
    monkeypatch.setenv("FOVEAL_CACHE", str(cache / "file"))
    with pytest.raises(ResourceError, match=r"cache .*file: needed a folder"):
        room_for(1, "features")


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
