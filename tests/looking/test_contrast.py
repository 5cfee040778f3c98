"""Where there is something to see in a picture."""

from __future__ import annotations

import numpy as np

from foveal.looking.contrast import content, contrast, in_content, worth_seeing
from foveal.nets.plan import plan


def letterboxed() -> np.ndarray:
    """Make a picture with even bars above and below, faint at the left, strong at the right."""
    found = np.full((1, 32, 32), 0.5)
    found[0, 8:24] += 0.01 * (np.indices((16, 32)).sum(axis=0) % 2)
    found[0, 8:24, 20:] = np.indices((16, 12)).sum(axis=0) % 2
    return found


def test_content_lies_between_even_bars_and_an_even_picture_is_all_content() -> None:
    two = np.stack([letterboxed(), np.full((1, 32, 32), 0.3)])
    assert content(two).tolist() == [[8, 24, 0, 32], [0, 32, 0, 32]]


def test_contrast_is_none_in_bars_and_greatest_where_pixels_differ_most() -> None:
    found = contrast(letterboxed())
    assert not found[:8].any() and not found[24:].any()
    assert found[16, 26] > 10 * found[16, 5] > 0


def test_pixels_of_maps_that_lie_in_bars_are_found() -> None:
    layer = plan("1x32x32 | conv 2 4x4 stride 4 | flatten | dense 2").layers[0]
    found = in_content(layer, content(letterboxed()[None]), (32, 32))
    assert found.shape == (1, 8, 8)
    assert found[0].all(axis=1).tolist() == [False] * 2 + [True] * 4 + [False] * 2
    assert in_content(layer, content(np.zeros((1, 1, 32, 32))), (32, 32)).all()


def test_pixels_worth_seeing_see_contrast_and_no_padding() -> None:
    padded = plan("1x32x32 | conv 2 5x5 same | flatten | dense 2").layers[0]
    found = worth_seeing(padded, letterboxed())
    rows, columns = np.nonzero(found)
    assert rows.min() >= 10 and rows.max() <= 21  # 5x5 pixels between the bars
    assert columns.min() >= 17 and columns.max() <= 29
    assert worth_seeing(padded, np.zeros((1, 32, 32))).any()


def test_where_every_pixel_sees_padding_some_are_worth_seeing_all_the_same() -> None:
    wide = plan("1x8x8 | conv 2 15x15 same | flatten | dense 2").layers[0]
    assert worth_seeing(wide, np.random.default_rng(0).random((1, 8, 8))).any()
