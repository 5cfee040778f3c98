"""What lies between two pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from foveal.errors import DataError, UsageError
from foveal.looking.interpolation import interpolated
from support.models import small_autoencoder
from support.sheets import random_pictures


def test_between_two_pictures_the_codes_move_in_a_straight_line() -> None:
    model = small_autoencoder(4)
    first, second = (random_pictures(count)[:1] * 255 for count in (1, 2))
    made = interpolated(model, first, second, 5).pictures
    codes = model.encode(np.concatenate([first, second]))
    assert made.shape == (5, 8, 8, 1)
    for step in range(5):
        oracle = model.decode([(1 - step / 4) * codes[0] + step / 4 * codes[1]])[0]
        np.testing.assert_allclose(made[step], oracle, atol=1e-5)
    assert not np.allclose(made[0], made[4])


def test_ends_that_are_not_one_readable_picture_are_refused(tmp_path: Path) -> None:
    model = small_autoencoder(4)
    one = 255 * random_pictures(1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(UsageError, match="at least 2, the ends, got 1"):
        interpolated(model, one, one, 1)
    with pytest.raises(DataError, match="the ends: needed one picture each, got 3 pictures"):
        interpolated(model, one, 255 * random_pictures(3))
    with pytest.raises(
        DataError, match=r"broken\.png: needed a picture that can be read, got not a picture"
    ):
        interpolated(model, broken, one)


def test_a_network_that_gives_no_numbers_is_told_and_no_picture_is_blamed() -> None:
    model = small_autoencoder(4)
    dense = [one for one in model.network.modules() if isinstance(one, torch.nn.Linear)]
    dense[0].weight.data.fill_(np.nan)
    one = 255 * random_pictures(1)
    with pytest.raises(UsageError, match="needed a network that gives numbers"):
        interpolated(model, one, one)


def test_the_ends_are_the_pictures_and_changes_go_from_one_to_the_next() -> None:
    model = small_autoencoder(4)
    levels = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    found = interpolated(model, levels[:1], levels[1:], 3)
    np.testing.assert_allclose(found.ends[..., 0], levels / 255, atol=1e-6)
    way = [found.ends[0], *found.pictures, found.ends[1]]
    oracle = [float(np.mean((a.astype(float) - b) ** 2)) for a, b in pairwise(way)]
    np.testing.assert_allclose(found.changes, oracle, rtol=1e-6)
