"""A kernel made by hand on its way over a picture: sheet, frames and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from foveal.drawing.colours import FAINT, ORANGE, PALE
from foveal.drawing.scales import diverging
from foveal.drawing.text import BODY, HEADING, LABEL
from foveal.figures.designed import CELL, draw_designed, kernel_cells, steps
from foveal.looking.convolutions import limit_of
from foveal.looking.designed import KERNELS
from support.models import small_model
from support.sheets import contains, find, says

LEVELS = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)


def model(side: int = 8, channels: int = 1):
    return small_model("conv 4 3x3 | flatten | dense", side=side, channels=channels)


def enlarged(tile: np.ndarray, factor: int) -> np.ndarray:
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def test_the_sheet_shows_picture_kernel_and_map() -> None:
    figure = draw_designed(model(), LEVELS)
    grey = np.repeat(LEVELS[0, :, :, None], 3, axis=2)
    assert contains(figure.image, enlarged(grey, 32))
    assert contains(figure.image, kernel_cells(np.array(KERNELS["sobel"])))
    made = figure.values.map
    assert contains(figure.image, enlarged(diverging(made, limit_of(made)), 42))
    assert says(figure.image, "A kernel designed by hand: sobel", HEADING)
    assert says(figure.image, "8x8", LABEL, FAINT) and says(figure.image, "sobel", LABEL)


def test_a_map_as_bright_as_its_picture_is_drawn_as_a_picture() -> None:
    figure = draw_designed(model(), LEVELS, "blur")
    levels = np.rint(255 * figure.values.map).astype(np.uint8)
    assert contains(figure.image, enlarged(np.repeat(levels[..., None], 3, axis=2), 42))


def test_each_frame_has_one_more_number_of_the_map_and_the_place_it_comes_from() -> None:
    figure = draw_designed(model(), LEVELS)
    assert len(figure.frames) == 36
    assert len({frame.size for frame in figure.frames}) == 1
    made = figure.values.map
    colours = diverging(made, limit_of(made))
    for done in (1, 14, 36):
        part = colours.copy()
        part.reshape(-1, 3)[done:] = PALE
        frame = figure.frames[done - 1]
        assert contains(frame, enlarged(part, 42))
        row, column = divmod(done - 1, 6)
        value = f"row {row}, column {column}: the sum of products is"
        assert says(frame, f"{value} {made[row, column]:#.3g}", LABEL, FAINT)
    orange = np.argwhere((np.asarray(figure.frames[14]) == ORANGE).all(axis=2))
    left, top = find(figure.frames[14], enlarged(np.array([[ORANGE]], np.uint8), 2))
    (low, first), (high, last) = orange.min(axis=0), orange.max(axis=0)
    # Two pixels of outline around 3x3 pixels of 32, of row 2 and column 2.
    assert (high - low + 1, last - first + 1) == (3 * 32 + 4, 3 * 32 + 4)
    plain = enlarged(np.repeat(LEVELS[0, :2, :2, None], 3, axis=2), 32)
    corner = find(figure.frames[35], plain)
    assert corner is not None and (left, top) == (corner[0] + 64 - 2, corner[1] + 64 - 2)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (9, 8), (30, 30), (222, 222), (4_000, 3_000)])
def test_frames_are_bounded_and_the_last_one_is_the_whole_map(shape: tuple[int, int]) -> None:
    found = steps(*shape)
    assert found == sorted(set(found))
    assert found[0] == 1 and found[-1] == shape[0] * shape[1] and len(found) <= 64


def test_the_numbers_are_the_weights_and_the_map() -> None:
    figure = draw_designed(model(), LEVELS)
    rows = {row[:3]: row[3] for row in figure.rows}
    assert len(rows) == 9 + 36
    assert rows["kernel", 1, 2] == 2 and rows["map", 3, 5] == figure.values.map[3, 5]
    large = np.random.default_rng(0).integers(0, 256, (1, 120, 120), dtype=np.uint8)
    figure = draw_designed(model(120), large)
    assert [row[0] for row in figure.rows[9:]] == ["map: least", "map: mean", "map: greatest"]
    assert len(figure.frames) <= 64


def test_a_kernel_too_large_for_numbers_is_drawn_without_them() -> None:
    kernel = np.random.default_rng(0).standard_normal((8, 2))
    figure = draw_designed(model(), LEVELS, kernel)
    assert contains(figure.image, enlarged(diverging(kernel, np.abs(kernel).max()), 32))
    assert figure.values.map.shape == (1, 7)


def test_weights_are_written_alike_in_square_cells() -> None:
    assert kernel_cells(np.array([[1, -2, 0]])).size == (3 * CELL, CELL)
    for weights in ([[0.1, -0.0327]], [[-1e-5, 12345.678]]):
        wide, high = kernel_cells(np.array(weights)).size
        assert wide == 2 * high


def test_a_kernel_like_the_negative_of_a_designed_one_is_called_reversed() -> None:
    trained = model()
    with torch.no_grad():
        trained.network[0].weight[1, 0] = -torch.tensor(KERNELS["sobel"])
    figure = draw_designed(trained, LEVELS)
    assert figure.values.alike is not None and figure.values.alike.kernel == 1
    told = "Kernel 1 of layer 1, of the network's own the most like it, reversed: cosine -1.00"
    assert says(figure.image, told, BODY)
    assert "it finds them in training" in figure.caption


def test_of_an_untrained_network_nothing_is_said_to_be_learned() -> None:
    figure = draw_designed("1x8x8 | conv 4 3x3 | flatten | dense 2", LEVELS)
    assert "before any training" in figure.caption and "finds them" not in figure.caption


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_pictures_of_several_planes(channels: int, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (1, 8, 8, channels), dtype=np.uint8)
    figure = draw_designed(model(channels=channels), levels)
    assert figure.values.alike is not None
    assert [path.suffix for path in figure.save(tmp_path / "f.png")] == [".png", ".csv", ".webp"]
