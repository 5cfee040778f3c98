"""What a picture looks like before any network, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.model.appearance import SHADE, appearance
from foveal.pictures.scaling import of_bytes, of_values
from foveal.recipe import PictureRecipe


def scaled(side: int, channels: int, **changes):
    recipe = PictureRecipe(height=side, width=side, channels=channels, **changes)
    return of_values(recipe) if changes else of_bytes(recipe)


def blocks(picture: np.ndarray, side: int) -> np.ndarray:
    """Average square blocks."""
    step = len(picture) // side
    return np.array(
        [
            [
                picture[r : r + step, c : c + step].mean(axis=(0, 1))
                for c in range(0, side * step, step)
            ]
            for r in range(0, side * step, step)
        ]
    )


def test_small_copies_are_means_of_blocks_black_0_and_white_1() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    pixels, _ = appearance(images, scaled(32, 3))
    wanted = [blocks(one / 255, 8).transpose(2, 0, 1).ravel() for one in images]
    np.testing.assert_allclose(pixels, wanted, atol=1e-5)


def test_statistics_are_means_and_logarithms_of_contrast_by_scale() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    _, statistics = appearance(picture[None], scaled(8, 1))
    values = picture[..., 0] / 255
    wanted, fine = [values.mean(), np.log(values.std() + SHADE)], values
    for side in (4, 2, 1):
        coarse = blocks(fine[..., None], side)[..., 0]
        rough = fine - np.kron(coarse, np.ones((2, 2)))
        wanted.append(np.log(np.sqrt((rough**2).mean()) + SHADE))
        fine = coarse
    np.testing.assert_allclose(statistics[0], wanted, rtol=1e-5)


def test_blank_pictures_have_no_contrast_and_grey_ones_no_colour() -> None:
    blank = np.full((1, 16, 16, 3), 200, dtype=np.uint8)
    _, statistics = appearance(blank, scaled(16, 3))
    np.testing.assert_allclose(statistics[0, :3], 200 / 255, rtol=1e-5)
    np.testing.assert_allclose(statistics[0, 3:], np.log(SHADE), atol=1e-3)


@pytest.mark.parametrize("side", [1, 5, 33, 70])
def test_the_same_picture_looks_alike_in_any_range_of_values(side: int) -> None:
    images = np.random.default_rng(side).integers(0, 256, (2, side, side, 1), dtype=np.uint8)
    of_floats = appearance(images / 255 * 16 - 4, scaled(side, 1, low=-4.0, high=12.0))
    for found, wanted in zip(of_floats, appearance(images, scaled(side, 1)), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)
