"""Objects at addresses, read, listed, written; here in memory, elsewhere at a server of S3."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from foveal import remote
from foveal.errors import ResourceError, UsageError
from foveal.remote_errors import NoObject


@pytest.fixture(autouse=True)
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


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
    remote.fetch("memory://top/x", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == b"0123456789"


def test_what_is_not_there_is_no_object() -> None:
    for reading in (lambda: remote.read("memory://none", 1), lambda: remote.entry("memory://none")):
        with pytest.raises(NoObject, match="nothing there"):
            reading()
    with pytest.raises(NoObject):
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


@pytest.mark.parametrize(
    ("address", "said"),
    [("gs://b/k", "pip install gcsfs"), ("quark://b/k", "a protocol that fsspec knows")],
)
def test_what_cannot_be_read_here_says_what_is_needed(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        remote.read(address, 1)


def test_where_there_are_no_keys_it_is_these_that_are_missing(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import NoCredentialsError

    def keyless(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(type(memory), "info", keyless)
    with pytest.raises(ResourceError, match="no keys to show it.*Check the keys") as told:
        remote.entry("memory://top/a.bin")
    assert "network" not in str(told.value)


def test_a_package_that_lacks_something_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    class Keyless(fsspec.AbstractFileSystem):  # type: ignore[misc]
        def __init__(self, **_: object) -> None:
            raise ValueError("an account is missing\nand more")

    monkeypatch.setattr(fsspec, "get_filesystem_class", lambda _: Keyless)
    remote._system.cache_clear()
    with pytest.raises(ResourceError, match="adlfs asks for, got an account is missing. Set it"):
        remote.read("az://b/k", 1)


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    remote._system.cache_clear()
    with pytest.raises(UsageError, match=r"pip install 'foveal\[remote\]'"):
        remote.read("s3://b/k", 1)


def test_nothing_of_it_is_imported_before_an_address_is_named() -> None:
    code = "import sys, foveal.cli.main, foveal.remote_copies, foveal.pictures.sources\n"
    code += "print({'fsspec', 's3fs', 'aiohttp', 'botocore'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
