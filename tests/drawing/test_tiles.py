"""Tiles: where each number stands, and in which colour."""

from __future__ import annotations

import numpy as np

from foveal.drawing.colours import FAINT, INK, PALE
from foveal.drawing.text import LABEL
from foveal.drawing.tiles import as_colours, tile_grid
from support.sheets import find, says


def tiles(rows: int, columns: int, high: int = 2, wide: int = 3) -> np.ndarray:
    shape = (rows, columns, high, wide, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def block(tile: np.ndarray, factor: int) -> np.ndarray:
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def test_every_tile_stands_in_its_row_and_column_enlarged_by_a_whole_factor() -> None:
    given = tiles(2, 3)
    sheet = tile_grid(given, 32, rows=["up", "down"], columns=[["0"], ["1"], ["2"]])
    places = [
        [find(sheet, block(given[row, column], 10)) for column in range(3)] for row in range(2)
    ]
    lefts = [[place[0] for place in row] for row in places]
    tops = [[place[1] for place in row] for row in places]
    assert lefts[0] == lefts[1] and lefts[0] == sorted(set(lefts[0]))
    assert len(set(tops[0])) == len(set(tops[1])) == 1 and tops[0] < tops[1]
    assert says(sheet, "up", LABEL, FAINT) and says(sheet, "2", LABEL, FAINT)
    left, top = places[0][0]
    assert sheet.getpixel((left - 1, top)) == sheet.getpixel((left, top - 1)) == PALE


def test_a_marked_column_has_a_frame_and_its_word() -> None:
    given = tiles(1, 3)
    plain = tile_grid(given, 32, columns=[["0"], ["1"], ["2"]])
    sheet = tile_grid(
        given, 32, columns=[["0", ""], ["1", "dead"], ["2", ""]], marked=[False, True, False]
    )
    assert says(sheet, "dead") and not says(plain, "dead")
    dark = np.argwhere((np.asarray(sheet) == INK).all(axis=2))
    left, top = find(sheet, block(given[0, 1], 10))
    frame = dark[dark[:, 0] < top + 24]
    assert frame[:, 1].min() < left and frame[:, 1].max() > left + 29
    assert frame[:, 1].min() > find(sheet, block(given[0, 0], 10))[0] + 29
    assert find(sheet, block(given[0, 1], 10)) and find(sheet, block(given[0, 2], 10))


def test_what_is_wider_than_the_sheet_goes_on_below() -> None:
    given = tiles(1, 10)
    sheet = tile_grid(given, 32, columns=[[str(one)] for one in range(10)], widest=200)
    assert sheet.width <= 200
    tops = [find(sheet, block(given[0, one], 10))[1] for one in range(10)]
    assert len(set(tops)) == 2 and tops == sorted(tops)


def test_rows_of_single_numbers_may_be_dense() -> None:
    given = tiles(20, 4, 1, 1)
    sheet = tile_grid(given, 32, dense=True)
    assert sheet.height == 20 * 4 + 8
    assert find(sheet, given[:, 0, 0, 0][:, None].repeat(4, axis=0).repeat(32, axis=1))


def test_a_large_matrix_loses_some_of_its_numbers_and_stays_small() -> None:
    sheet = tile_grid(tiles(1, 1, 3, 2000), 32)
    assert sheet.width <= 300


def test_signed_numbers_of_three_channels_become_one_colour_around_grey() -> None:
    values = np.zeros((2, 3, 1, 2))
    values[0, :, 0, 0] = [2, -2, 0]
    values[1, 0, 0, 1] = np.nan
    found = as_colours(values, 2)
    assert found.shape == (2, 1, 2, 3)
    assert found[0, 0, 0].tolist() == [255, 0, 128]
    assert (found[1] == 128).all()
    assert (as_colours(values, 0) == 128).all()
