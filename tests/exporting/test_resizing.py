"""Resizing as a module of torch against Pillow itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from foveal.exporting.golden import _scene
from foveal.exporting.resizing import Resized
from foveal.pictures.decode import brought_to_size
from foveal.recipe import INTERPOLATIONS, RESIZES, PictureRecipe

SIDES = ((30, 41), (96, 65), (48, 64), (20, 30), (47, 301), (2, 2))


def apart(recipe: PictureRecipe, height: int, width: int) -> np.ndarray:
    pixels = np.rint(255 * _scene(3, height, width, 3)).astype(np.uint8)
    found = Resized(recipe)(torch.from_numpy(pixels)[None])[0].numpy()
    mode = "L" if recipe.channels == 1 else "RGB"
    wanted = np.asarray(brought_to_size(Image.fromarray(pixels), recipe).convert(mode))
    assert np.array_equal(found, np.rint(found)) and found.min() >= 0 and found.max() <= 255
    return np.abs(found - wanted.reshape(found.shape).astype(float))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("resize", RESIZES)
def test_pictures_are_resized_as_pillow_does(
    resize: str, interpolation: str, channels: int
) -> None:
    recipe = PictureRecipe(
        height=48,
        width=64,
        channels=channels,
        resize=resize,
        interpolation=interpolation,
        kept=0.875,
    )
    for height, width in SIDES:
        found = apart(recipe, height, width)
        ties = interpolation == "nearest" and resize == "letterbox"  # Pillow rounds ties as it goes
        assert found.max() <= (255 if ties else 3), (height, width, found.max())
        assert (found > 1).mean() < (0.05 if ties else 0.001)


def test_another_filter_is_seen_to_differ() -> None:
    recipe = PictureRecipe(height=12, width=16, channels=3, interpolation="bilinear")
    other = PictureRecipe(height=12, width=16, channels=3, interpolation="lanczos")
    pixels = np.rint(255 * _scene(3, 90, 70, 3)).astype(np.uint8)
    found = Resized(recipe)(torch.from_numpy(pixels)[None])[0].numpy()
    wanted = np.asarray(brought_to_size(Image.fromarray(pixels), other))
    assert (np.abs(found - wanted) > 1).mean() > 0.1
