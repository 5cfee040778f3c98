"""Objects at addresses, read, listed, copied; here in memory, elsewhere at a server of S3."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from foveal import remote
from foveal.cache import entries as held
from foveal.errors import ModelFileError, ResourceError, UsageError
from foveal.eviction import prune


@pytest.fixture(autouse=True)
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    remote._kept.clear()


def test_an_object_is_read_as_it_was_written() -> None:
    remote.write("memory://top/a.bin", b"0123456789")
    assert remote.read("memory://top/a.bin", 100) == b"0123456789"
    assert remote.read("memory://top/a.bin", 4) == b"0123"
    found = remote.entry("memory://top/a.bin")
    assert found is not None and found.size == 10 and found.stamp
    assert remote.entry("memory://top") is None


def test_a_file_is_put_and_read_at_any_place(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    remote.put(tmp_path / "x", "memory://top/x")
    assert remote.read("memory://top/x", 2, 7) == b"78"
    assert remote.read("memory://top/x", 5, 8) == b"89"


def test_what_is_not_there_is_no_object() -> None:
    for reading in (lambda: remote.read("memory://none", 1), lambda: remote.entry("memory://none")):
        with pytest.raises(remote.NoObject, match="nothing there"):
            reading()
    with pytest.raises(remote.NoObject):
        list(remote.entries("memory://none"))


def test_a_folder_lists_what_lies_beneath_it_at_any_depth() -> None:
    for name in ("b/1.jpg", "a/2.jpg", "a/1.jpg", "a/deep/3.jpg"):
        remote.write(f"memory://top/{name}", b"x" * len(name))
    remote.write("memory://topmost/4.jpg", b"no")
    found = {one.name: one.size for one in remote.entries("memory://top/")}
    assert found == {
        f"memory://top/{name}": len(name)
        for name in ("a/1.jpg", "a/2.jpg", "a/deep/3.jpg", "b/1.jpg")
    }


def test_a_copy_is_fetched_once_and_again_when_the_file_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remote.write("memory://top/t.csv", b"path")
    first = remote.copied("memory://top/t.csv")
    assert first.path.read_bytes() == b"path" and first.path.name == "t.csv"
    with monkeypatch.context() as patched:
        patched.setattr(fsspec.get_filesystem_class("memory"), "get_file", None)
        assert remote.copied("memory://top/t.csv").path == first.path
    remote.write("memory://top/t.csv", b"path,label")
    again = remote.copied("memory://top/t.csv")
    assert again.path != first.path and again.path.read_bytes() == b"path,label"
    assert remote.is_copy(again.path.parent) and not remote.is_copy(Path("/tmp"))


def test_a_copy_in_use_stays_and_others_go() -> None:
    remote.write("memory://top/a", b"12345")
    copy = remote.copied("memory://top/a")
    assert prune(5) == 0 and copy.path.exists()
    path = copy.path
    assert [one.kind for one in held()] == ["remote"]
    del copy
    assert prune(5) == 5 and not path.exists()


def test_a_copy_that_has_no_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    remote.write("memory://top/a", b"12345")
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "3B")
    with pytest.raises(ResourceError, match="copy of memory://top/a"):
        remote.copied("memory://top/a")


def test_a_path_is_where_it_is() -> None:
    assert remote.local_path("here/m.safetensors") == Path("here/m.safetensors")
    with pytest.raises(ModelFileError, match="nothing there"):
        remote.local_model("memory://top/m.safetensors")


@pytest.mark.parametrize(
    ("address", "said"),
    [("gs://b/k", "pip install gcsfs"), ("quark://b/k", "a protocol that fsspec knows")],
)
def test_what_cannot_be_read_here_says_what_is_needed(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        remote.read(address, 1)


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    remote._system.cache_clear()
    with pytest.raises(UsageError, match=r"pip install 'foveal\[remote\]'"):
        remote.read("s3://b/k", 1)


def test_nothing_of_it_is_imported_before_an_address_is_named() -> None:
    code = "import sys, foveal.cli.main, foveal.remote, foveal.pictures.sources\n"
    code += "print({'fsspec', 's3fs', 'aiohttp', 'botocore'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
