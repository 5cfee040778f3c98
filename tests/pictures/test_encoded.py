"""Encoded pictures: whatever holds the bytes, they give the same picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures import decode, encoded
from foveal.pictures.encoded import Absent, InMemory, Picked, Unreadable
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.hashing import ABSENT
from foveal.pictures.opening import LIMIT
from foveal.pictures.remarks import Remark
from foveal.recipe import PictureRecipe
from support.tiff import tiff

HOW = PictureRecipe(height=12, width=10, channels=3)
DRAWS = np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def photograph(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.repeat(np.repeat(DRAWS, 4, 0), 4, 1)).save(path, exif=exif)


def pages(path: Path) -> None:
    frames = [Image.fromarray(DRAWS).convert("P"), Image.fromarray(255 - DRAWS).convert("P")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def deep(path: Path) -> None:
    Image.fromarray(DRAWS[:, :, 0].astype(np.uint16) * 200).save(path)


def deep_packed(path: Path) -> None:
    Image.fromarray(DRAWS[:, :, 0].astype(np.uint16) * 200).save(path, compression="tiff_lzw")


def deep_colours(path: Path) -> None:
    path.write_bytes(b"P6 40 30 65535 " + (DRAWS.astype(">u2") * 200).tobytes())


def deep_tiff(path: Path) -> None:
    path.write_bytes(tiff(DRAWS.astype(np.uint16) * 100, 2))


def clear(path: Path) -> None:
    Image.fromarray(np.dstack([DRAWS, DRAWS[:, :, 0]])).save(path)


def cut(path: Path) -> None:
    photograph(path.with_suffix(".jpg"))
    path.write_bytes(path.with_suffix(".jpg").read_bytes()[:1500])


KINDS: dict[str, Callable[[Path], None]] = {
    "photograph.jpg": photograph,
    "pages.gif": pages,
    "deep.png": deep,
    "packed.tif": deep_packed,
    "colours.ppm": deep_colours,
    "deep.tif": deep_tiff,
    "clear.png": clear,
    "clear.webp": clear,
    "cut.jpeg": cut,
    "empty.png": lambda path: path.write_bytes(b"") and None,
    "text.png": lambda path: path.write_bytes(b"no picture at all") and None,
}


def both(path: Path) -> tuple[EncodedContent, EncodedContent]:
    """Make content of a file, and of its bytes alone."""
    member = InMemory(f"{path.parent}/shard.tar/{path.name}", path.read_bytes())
    return EncodedContent((path,)), EncodedContent((member,))


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_give_the_picture_that_their_file_gives(kind: str, tmp_path: Path) -> None:
    KINDS[kind](tmp_path / kind)
    file, member = both(tmp_path / kind)
    one, other = file.picture(0, HOW), member.picture(0, HOW)
    assert type(one) is type(other)
    np.testing.assert_array_equal(one, other)
    assert file.remarks(0) == member.remarks(0)
    if isinstance(one, str):
        assert one == other != ""
        return
    assert file.ids(1) == member.ids(1) == [file.id(0)] == [member.id(0)]
    assert file.id(0) != ABSENT
    heads = file.heads(np.arange(1))
    assert heads == member.heads(np.arange(1))
    assert file.deep_range(heads) == member.deep_range(heads)
    assert file.ground(heads) == member.ground(heads)


def test_pages_of_bytes_are_counted(tmp_path: Path) -> None:
    pages(tmp_path / "p.gif")
    _, member = both(tmp_path / "p.gif")
    member.picture(0, HOW)
    assert member.remarks(0) == (Remark("only the first page is used", "of 2"),)


@pytest.mark.usefixtures("decoded_here")
def test_a_picture_above_the_limit_is_refused_and_allowed_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph(tmp_path / "large.png")
    file, member = both(tmp_path / "large.png")
    monkeypatch.setattr("foveal.pictures.opening.MOST_PIXELS", 1_000)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 1_000)
    assert file.picture(0, HOW) == member.picture(0, HOW)
    assert str(file.picture(0, HOW)).startswith("more than 1,000 pixels")
    monkeypatch.setenv(LIMIT, "100000")
    np.testing.assert_array_equal(file.picture(0, HOW), member.picture(0, HOW))
    assert not isinstance(member.picture(0, HOW), str)


def test_what_is_absent_keeps_its_row_and_its_reason() -> None:
    content = EncodedContent((Absent("row 3", "no path"), InMemory("x", b"x")))
    assert content.picture(0, HOW) == "no path"
    assert content.ids(1)[0] == ABSENT == content.id(0)
    assert content.ids(1)[1] != ABSENT
    with pytest.raises(DataError, match="row 3: no path"):
        content.heads(np.array([0]))


def test_names_tell_where_it_lies() -> None:
    member = InMemory("some/shard.tar/cat/1.jpg", b"")
    assert encoded.whole_name(member) == "some/shard.tar/cat/1.jpg"
    assert encoded.last_name(member) == "1.jpg"
    assert encoded.whole_name(Path("a/b.png")) == "a/b.png"
    assert encoded.last_name(Path("a/b.png")) == "b.png"


def test_other_bytes_under_one_name_have_another_mark() -> None:
    one, other = InMemory("x", b"one"), InMemory("x", b"other")
    assert encoded.mark(one) == encoded.mark(InMemory("x", b"one")) != encoded.mark(other)
    assert encoded.seen(one) != encoded.seen(other)
    assert encoded.mark(one) != encoded.mark(InMemory("y", b"one"))


def test_too_many_bytes_are_refused() -> None:
    encoded.check_bytes(encoded.MOST_BYTES)
    with pytest.raises(Unreadable, match="1,073,741,825"):
        encoded.check_bytes(encoded.MOST_BYTES + 1)


def test_rows_are_picked_from_what_was_picked() -> None:
    every = tuple(InMemory(str(row), b"") for row in range(6))
    some = Picked(Picked(every, [5, 3, 1]), np.array([2, 0]))
    assert [one.name for one in some] == ["1", "5"]
    assert some.source is every
    assert [one.name for one in some[1:]] == ["5"]
    assert len(some) == 2


def test_a_picture_in_memory_is_decoded_by_the_one_decoder(tmp_path: Path) -> None:
    photograph(tmp_path / "p.jpg")
    data = (tmp_path / "p.jpg").read_bytes()
    np.testing.assert_array_equal(
        decode.decode(InMemory("p", data), HOW), decode.decode(tmp_path / "p.jpg", HOW)
    )
    assert decode.look(InMemory("p", data)) == decode.look(tmp_path / "p.jpg")
