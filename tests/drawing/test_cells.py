"""Matrices as cells of colour."""

from __future__ import annotations

import numpy as np

from foveal.drawing.cells import MARK, cells, map_tile
from foveal.drawing.colours import INK, ORANGE
from foveal.drawing.scales import viridis
from foveal.drawing.text import LABEL, words
from support.sheets import find, trimmed


def colours(*greys: int) -> np.ndarray:
    return np.array([[[grey] * 3 for grey in greys]], np.uint8)


def test_each_cell_has_its_colour_and_its_text_in_what_is_read_on_it() -> None:
    sheet = np.asarray(cells(colours(0, 255), [["12", "34"]], (40, 24)))
    assert sheet.shape == (24, 80, 3)
    assert (sheet[0, :40] == 0).all() and (sheet[0, 40:] == 255).all()
    assert sheet[:, :40].max() > 240 and sheet[:, 40:].min() < max(INK) + 10
    dark = cells(colours(255), [["34"]], (40, 24))
    assert find(dark, trimmed(words("34", LABEL))) is not None


def test_a_cell_that_is_marked_has_an_outline_of_its_own() -> None:
    sheet = np.asarray(cells(colours(9, 9, 9), None, (20, 10), (0, 1)))
    assert (sheet[:, :20] == 9).all() and (sheet[:, 40:] == 9).all()
    assert (sheet[:MARK, 20:40] == ORANGE).all() and (sheet[MARK:-MARK, 23:37] == 9).all()


def test_a_map_is_enlarged_without_blur() -> None:
    values = np.array([[0.0, 1.0], [2.0, 4.0]])
    tile = np.asarray(map_tile(values, (0, 4), 64, 64))
    assert tile.shape == (64, 64, 3)
    assert (tile[::32, ::32] == viridis(values, 0, 4)).all()
