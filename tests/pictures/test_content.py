"""What every source of pixels answers, whether its pictures are files or an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.array_content import ArrayContent
from foveal.pictures.content import Content
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.hashing import ABSENT
from foveal.pictures.remarks import Remark
from foveal.recipe import PictureRecipe

HOW = PictureRecipe(height=6, width=6, channels=3)


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3), dtype=np.uint8)


def content_of(kind: str, folder: Path) -> Content:
    """Make the same four pictures as files or as an array."""
    if kind == "array":
        return ArrayContent(pixels())
    files = [folder / f"{row}.png" for row in range(4)]
    for file, picture in zip(files, pixels(), strict=True):
        Image.fromarray(picture).save(file)
    return EncodedContent(tuple(files))


@pytest.fixture(params=["array", "files"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> Content:
    return content_of(request.param, tmp_path)


def test_pictures_come_out_as_they_are(content: Content) -> None:
    for row in range(4):
        np.testing.assert_array_equal(content.picture(row, HOW), pixels()[row])
        assert content.remarks(row) == ()
    assert len(content) == 4
    assert content.gives_bytes(HOW)


def test_pictures_come_out_at_their_own_size_for_others_to_resize(content: Content) -> None:
    smaller = PictureRecipe(height=3, width=2, channels=1)
    for row in range(4):
        np.testing.assert_array_equal(content.upright(row, smaller), pixels()[row])


def test_at_their_own_size_arrays_are_bytes_in_three_channels() -> None:
    greys = pixels()[..., :1]
    np.testing.assert_array_equal(
        ArrayContent(greys).upright(1, HOW), np.repeat(greys[1], 3, axis=2)
    )
    assert ArrayContent(greys, reasons={1: "lost"}).upright(1, HOW) == "lost"
    said = ArrayContent(pixels().astype(np.float32)).upright(0, HOW)
    assert said == "float32 of 3 channels, and no bytes of 1 or 3"


def test_rows_are_taken_in_any_order(content: Content) -> None:
    taken = content.take([3, 0, 3])
    assert len(taken) == 3
    for at, row in enumerate([3, 0, 3]):
        np.testing.assert_array_equal(taken.picture(at, HOW), pixels()[row])
    every = content.ids(1)
    assert taken.ids(1) == [every[3], every[0], every[3]]
    assert content.id(3) == every[3]
    assert len(set(every)) == 4


def test_heads_tell_size_and_that_nothing_is_transparent(content: Content) -> None:
    heads = content.heads(np.arange(4))
    assert {(head.height, head.width, head.clear) for head in heads} == {(6, 6, False)}
    assert content.deep_range(heads) == (0, 65535)
    assert content.ground(heads) is None
    assert content.span(np.arange(4)) == (0, 255)


def test_other_pictures_have_other_marks(content: Content) -> None:
    assert list(content.marks()) == list(content.marks())
    assert list(content.marks()) != list(content.take([0]).marks())


def test_equal_pictures_are_known_by_equal_pixels(tmp_path: Path) -> None:
    one, other = (content_of(kind, tmp_path) for kind in ("array", "files"))
    for row in range(4):
        known = [
            each.known_by(row, np.asarray(each.picture(row, HOW)), HOW) for each in (one, other)
        ]
        np.testing.assert_array_equal(*known)


def test_a_network_takes_files_of_any_size_and_arrays_of_its_own(content: Content) -> None:
    assert content.suited(HOW) == HOW
    larger = PictureRecipe(height=9, width=9, channels=3)
    if content.in_memory is None:
        assert content.suited(larger) == larger
        return
    with pytest.raises(DataError, match="needed pictures of 9x9 with 3 channels"):
        content.suited(larger)


def test_what_was_said_of_a_file_is_known_to_all_that_were_taken(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (6, 6), (0, 80 * index, 0)) for index in range(2)]
    pages[0].save(tmp_path / "p.gif", save_all=True, append_images=pages[1:])
    whole = EncodedContent((tmp_path / "p.gif", tmp_path / "absent.png"))
    some = whole.take([1, 0])
    assert some.remarks(1) == ()
    whole.picture(0, HOW)
    assert some.remarks(1) == (Remark("only the first page is used", "of 2"),)
    assert whole.picture(1, HOW) == "no such file"
    assert whole.ids(1)[1] == ABSENT
