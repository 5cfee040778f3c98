"""Decoded pictures as files: named after their sources, never outside, whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from foveal import DataError, ResourceError, UsageError
from foveal.files import checked_folder
from foveal.model.codec import Codes, decoding
from foveal.model.fitted import FittedModel
from foveal.pictures.saving import LONGEST_NAME, places_for, write_pictures
from support.models import small_autoencoder

# Names ------------------------------------------------------------------------------------

steps = st.sampled_from(
    ["a", "b", "A", "a.jpg", "a.png", "A.PNG", "a.jpg.png", "a.1.png", "a.jpg.1.png", "..", "."]
    + ["", "...", ".. ", " ", "é", "漢" * 90, "x" * 300, "n\0l", "c:", "con", "-", ".png"]
)
rough = st.text(st.sampled_from("ab.:/\\ \0\n\ud800\udce9é漢"), max_size=12)
joined = st.builds(
    lambda root, parts, between: root + between.join(parts),
    st.sampled_from(["", "/", "C:\\", "\\\\host\\share\\", "\\\\?\\C:\\", "//host/share/"]),
    st.lists(steps, max_size=4),
    st.sampled_from("/\\"),
)


def hold(names: list[str]) -> list[PurePosixPath]:
    """Hold the places of names against all that they promise."""
    places = places_for(names)
    folded = [str(place).casefold() for place in places]
    assert len(places) == len(names) == len(set(folded))
    above = {str(one).casefold() for place in places for one in place.parents}
    assert not above & set(folded), "a file that is a folder too"
    for place in places:
        assert not place.is_absolute() and place.parts
        assert place.name.endswith(".png")
        for part in place.parts:
            assert part.strip(". ") and not set(part) & set("/\\\0")
            assert len(part.encode()) <= LONGEST_NAME + 50 < 255
    return places


@settings(max_examples=400)
@given(st.lists(joined | rough, max_size=8))
@example(["c/1.jpg", "c/1.gif", "c/1.jpg.bmp", "c/1.jpg.2.bmp"])
@example(["1.jpg", "1.jpg.2.bmp", "1.jpg.bmp", "1.gif"])
@example(["x/a.png/b.jpg", "x/a.jpg"])
@example(["a.jpg", "A.jpg", "a.jpg"])
@example(["../../etc/passwd", "/etc/passwd", "..\\..\\x"])
def test_places_are_below_the_folder_and_no_two_are_the_same(names: list[str]) -> None:
    hold(names)


@settings(max_examples=40)
@given(st.lists(joined | rough, min_size=1, max_size=5))
def test_pictures_lie_below_the_folder(tmp_path_factory, names: list[str]) -> None:
    above = tmp_path_factory.mktemp("above")
    batch = codes(np.zeros((len(names), 4)), names)
    assert write_pictures(above / "made", names, decoding(small(), [batch])) == (len(names), 0)
    found = {path for path in above.rglob("*") if path.is_file()}
    assert found == {above / "made" / place for place in places_for(names)}


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a/b/1.jpg", "a/c/2.jpg"], ["b/1.png", "c/2.png"]),
        (["/data/x/1.jpg"], ["1.png"]),
        (["a.jpg", "a.png"], ["a.jpg.png", "a.png.png"]),
        (["a.jpg", "A.PNG"], ["a.jpg.png", "A.PNG.png"]),
        (["a.jpg", "a.jpg"], ["a.jpg.png", "a.jpg.1.png"]),
        (["0", "1", "2"], ["0.png", "1.png", "2.png"]),
        (["a.tar.gz", "b"], ["a.tar.png", "b.png"]),
        (["C:\\data\\x\\1.jpg", "C:\\data\\y\\1.jpg"], ["x/1.png", "y/1.png"]),
        (["\\\\host\\share\\1.jpg"], ["1.png"]),
        (["../1.jpg", "../../2.jpg"], ["1.png", "2.png"]),
        (["a/../../b.jpg", "a/c.jpg"], ["b.png", "c.png"]),
        ([""], ["picture.png"]),
        (["..", "/", "C:\\"], ["picture.png", "picture.1.png", "picture.2.png"]),
        (["x.png/1.jpg", "x.jpg"], ["x.png/1.png", "x.1.png"]),
        (["n\0l.jpg"], ["n_l.png"]),
    ],
)
def test_places_are_named_after_their_sources(names: list[str], wanted: list[str]) -> None:
    if names[0] == "..":
        assert len({str(place) for place in hold(names)}) == 3
        return
    assert [str(place) for place in hold(names)] == wanted


def test_no_names_are_no_places() -> None:
    assert places_for([]) == []


# Pictures ---------------------------------------------------------------------------------


def small(channels: int = 1, height: int = 2, width: int = 2) -> FittedModel:
    """An autoencoder that decodes a code as the picture's values, channel by channel."""
    size = channels * height * width
    model = small_autoencoder(
        size, (channels, height, width), encoder="flatten", decoder=f"dense {size} nobias"
    )
    decoder = list(model.network.children())[model.plan.encoder_layers :]
    with torch.no_grad():
        decoder[0].weight.copy_(torch.eye(size))
        decoder[-1].weight.zero_()
    return model


