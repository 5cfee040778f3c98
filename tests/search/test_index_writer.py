"""An index on disk: its pieces, and what it replaces."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from foveal.errors import ResourceError, UsageError
from foveal.model.fitted import FittedModel
from foveal.search import index_writer
from foveal.search.build import build, open_index


def test_an_index_is_a_folder_of_four_pieces(model: FittedModel, kept: Path, digits: Path) -> None:
    pieces = {"facts.json", "vectors.npy", "names.parquet", "graph.usearch"}
    assert {one.name for one in kept.iterdir()} == pieces
    facts = json.loads((kept / "facts.json").read_text())
    assert facts["kind"] == "foveal-index" and facts["format"] == 1
    assert facts["model"] == model.digest() and facts["measure"] == "euclidean"
    assert (facts["count"], facts["size"], facts["unreadable"]) == (31, 4, 1)
    table = pq.read_table(kept / "names.parquet").to_pylist()
    assert [row["path"] for row in table if row["error"]] == ["wreck.png"]
    opened = open_index(kept, model)
    assert isinstance(opened.held.vectors, np.memmap)
    memory = build(model, digits)
    np.testing.assert_array_equal(opened.held.vectors, memory.held.vectors)
    for one, other in zip(opened.query(digits), memory.query(digits), strict=True):
        assert (one.query, one.names, one.distances) == (other.query, other.names, other.distances)


def test_odd_names_are_kept(model: FittedModel, digits: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff.png")
    try:
        (digits / "1.png").rename(digits / odd)
    except OSError:
        pytest.skip("this disk has no such names")
    made = build(model, digits, place=tmp_path / "d.index")
    assert "\ufffd.png" in made.held.names.to_pylist()


def test_an_index_is_replaced_whole(model: FittedModel, digits: Path, kept: Path) -> None:
    before = open_index(kept, model)
    build(model, [digits / "0.png", digits / "1.png"], place=kept)
    assert len(open_index(kept, model)) == 2
    assert not (kept / "graph.usearch").exists()
    assert before.query(digits / "8.png", 1)[0].names == ("8.png",)  # what is open stays so
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []
    build(model, digits, place=kept)
    assert len(open_index(kept, model)) == 31


def test_an_empty_folder_is_taken(model: FittedModel, digits: Path, tmp_path: Path) -> None:
    (tmp_path / "e.index").mkdir()
    assert len(build(model, digits, place=tmp_path / "e.index")) == 31


@pytest.mark.parametrize("piece", ["write_names", "write_vectors", "digests"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt("stop"), OSError(28, "No space left")])
def test_what_fails_half_way_leaves_the_old(
    model: FittedModel,
    digits: Path,
    kept: Path,
    piece: str,
    failure: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(index_writer, piece, fail)
    expected = KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else ResourceError
    with pytest.raises(expected, match="stop|No space left"):
        build(model, digits / "0.png", place=kept)
    monkeypatch.undo()
    assert len(open_index(kept, model)) == 31
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []


def test_a_failure_between_the_two_names_brings_the_old_back(
    model: FittedModel, digits: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ResourceError, match="Input/output error"):
        build(model, digits / "0.png", place=kept)
    monkeypatch.undo()
    assert len(open_index(kept, model)) == 31
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []


def test_nothing_else_is_replaced(
    model: FittedModel, digits: Path, kept: Path, tmp_path: Path
) -> None:
    def refused(name: str, match: str) -> None:
        with pytest.raises(UsageError, match=match):
            build(model, digits, place=tmp_path / name)

    refused("d.idx", r"a name ending in \.index, .* got \.idx")
    refused("x" * 250 + ".index", "of at most 240 bytes")
    refused("nowhere/d.index", "a folder within one that exists")
    (tmp_path / "file.index").write_text("mine")
    refused("file.index", "got a file")
    (tmp_path / "link.index").symlink_to(kept)
    refused("link.index", "got a link")
    (tmp_path / "dangling.index").symlink_to(tmp_path / "gone")
    refused("dangling.index", "got a link")
    (tmp_path / "photos.index").mkdir()
    (tmp_path / "photos.index" / "holiday.jpg").write_bytes(b"dear to someone")
    refused("photos.index", "a folder with holiday.jpg in it")
    (kept / "notes.txt").write_text("mine")
    refused("d.index", "a folder with notes.txt in it")
    (kept / "notes.txt").unlink()
    (kept / "facts.json").write_text("{}")
    refused("d.index", "a folder that is no whole index")
    assert (tmp_path / "file.index").read_text() == "mine"
    assert (tmp_path / "photos.index" / "holiday.jpg").exists()
    assert (tmp_path / "link.index").is_symlink()


def test_what_comes_to_the_place_meanwhile_is_not_replaced(
    model: FittedModel, digits: Path, tmp_path: Path
) -> None:
    place = tmp_path / "d.index"

    def progress(done: int, total: int) -> None:
        if done == total:
            place.mkdir()
            (place / "mine.txt").write_text("dear to someone")

    with pytest.raises(UsageError, match="a folder with mine.txt in it"):
        build(model, digits, place=place, progress=progress)
    assert [one.name for one in place.iterdir()] == ["mine.txt"]
