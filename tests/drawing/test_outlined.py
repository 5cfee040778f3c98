"""A part of a picture outlined, the rest dimmed."""

from __future__ import annotations

import numpy as np

from foveal.drawing.colours import ORANGE
from foveal.drawing.outlined import DIMMED, OUTLINE, outlined

WHITE = np.ones((8, 8, 1))


def test_what_lies_outside_is_dimmed_and_a_line_is_drawn_around_the_part() -> None:
    sheet = np.asarray(outlined(WHITE, (2, 5, 3, 6), 64))
    assert sheet.shape == (64, 64, 3)
    assert (sheet[16:40, 24:48] == 255).all()
    assert (sheet[16 - OUTLINE : 16, 24:48] == ORANGE).all()
    assert (sheet[16:40, 48 : 48 + OUTLINE] == ORANGE).all()
    assert (sheet[0, 0] == round(255 * DIMMED)).all() and (sheet[50, 10] == sheet[0, 0]).all()


def test_the_whole_picture_has_its_line_within() -> None:
    sheet = np.asarray(outlined(WHITE, (0, 8, 0, 8), 64))
    assert (sheet[:OUTLINE] == ORANGE).all() and (sheet[:, -OUTLINE:] == ORANGE).all()
    assert (sheet[OUTLINE:-OUTLINE, OUTLINE:-OUTLINE] == 255).all()


def test_nothing_is_outlined_where_there_is_nothing() -> None:
    sheet = np.asarray(outlined(WHITE, (0, 0, 0, 0), 64))
    assert (sheet == round(255 * DIMMED)).all()


def test_the_glow_is_strongest_where_the_shares_are_and_stays_inside() -> None:
    shares = np.zeros((8, 8))
    shares[3, 4] = shares[7, 7] = 0.5
    sheet = np.asarray(outlined(WHITE, (2, 5, 3, 6), 64, shares)).astype(int)
    assert sheet[28, 36, 2] < sheet[18, 26, 2] <= 255
    assert (sheet[-1, -1] == round(255 * DIMMED)).all()