def codes(values: np.ndarray, names: list[str] | None = None, reasons: object = None) -> Codes:
    count = len(values)
    return Codes(
        names=names or [f"{row}.jpg" for row in range(count)],
        values=np.asarray(values, np.float32),
        reasons=[""] * count if reasons is None else reasons,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_pixels_are_the_decoded_values(tmp_path: Path, channels: int, mode: str) -> None:
    height, width = 3, 2
    values = np.random.default_rng(channels).uniform(-0.3, 1.3, (5, channels * height * width))
    model, batch = small(channels, height, width), codes(values)
    assert write_pictures(tmp_path / "made", batch.names, decoding(model, [batch])) == (5, 0)
    for row, value in enumerate(values):
        with Image.open(tmp_path / "made" / f"{row}.png") as picture:
            assert (picture.mode, picture.size, picture.format) == (mode, (width, height), "PNG")
            pixels = np.asarray(picture).reshape(height, width, channels)
        levels = [round(255 * min(max(one, 0), 1)) for one in value.astype(np.float32).tolist()]
        wanted = np.reshape(levels, (channels, height, width)).transpose(1, 2, 0)
        np.testing.assert_array_equal(pixels, wanted)


def test_rows_without_a_code_have_no_picture(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 28).reshape(7, 4)
    values[[1, 4]] = np.nan
    reasons = ["", "broken", "", "", "broken", "", ""]
    whole = codes(values, reasons=reasons)
    batches = [
        Codes(names=whole.names[part], values=whole.values[part], reasons=reasons[part])
        for part in (slice(0, 2), slice(2, 2), slice(2, 5), slice(5, 7))
    ]
    assert write_pictures(tmp_path / "made", whole.names, decoding(small(), batches)) == (5, 2)
    found = sorted((tmp_path / "made").iterdir())
    assert [path.name for path in found] == ["0.png", "2.png", "3.png", "5.png", "6.png"]
    for path in found:
        wanted = np.rint(255 * values[int(path.stem)]).reshape(2, 2)
        with Image.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture), wanted)


def test_nothing_but_rows_without_a_code_is_an_empty_folder(tmp_path: Path) -> None:
    batch = codes(np.full((2, 4), np.nan), reasons=["a", "b"])
    assert write_pictures(tmp_path / "made", batch.names, decoding(small(), [batch])) == (0, 2)
    assert not list((tmp_path / "made").iterdir())


def test_an_empty_folder_is_taken_and_permissions_are_the_customary_ones(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "other").mkdir()
    batch = codes(np.zeros((2, 4)), ["a/1.jpg", "b/1.jpg"])
    write_pictures(checked_folder(tmp_path / "made"), batch.names, decoding(small(), [batch]))
    customary = (tmp_path / "other").stat().st_mode
    assert (tmp_path / "made").stat().st_mode == customary
    assert (tmp_path / "made" / "a").stat().st_mode == customary


def interrupted(error: BaseException) -> Iterator[Codes]:
    yield codes(np.zeros((2, 4)))
    raise error


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt("stop"),
        RuntimeError("stop"),
        DataError("x", needed="a", came="b", remedy="stop"),
    ],
)
def test_what_breaks_off_leaves_no_folder(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error), match=r"(?i)stop"):
        write_pictures(tmp_path / "made", list("abcd"), decoding(small(), interrupted(error)))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_folder_and_is_named(tmp_path: Path, monkeypatch) -> None:
    saved, left = Image.Image.save, [2]

    def full(self, *asked, **more) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        saved(self, *asked, **more)

    monkeypatch.setattr(Image.Image, "save", full)
    batch = codes(np.zeros((6, 4)))
    with pytest.raises(ResourceError, match=r"made: needed room .*, got No space left") as caught:
        write_pictures(tmp_path / "made", batch.names, decoding(small(), [batch]))
    assert "FOVEAL_CACHE" not in str(caught.value), "it is not the cache that is full"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_filled_meanwhile_is_left_alone(tmp_path: Path) -> None:
    def batches() -> Iterator[Codes]:
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "theirs.txt").write_text("theirs")
        yield codes(np.zeros((2, 4)))

    with pytest.raises(ResourceError, match="made: needed room in a folder"):
        write_pictures(tmp_path / "made", list("ab"), decoding(small(), batches()))
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "theirs.txt"]


# Folders ----------------------------------------------------------------------------------


def test_only_new_and_empty_folders_are_taken(tmp_path: Path) -> None:
    assert checked_folder(tmp_path / "new") == tmp_path / "new"
    (tmp_path / "empty").mkdir()
    assert checked_folder(tmp_path / "empty") == tmp_path / "empty"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").write_text("")
    with pytest.raises(UsageError, match="new, or empty, got a folder with files in it"):
        checked_folder(tmp_path / "full")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="new, or empty, got a file"):
        checked_folder(tmp_path / "file")
    with pytest.raises(UsageError, match="a folder within one that exists"):
        checked_folder(tmp_path / "no" / "where")
    with pytest.raises(UsageError, match="a folder within one that exists"):
        checked_folder(tmp_path / "file" / "below")


def test_a_plain_name_is_a_folder_here(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    batch = codes(np.zeros((1, 4)))
    write_pictures(checked_folder(Path("made")), batch.names, decoding(small(), [batch]))
    assert os.listdir(tmp_path) == ["made"]  # noqa: PTH208
