"""Small pictures, drawn: their pixels and their sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.drawing.colours import BLUE, ORANGE, PALE
from foveal.drawing.thumbnails import (
    DARKEST,
    LIGHTEST,
    drawn,
    fitted,
    hairlined,
    over_grey,
    thumbnail,
)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))
@settings(max_examples=30)
def test_small_pictures_are_enlarged_by_a_whole_factor_and_never_blurred(
    height: int, width: int, channels: int
) -> None:
    levels = np.random.default_rng(height).integers(0, 256, (height, width, channels))
    factor = 128 // max(height, width)
    oracle = levels.repeat(factor, axis=0).repeat(factor, axis=1)
    found = np.asarray(drawn(levels / 255))
    assert (found == np.broadcast_to(oracle, found.shape)).all()


@pytest.mark.parametrize(
    ("sides", "drawn_as"),
    [
        ((1, 1), (128, 128)),
        ((28, 28), (112, 112)),
        ((64, 65), (64, 65)),
        ((256, 100), (256, 100)),
        ((257, 100), (129, 50)),
        ((1, 2000), (1, 250)),
    ],
)
def test_sizes_of_drawn_pictures(sides: tuple[int, int], drawn_as: tuple[int, int]) -> None:
    assert drawn(np.zeros((*sides, 1))).size == drawn_as[::-1]


def test_two_and_four_channels_are_drawn_as_their_mean_and_nothing_leaves_black_and_white() -> None:
    four = np.array([[[0.0, 0.2, 0.4, 0.6]]])
    assert drawn(four).getpixel((5, 5)) == (77, 77, 77)  # 0.3 of 255
    assert drawn(np.array([[[-3.0, 0.5, 9.0]]])).getpixel((0, 0)) == (0, 128, 255)
    assert drawn(np.array([[[np.nan]]])).getpixel((0, 0)) == (0, 0, 0)


def test_overlays_are_soft_grey_where_nothing_is_and_one_hue_where_all_is() -> None:
    red = np.zeros((1, 3, 3))
    red[..., 0] = 1.0
    grey = 255 * (DARKEST + (LIGHTEST - DARKEST) * 0.299)
    left, middle, right = (
        over_grey(red, np.array([[0.0, 0.5, 1.0]]), 3).getpixel((column, 0)) for column in range(3)
    )
    below = over_grey(red, np.array([[-0.5, -1.0, -7.0]]), 3)
    assert below.getpixel((0, 0)) == tuple(round((grey + part) / 2) for part in BLUE)
    assert below.getpixel((1, 0)) == below.getpixel((2, 0)) == BLUE
    assert left == (round(grey),) * 3
    assert middle == tuple(round((grey + part) / 2) for part in ORANGE)
    assert right == ORANGE


def test_a_white_picture_ends_at_a_hairline() -> None:
    white = np.asarray(hairlined(drawn(np.ones((8, 8, 1)))))
    assert white.shape == (130, 130, 3)
    assert (white[1:-1, 1:-1] == 255).all()
    for edge in (white[0], white[-1], white[:, 0], white[:, -1]):
        assert (edge == PALE).all()


@given(st.integers(1, 700), st.integers(1, 700), st.integers(8, 512))
def test_thumbnails_keep_their_aspect_and_are_about_as_large_as_asked(
    height: int, width: int, side: int
) -> None:
    wide, high = fitted(height, width, side)
    longest = max(wide, high)
    if max(height, width) <= side:
        assert wide % width == high % height == 0 and wide // width == high // height
        assert 2 / 3 * side <= longest <= 3 / 2 * side
    else:
        assert longest == side
        assert abs(high - height * side / max(height, width)) <= 1


def test_thumbnails_are_enlarged_without_blur_and_reduced_by_averages() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (5, 4, 1)) / 255
    large = np.asarray(thumbnail(levels, fitted(5, 4, 20)))
    assert (large[..., 0] == np.rint(255 * levels[..., 0]).repeat(4, 0).repeat(4, 1)).all()
    halves = np.zeros((100, 100, 1))
    halves[::2] = 1.0
    small = np.asarray(thumbnail(halves, fitted(100, 100, 50)))
    assert small.shape[:2] == (50, 50) and np.ptp(small.astype(int)) <= 1
    assert abs(int(small[0, 0, 0]) - 128) <= 1
