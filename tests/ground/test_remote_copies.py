"""Copies of whole files at addresses: fetched once, kept while in use, no larger than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from foveal import remote, remote_copies
from foveal.cache import entries as held
from foveal.errors import ModelFileError, ResourceError
from foveal.eviction import prune
from foveal.remote_copies import copied, is_copy, local_model, local_path


@pytest.fixture(autouse=True)
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    remote_copies._kept.clear()


def test_a_copy_is_fetched_once_and_again_when_the_file_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remote.write("memory://top/t.csv", b"path")
    first = copied("memory://top/t.csv")
    assert first.path.read_bytes() == b"path" and first.path.name == "t.csv"
    with monkeypatch.context() as patched:
        patched.setattr(fsspec.get_filesystem_class("memory"), "get_file", None)
        assert copied("memory://top/t.csv").path == first.path
    remote.write("memory://top/t.csv", b"path,label")
    again = copied("memory://top/t.csv")
    assert again.path != first.path and again.path.read_bytes() == b"path,label"
    assert is_copy(again.path.parent) and not is_copy(Path("/tmp"))


def test_a_copy_in_use_stays_and_others_go() -> None:
    remote.write("memory://top/a", b"12345")
    copy = copied("memory://top/a")
    assert prune(5) == 0 and copy.path.exists()
    path = copy.path
    assert [one.kind for one in held()] == ["remote"]
    del copy
    assert prune(5) == 5 and not path.exists()


def test_a_copy_that_has_no_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    remote.write("memory://top/a", b"12345")
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "3B")
    with pytest.raises(ResourceError, match="copy of memory://top/a"):
        copied("memory://top/a")


def test_a_path_is_where_it_is() -> None:
    assert local_path("here/m.safetensors") == Path("here/m.safetensors")
    with pytest.raises(ModelFileError, match="nothing there"):
        local_model("memory://top/m.safetensors")
