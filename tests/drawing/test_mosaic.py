"""Mosaics: which points are pictures, and that every other one is a point beneath."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from foveal.drawing.colours import CLASSES, WHITE
from foveal.drawing.mosaic import EXTENT, FRAME, GAP, SIDES, arranged, mosaic
from foveal.drawing.thumbnails import drawn, framed
from foveal.errors import UsageError
from support.sheets import find

GREY = Image.new("RGB", (64, 64), (128, 128, 128))


@pytest.mark.parametrize(("count", "height", "width"), [(500, 8, 8), (5_000, 48, 64)])
def test_of_each_cell_the_point_nearest_to_its_middle_is_drawn(
    count: int, height: int, width: int
) -> None:
    points = np.random.default_rng(1).normal(size=(count, 2))
    found = arranged(points, height, width, 64)
    box = (found.size[0] + 2 * FRAME + GAP, found.size[1] + 2 * FRAME + GAP)
    box = (box[0], box[1] + found.lines * found.pitch)
    low, high = points.min(axis=0), points.max(axis=0)
    pixels = (points - low) * (EXTENT - max(box)) / (high - low).max()
    pixels[:, 1] = pixels[:, 1].max() - pixels[:, 1]
    pixels += np.array(box) / 2
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for row, (x, y) in enumerate(pixels.tolist()):
        cell = int(x // box[0]), int(y // box[1])
        assert cell == tuple(found.cells[row])
        off = (x - (cell[0] + 0.5) * box[0]) ** 2 + (y - (cell[1] + 0.5) * box[1]) ** 2
        best[cell] = min(best.get(cell, (np.inf, -1)), (off, row))
    assert found.rows.tolist() == sorted(row for _, row in best.values())


def points_in(image: Image.Image, colours: list[tuple[int, int, int]]) -> Counter[int]:
    """Count connected spots of each colour, by a flood fill of our own."""
    pixels = np.asarray(image).astype(int)
    counts: Counter[int] = Counter()
    for number, colour in enumerate(colours):
        left = set(map(tuple, np.argwhere((pixels == colour).all(axis=2)).tolist()))
        while left:
            edge = [left.pop()]
            counts[number] += 1
            while edge:
                y, x = edge.pop()
                for near in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                    if near in left:
                        left.remove(near)
                        edge.append(near)
    return counts


def test_every_row_is_on_the_map_as_a_picture_or_as_a_point() -> None:
    draws = np.random.default_rng(0)
    points = np.concatenate([draws.normal(size=(150, 2)), draws.normal(size=(90, 2)) + 3])
    classes = [0] * 150 + [1] * 90
    colours = [CLASSES[one] for one in classes]
    found = arranged(points, 8, 8, 64)
    assert found.each == 1
    image = mosaic(found, dict.fromkeys(found.rows.tolist(), GREY), colours)
    counts = points_in(image, list(CLASSES[:2]))  # a frame is one spot, a point another
    assert counts == {0: 150, 1: 90}


def test_pictures_stand_where_their_points_lie() -> None:
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    pictures = [drawn(np.full((8, 8, 1), 0.2 * row), 128) for row in range(4)]
    found = arranged(corners, 8, 8)
    assert found.size == (SIDES[0], SIDES[0]) and found.lines == 0
    image = mosaic(found, dict(enumerate(pictures)), [CLASSES[0]] * 4)
    places = [find(image, framed(picture, CLASSES[0], FRAME)) for picture in pictures]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = places
    assert x0 == x2 and x1 == x3 and y0 == y1 and y2 == y3
    assert x1 - x0 == y0 - y2 > 0.8 * EXTENT  # up is up


def test_few_points_are_large_and_crowded_ones_small() -> None:
    draws = np.random.default_rng(0)
    assert arranged(draws.random((6, 2)), 8, 8).size == (128, 128)
    crowd = arranged(draws.random((5_000, 2)), 8, 8)
    assert crowd.size == (64, 64)
    assert arranged(draws.random((6, 2)), 48, 64, 200).size == (192, 144)
    assert arranged(draws.random((6, 2)), 480, 640, 200).size == (200, 150)


def test_cells_that_are_too_full_say_how_many_a_point_stands_for() -> None:
    points = np.zeros((20_000, 2))
    found = arranged(points, 8, 8, 64)
    assert found.rows.tolist() == [0] and found.each > 1
    image = mosaic(found, {0: GREY}, [CLASSES[0]] * 20_000)
    room = np.asarray(image)[64 + 2 * FRAME :]
    assert (room != WHITE).any() and (room[1 - GAP // 2 :] == 255).all()
    assert arranged(np.ones((7, 2)), 8, 8).each == 1
    assert arranged(np.ones((7, 2)), 1, 64).rows.tolist() == [0]


def test_points_that_are_none_and_sides_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"points: .* shape \(3, 3\)"):
        arranged(np.eye(3), 8, 8)
    with pytest.raises(UsageError, match="1 not finite"):
        arranged([[0.0, 1.0], [np.nan, 2.0]], 8, 8)
    with pytest.raises(UsageError, match="at least 1"):
        arranged(np.empty((0, 2)), 8, 8)
    with pytest.raises(UsageError, match="thumbnail: needed 8 to 512 pixels, got 4"):
        arranged(np.eye(2), 8, 8, 4)
