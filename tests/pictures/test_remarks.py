"""What a reader should know of how a picture was read: kept for its file, and said once."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from foveal.errors import PictureWarning
from foveal.pictures import decode
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import Unreadable
from foveal.pictures.heard import listening
from foveal.pictures.opening import MOST_PIXELS, opened
from foveal.pictures.preparing import batches
from foveal.pictures.remarks import Remark, summed
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe
from support.tiff import tiff

HOW = PictureRecipe(height=8, width=8, channels=3)
PAGES = Remark("only the first page is used", "of 3")


def frames() -> list[Image.Image]:
    return [Image.new("RGB", (8, 8), (0, 80 * index, 0)) for index in range(3)]


def remarks_on(path: Path) -> list[Remark]:
    found: list[Remark] = []
    decode.decode(path, HOW, found)
    return found


@pytest.mark.parametrize("form", ["gif", "tiff", "webp", "png", "avif"])
def test_pages_that_are_not_used_are_said(tmp_path: Path, form: str) -> None:
    first, *others = frames()
    first.save(tmp_path / f"p.{form}", save_all=True, append_images=others)
    first.save(tmp_path / f"one.{form}")
    assert remarks_on(tmp_path / f"p.{form}") == [PAGES]
    assert remarks_on(tmp_path / f"one.{form}") == []


def test_previews_of_cameras_are_no_pages(tmp_path: Path) -> None:
    first, *others = frames()
    first.save(tmp_path / "p.mpo", save_all=True, append_images=others)
    assert remarks_on(tmp_path / "p.mpo") == []


def broken_exif(path: Path) -> None:
    """Write a JPEG of which Pillow warns: its EXIF block is cut short."""
    block = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"
    Image.new("RGB", (8, 8)).save(path, exif=block)


def test_warnings_of_pillow_stand_in_the_ledger_and_nowhere_else(tmp_path: Path) -> None:
    for index in range(51):
        broken_exif(tmp_path / f"{index}.jpg")
    pictures = Pictures.of_files(sorted(tmp_path.glob("*.jpg")))
    with warnings.catch_warnings(record=True) as raw:
        warnings.simplefilter("always")
        store = open_store(pictures, HOW, threads=2)
    assert raw == []
    assert store.remarks == ["51 pictures: read with a warning"]
    assert "EXIF" in store.remarked[0][0].detail


def test_other_users_of_pillow_are_warned_as_ever(tmp_path: Path) -> None:
    broken_exif(tmp_path / "p.jpg")
    remarks_on(tmp_path / "p.jpg")
    with pytest.warns(UserWarning, match="EXIF"), Image.open(tmp_path / "p.jpg") as picture:
        picture.getexif()


def test_each_thread_hears_its_own_files() -> None:
    heard: dict[int, list[str]] = {}
    together = threading.Barrier(4)

    def listen(number: int) -> None:
        with listening() as kept:
            together.wait()
            for _ in range(50):
                TiffImagePlugin.warnings.warn(f"of {number}")  # type: ignore[attr-defined]
            heard[number] = kept

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert heard == {number: [f"of {number}"] * 50 for number in range(4)}


def test_pictures_on_their_way_to_a_model_are_told_of_by_one_warning(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.tif").write_bytes(tiff(np.zeros((8, 8, 3), np.uint8), 2, pages=3))
    Image.new("RGB", (8, 8)).save(tmp_path / "c.tif")
    pictures = Pictures.of_files([tmp_path / f"{name}.tif" for name in "cab"], list("cab"))
    with pytest.warns(PictureWarning) as said:
        list(batches(pictures, HOW, 2, 2))
    texts = [str(one.message) for one in said]
    assert texts == ["2 pictures (a, ...): only the first page is used"]


def test_a_summary_stays_short() -> None:
    many = {row: (Remark(f"kind {row}"),) for row in range(9)}
    assert summed(many) == [
        *(f"1 picture: kind {row}" for row in range(5)),
        "and 4 more remarks on pictures",
    ]


def test_large_pictures_are_allowed_by_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = 16_000
    Image.new("L", (side, side), 77).save(tmp_path / "p.jpg")
    with pytest.raises(Unreadable, match=f"set FOVEAL_MOST_PIXELS={side**2} in the environment"):
        decode.look(tmp_path / "p.jpg")
    before = decode.identity()
    monkeypatch.setenv("FOVEAL_MOST_PIXELS", str(side**2))
    assert decode.identity() != before
    assert decode.look(tmp_path / "p.jpg")[:3] == (side, side, "L")
    found = decode.decode(tmp_path / "p.jpg", HOW)
    assert (found == 77).all()
    assert remarks_on(tmp_path / "p.jpg") == []


def test_a_large_picture_is_reduced_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "MOST_PIXELS", 100)
    levels = np.arange(256, dtype=np.uint8)[None].repeat(256, axis=0)
    Image.fromarray(levels).save(tmp_path / "p.jp2")
    with opened(tmp_path / "p.jp2") as picture:
        decode._reduce(picture, (16, 16))
        assert picture.reduce == 4
    got = decode.decode(tmp_path / "p.jp2", HOW)[:, :, 0].astype(float)
    np.testing.assert_allclose(got, np.broadcast_to(15.5 + 32 * np.arange(8), (8, 8)), atol=11)


@pytest.mark.parametrize("said", ["many", "0", "-3", "1e9"])
def test_a_limit_that_is_no_number_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("FOVEAL_MOST_PIXELS", said)
    Image.new("L", (8, 8)).save(tmp_path / "p.png")
    with pytest.raises(ValueError, match="FOVEAL_MOST_PIXELS: needed a number of pixels"):
        decode.look(tmp_path / "p.png")
    assert MOST_PIXELS == 89_478_485
