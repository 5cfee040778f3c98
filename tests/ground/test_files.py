"""Files and folders that are whole or absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from foveal import files
from foveal.errors import DataError, ModelFileError, ResourceError, UsageError
from foveal.files import (
    beside,
    checked_folder,
    checked_output,
    existing,
    existing_model,
    whole_file,
    whole_folder,
    write_whole,
)

# Written whole ---------------------------------------------------------------------------


def test_write_whole_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")
    write_whole(path, b"new, and longer")
    assert path.read_bytes() == b"new, and longer"
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_the_old_content_survives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match=r"a\.bin: needed room for 3 bytes.* No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_a_copy_is_the_file_and_leaves_the_old_where_it_cannot_be_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, place = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"new" * 1_000)
    files.copy_whole(source, place)
    assert place.read_bytes() == source.read_bytes()
    source.write_bytes(b"newer")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(ResourceError, match="No space left"):
        files.copy_whole(source, place)
    assert place.read_bytes() == b"new" * 1_000 and len([*tmp_path.iterdir()]) == 2


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"b\.bin: needed .* No such file"):
        write_whole(tmp_path / "none" / "b.bin", b"x")


def test_a_name_taken_by_a_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(ResourceError, match="taken: needed"):
        write_whole(tmp_path / "taken", b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), RuntimeError("stop")])
def test_what_breaks_off_leaves_the_old_and_nothing_beside(
    tmp_path: Path, error: BaseException
) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(type(error), match="stop"):
        with whole_file(tmp_path / "a.csv") as temporary:
            temporary.write_text("new")
            raise error
    with pytest.raises(type(error), match="stop"):
        with whole_folder(tmp_path / "made") as working:
            (working / "one").write_text("new")
            raise error
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


@pytest.mark.parametrize("way", [whole_file, whole_folder])
def test_what_the_disk_says_names_the_place_once(tmp_path: Path, way: Callable) -> None:
    with pytest.raises(ResourceError, match="made: needed room in a folder .*, got No space left"):
        with way(tmp_path / "made"):
            raise OSError(28, "No space left on device")
    with pytest.raises(ResourceError, match="^cache: needed y, got z"):
        with way(tmp_path / "made"):
            raise ResourceError("cache", needed="y", came="z", remedy="w")
    with pytest.raises(ResourceError, match="made: needed room in a folder .*, got No such file"):
        with way(tmp_path / "none" / "made") as place:
            place.write_text("x")
    assert not list(tmp_path.iterdir())


def test_a_folder_appears_whole_in_the_place_of_none_or_an_empty_one(tmp_path: Path) -> None:
    for name in ("new", "empty"):
        place = tmp_path / name
        if name == "empty":
            place.mkdir()
        with whole_folder(place) as working:
            (working / "deep").mkdir()
            (working / "deep" / "one").write_text("1")
            assert not (place / "deep").exists()
        assert (place / "deep" / "one").read_text() == "1"
    with pytest.raises(ResourceError, match="new: needed room .*, got Directory not empty"):
        with whole_folder(tmp_path / "new"):
            pass
    assert sorted(one.name for one in tmp_path.iterdir()) == ["empty", "new"]


def test_what_a_killed_process_left_is_not_taken_along(tmp_path: Path) -> None:
    left = beside(tmp_path / "made")
    left.mkdir()
    (left / "half").write_text("")
    with whole_folder(tmp_path / "made") as working:
        assert working == left
    assert [path.name for path in tmp_path.rglob("*")] == ["made"]


# Names that are to be written ------------------------------------------------------------


def test_files_have_one_of_the_endings_and_a_folder_above(tmp_path: Path) -> None:
    def refused(name: str, match: str, *, exact: bool = False) -> None:
        with pytest.raises(UsageError, match=match):
            checked_output(tmp_path / name, (".csv", ".txt"), "table", exact=exact)

    for name in ("a.csv", "a.TXT", "\u732b" * 78 + ".csv"):
        assert checked_output(tmp_path / name, (".csv", ".txt")) == tmp_path / name
    (tmp_path / "d.csv").mkdir()
    (tmp_path / "file").write_text("")
    refused("a.png", r"^table .*a\.png: needed a file name ending in \.csv, \.txt, .* got \.png\. ")
    refused("a.png", r"Write a\.csv\.$")
    refused("a", "got no ending")
    refused("a.CSV", r"got \.CSV", exact=True)
    refused("d.csv", "got a folder")
    refused("\u732b" * 79 + ".csv", "at most 240 bytes, got one of 241 bytes")
    refused("x" * 300 + "/a.csv", "a folder that exists")
    refused("none/a.csv", "needed a folder that exists, got .*none. Make that folder first")
    refused("file/a.csv", "needed a folder that exists, got .*file")


def test_folders_are_new_or_empty_unless_what_is_there_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "one").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("new", "empty"):
        assert checked_folder(tmp_path / name) == tmp_path / name
    assert checked_folder(tmp_path / "full", spared=lambda _: "") == tmp_path / "full"
    with pytest.raises(UsageError, match="`to` .*full: needed a folder .* got one with one in it"):
        checked_folder(tmp_path / "full", spared=lambda _: "one with one in it")
    with pytest.raises(UsageError, match="new, or empty, got a folder with files in it"):
        checked_folder(tmp_path / "full")
    with pytest.raises(UsageError, match="new, or empty, got a link"):
        checked_folder(tmp_path / "link")
    with pytest.raises(UsageError, match="a name, of at most 240 bytes, got one of 241 bytes"):
        checked_folder(tmp_path / ("x" * 241))
    with pytest.raises(UsageError, match=r"a name ending in \.kept, .* got \.index. Write a\.kept"):
        checked_folder(tmp_path / "a.index", ending=".kept")


def test_what_is_not_there_is_asked_for_by_a_like_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cats.safetensors").write_bytes(b"x")
    (tmp_path / "photos").mkdir()
    for typed in ("cats.safetensor", "cat.safetensors", "cats"):
        with pytest.raises(ModelFileError, match="Did you mean 'cats.safetensors'"):
            existing_model(Path(typed))
    with pytest.raises(DataError, match=r"nothing there\. Did you mean 'photos'"):
        existing(Path("fotos"))
    with pytest.raises(DataError) as caught:
        existing(tmp_path / "fotos")
    assert str(tmp_path / "photos") in str(caught.value)
    for name in ("cat.19.jpg", "cat.201.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"mean 'photos/cat.19.jpg' or 'photos/cat.201.jpg'\?"):
        existing(Path("photos/cat.191.jpg"))
    with pytest.raises(DataError, match="Check the spelling"):
        existing(tmp_path / "nowhere" / "fotos")
    assert existing(tmp_path / "photos") == tmp_path / "photos"
