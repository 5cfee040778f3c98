"""What a picture is like, held against what SciPy and Pillow say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from foveal.checking.measures import SIDE, measure, sharpness
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
