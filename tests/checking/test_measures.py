"""What a picture is like, held against what SciPy and Pillow say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from foveal.checking.measures import SIDE, measure, sharpness
from foveal.pictures import decode
from foveal.pictures.sources import gather
from support.photographs import photograph


def test_sharpness_is_the_deviation_of_the_laplacian_in_the_sharpest_tile() -> None:
    grey = np.random.default_rng(0).random((34, 42))
    grey[:8, :10] *= 5  # the sharpest
    whole = ndimage.laplace(grey)[1:-1, 1:-1]
    tiles = [whole[8 * i : 8 * i + 8, 10 * j : 10 * j + 10] for i in range(4) for j in range(4)]
    assert np.isclose(sharpness(grey), max(tile.std() for tile in tiles))


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (3, 3), (4, 300)])
def test_sharpness_of_the_smallest_pictures_is_a_number(shape: tuple[int, int]) -> None:
    assert np.isfinite(sharpness(np.random.default_rng(0).random(shape)))


def test_files_are_measured_as_they_are(tmp_path: Path) -> None:
    picture = photograph(0, 300, 600)
    picture.save(tmp_path / "a.png")
    picture.filter(ImageFilter.GaussianBlur(9)).save(tmp_path / "b.png")
    picture.convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    Image.fromarray(np.full((5, 7), 51, np.uint8)).save(tmp_path / "d.bmp")
    found = measure(gather(tmp_path), threads=1)
    assert found.heights.tolist() == [300, 300, 300, 5] and SIDE < 600
    assert found.modes == ("colour", "colour", "CMYK", "grey")
    assert found.formats == ("PNG", "PNG", "JPEG", "BMP")
    assert found.sharpness[1] < found.sharpness[0] / 5
    assert np.isclose(found.mean[3], 0.2) and found.spread[3] == 0
    assert found.coloured.tolist() == [True, True, True, False]
    assert len(set(found.hashes.tolist())) == 4


def test_the_ends_of_a_picture_are_not_single_pixels() -> None:
    images = np.full((1, 64, 64), 100, np.uint8)
    images[0, 0, 0] = 255
    found = measure(gather(images), threads=1)
    assert np.isclose(found.light[0], 100 / 255) and np.isclose(found.spread[0], 0)
    images[0, :3, :3] = 255  # a small thing
    assert measure(gather(images), threads=1).spread[0] > 0.5


@pytest.mark.usefixtures("decoded_here")
def test_what_was_measured_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for number in range(4):
        photograph(number, 200, 300).save(folder / f"{number}.png")
    Image.fromarray(np.full((9, 9, 4), 40, np.uint8)).save(folder / "clear.png")
    (folder / "wreck.png").write_bytes(b"no picture")
    told: list[int] = []
    first = measure(gather(folder), threads=1)
    real, decoded = decode.decode, list[str]()

    def counted(picture: Path, *rest: object) -> object:
        decoded.append(picture.name)
        return real(picture, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(decode, "decode", counted)
    folder.rename(tmp_path / "other")
    (tmp_path / "other" / "0.png").rename(tmp_path / "other" / "zero.png")
    again = measure(gather(tmp_path / "other"), threads=2, progress=lambda row, _: told.append(row))
    assert decoded == ["wreck.png"]  # what cannot be read is tried again
    assert told == [1, 2, 3, 4, 5, 6]
    order = [1, 2, 3, 4, 5, 0]
    for name in ("heights", "widths", "dark", "light", "spread", "mean", "sharpness", "coloured"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name)[order])
    np.testing.assert_array_equal(again.hashes, first.hashes[order])
    np.testing.assert_array_equal(again.small, first.small[order])
    for name in ("modes", "formats", "remarks"):
        assert list(getattr(again, name)) == [getattr(first, name)[row] for row in order]


def test_pictures_measured_otherwise_are_measured_anew(tmp_path: Path) -> None:
    picture = photograph(0, 100, 120)
    picture.save(tmp_path / "a.png")
    first = measure(gather(tmp_path), threads=1)
    for name in "bcd":
        picture.resize((60, 50)).save(tmp_path / f"{name}.png")  # all are brought to this side
    again = measure(gather(tmp_path), threads=1)
    assert again.sharpness[0] != first.sharpness[0]


def test_what_is_kept_damaged_is_measured_anew(tmp_path: Path, cache: Path) -> None:
    photograph(0, 100, 120).save(tmp_path / "a.png")
    first = measure(gather(tmp_path), threads=1)
    with sqlite3.connect(cache / "contents" / "measures.sqlite") as base:
        base.execute("UPDATE kept SET value = ?", (b'{"head": []}',))
    base.close()
    np.testing.assert_array_equal(measure(gather(tmp_path), threads=1).small, first.small)
    np.testing.assert_array_equal(measure(gather(tmp_path), threads=1).mean, first.mean)
