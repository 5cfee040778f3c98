"""Figures as files: the picture, its numbers and its caption."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import files
from foveal.drawing.figure import Figure, Frames
from foveal.drawing.layout import page
from foveal.drawing.thumbnails import drawn
from foveal.errors import ResourceError, UsageError
from foveal.figures.gallery import draw_gallery
from support.sheets import batch, random_pictures


def a_figure() -> Figure[list[float | None]]:
    image = drawn(random_pictures(1, 4, 4, 3)[0])
    rows = (("odd\udcff, \u732b", 0.5), ("none", None))
    return Figure(
        values=[0.5, None],
        image=image,
        caption="One sees \u732b. It matters.",
        columns=("a", "b"),
        rows=rows,
    )


def test_figures_are_written_with_their_numbers_and_their_caption(tmp_path: Path) -> None:
    figure = a_figure()
    paths = figure.save(tmp_path / "f.PNG")
    assert paths == (tmp_path / "f.PNG", tmp_path / "f.csv")
    with Image.open(paths[0]) as found:
        assert found.format == "PNG" and found.text["Description"] == figure.caption
        assert (np.asarray(found) == np.asarray(figure.image)).all()
    with paths[1].open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["odd\udcff, \u732b", "0.5"], ["none", ""]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.PNG", "f.csv"]


def test_figures_go_only_to_png_files_in_folders_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match=r"ending in \.png.*got \.jpg\. Write a\.png"):
        a_figure().save(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match=r"ending in \.png.*got no ending"):
        a_figure().save(tmp_path / "a")
    with pytest.raises(UsageError, match=r"ending in \.png.*got a folder"):
        a_figure().save(tmp_path / "folder.png")
    with pytest.raises(UsageError, match="at most 240 bytes, got one of 304 bytes"):
        a_figure().save(tmp_path / ("a" * 300 + ".png"))
    with pytest.raises(UsageError, match="needed a folder that exists"):
        a_figure().save(tmp_path / "nowhere" / "a.png")


def test_a_figure_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ResourceError, match="No space left"):
        a_figure().save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    state = random.getstate()
    first, second = (
        draw_gallery([batch(6)]).save(tmp_path / name)[0] for name in ("a.png", "b.png")
    )
    assert first.read_bytes() == second.read_bytes() and random.getstate() == state


def test_a_notebook_shows_the_sheet_that_save_writes(tmp_path: Path) -> None:
    figure = a_figure()
    figure.save(tmp_path / "a.png")
    assert figure._repr_png_() == (tmp_path / "a.png").read_bytes()
    assert repr(figure) == "Figure(list, 128x128 pixels)" and figure.values == [0.5, None]


def moving() -> Figure[None]:
    levels = np.random.default_rng(0).integers(0, 256, (3, 6, 5, 3), dtype=np.uint8)
    return replace(a_figure(), values=None, frames=tuple(map(Image.fromarray, levels)), pause=100)


def test_what_moves_is_written_beside_the_sheet_without_loss(tmp_path: Path) -> None:
    figure = moving()
    paths = figure.save(tmp_path / "f.png")
    assert [path.name for path in paths] == ["f.png", "f.csv", "f.webp"]
    with Image.open(paths[2]) as found:
        assert found.n_frames == 3 and found.info["loop"] == 0
        for place, frame in enumerate(figure.frames):
            found.seek(place)
            found.load()
            assert (np.asarray(found.convert("RGB")) == np.asarray(frame)).all()
            assert found.info["duration"] == (500 if place == 2 else 100)


def test_an_animation_may_be_a_gif(tmp_path: Path) -> None:
    with Image.open(moving().save_animation(tmp_path / "f.gif")) as found:
        assert found.format == "GIF" and found.n_frames == 3
    with pytest.raises(UsageError, match=r"ending in \.webp, \.gif"):
        moving().save_animation(tmp_path / "f.mp4")
    with pytest.raises(UsageError, match="a figure that moves, got one without frames"):
        a_figure().save_animation(tmp_path / "f.gif")


def test_another_animation_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "f.webp").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"room for its animation in f\.webp"):
        moving().save(tmp_path / "f.png")
    assert [path.name for path in tmp_path.iterdir()] == ["f.webp"]
    a_figure().save(tmp_path / "f.png")
    assert (tmp_path / "f.webp").read_bytes() == b"mine"


def test_a_figure_knows_its_sheet_without_the_words_around_it() -> None:
    block = Image.new("RGB", (300, 40), (9, 9, 9))
    sheet = page("A title", ("one fact",), [block, block], "A caption.")
    figure = Figure(values=None, image=sheet, caption="A caption.", columns=(), rows=())
    assert (figure.made.title, figure.made.facts) == ("A title", ("one fact",))
    assert figure.body.size == (300, 80 + 24)
    assert figure.body.getpixel((0, 0)) == figure.body.getpixel((299, 103)) == (9, 9, 9)
    alone = Figure(values=None, image=block, caption="", columns=(), rows=())
    assert alone.body.size == block.size and alone.made.title == ""


def test_frames_are_drawn_when_they_are_asked_for() -> None:
    asked: list[int] = []

    def draw(place: int) -> Image.Image:
        asked.append(place)
        return Image.new("RGB", (4, 4), (place, 0, 0))

    frames = Frames(draw, 5)
    assert len(frames) == 5 and asked == []
    assert frames[-1].getpixel((0, 0)) == (4, 0, 0) and asked == [4]
    assert [one.getpixel((0, 0))[0] for one in frames[1:3]] == [1, 2]
    assert len(list(frames)) == 5
    with pytest.raises(IndexError):
        frames[5]
