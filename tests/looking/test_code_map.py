"""Maps of codes: which pictures are drawn, where, and in which colours."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.errors import UsageError
from foveal.looking import plane
from foveal.looking.code_map import PALE, ROOMY, TIGHT, class_colours, code_map, uncovered
from foveal.looking.drawing import (
    BODY,
    COLOURS,
    FAINT,
    LABEL,
    drawn,
    framed,
)
from support.sheets import contains, find, random_pictures, says


def flat(count: int, **more: object) -> plane.Plane:
    facts = {"method": "pca", "rows": np.arange(count), "codes": count, "missing": 0}
    return plane.Plane(**{**facts, "code_size": 4, "shares": (0.5, 0.25), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "side"), [(50, ROOMY), (10_000, TIGHT)])
def test_of_each_cell_the_point_nearest_to_its_middle_is_drawn(count: int, side: int) -> None:
    points = np.random.default_rng(1).normal(size=(count, 2))
    shown = uncovered(points)
    low, high = points.min(axis=0), points.max(axis=0)
    pixels = (points - low) * (1080 - side) / (high - low).max() + side / 2
    pixels[:, 1] = pixels[:, 1].max() + side / 2 - pixels[:, 1]
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for row, (x, y) in enumerate(pixels.tolist()):
        cell = int(x // side), int(y // side)
        off = (x - (cell[0] + 0.5) * side) ** 2 + (y - (cell[1] + 0.5) * side) ** 2
        best[cell] = min(best.get(cell, (np.inf, -1)), (off, row))
    assert shown.tolist() == sorted(row for _, row in best.values())
    assert len(shown) <= (1080 // side) ** 2
    assert len(shown) > 25


def test_where_roomy_cells_would_hide_most_of_few_points_they_are_tight() -> None:
    groups = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 20, axis=0)
    points = groups + np.random.default_rng(0).random((60, 2))
    pictures = random_pictures(60)
    shown = uncovered(points)
    assert 18 < len(shown) < 50
    image = code_map(points, pictures, plane=flat(60)).image
    assert contains(image, framed(drawn(pictures[shown[0]], 32, 32), PALE))


def test_thumbnails_stand_where_their_codes_lie_in_the_colour_of_their_class() -> None:
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    pictures = random_pictures(4)
    figure = code_map(corners, pictures, ["b", "a", "b", None], plane=flat(4))
    colours = {"a": COLOURS[0], "b": COLOURS[1], "no label": PALE}
    places = []
    for picture, name in zip(pictures, ("b", "a", "b", "no label"), strict=True):
        found = find(figure.image, framed(drawn(picture, 64, 64), colours[name]))
        assert found is not None
        places.append(found)
        assert says(figure.image, name)
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = places
    assert x0 == x2 and x1 == x3 and y0 == y1 and y2 == y3
    assert x1 - x0 == y0 - y2 == 14 * ROOMY  # up is up
    assert says(figure.image, "first component: 50.0 % of the variance", LABEL, FAINT)
    assert says(figure.image, "4 drawn", BODY, FAINT)


def test_maps_of_many_pictures_ask_only_for_those_they_draw() -> None:
    points = np.random.default_rng(0).normal(size=(10_000, 2))
    shown = uncovered(points)
    picture = random_pictures(1, 64, 64, 3)[0]
    figure = code_map(points, {row: picture for row in shown.tolist()}, plane=flat(10_000))
    assert sum(row[-1] for row in figure.rows) == len(shown) and len(figure.rows) == 10_000
    assert contains(figure.image, framed(drawn(picture, 32, 32), PALE))
    assert max(figure.image.size) < 1600
    assert says(figure.image, f"{len(shown)} drawn", BODY, FAINT)


def test_more_than_ten_classes_have_no_colours_and_it_is_said() -> None:
    labels: list[str | None] = [f"class {row % 11}" for row in range(22)]
    labels[3] = None
    assert class_colours(labels) == {}
    points = np.random.default_rng(0).normal(size=(22, 2))
    pictures = np.zeros((22, 8, 8, 1))
    image = code_map(points, pictures, labels, plane=flat(22)).image
    pixels = {colour for _, colour in image.getcolors(1 << 16) or []}
    assert not pixels & set(COLOURS[:7])
    assert says(
        image, "11 classes: more than the ten colours that can be told apart, so none", LABEL, FAINT
    )
    ten = class_colours(labels[11:21])
    assert list(ten) == sorted(labels[11:21]) and list(ten.values()) == list(COLOURS)
    assert len(set(COLOURS)) == 10


def test_classes_that_are_numbers_are_in_the_order_of_numbers() -> None:
    assert list(class_colours([10, 9, -1, None])) == ["-1", "9", "10"]


def test_maps_tell_what_is_left_out_and_what_tsne_means() -> None:
    facts = flat(3, method="tsne", shares=None, perplexity=0.667, codes=9, missing=2, seed=5)
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    figure = code_map(points, random_pictures(3), plane=facts, names=["x", "y", "z"])
    assert says(
        figure.image, "2 drawn; 4 between them left out; 2 pictures without a code", BODY, FAINT
    )
    assert "mean nothing" in figure.caption and "variance" not in figure.caption
    assert [row[0] for row in figure.rows] == ["x", "y", "z"]
    assert [row[-1] for row in figure.rows] == [True, True, False]
    assert [row[3] for row in figure.rows] == [None] * 3


def test_maps_refuse_labels_names_and_points_that_do_not_fit() -> None:
    points, pictures = np.eye(3)[:, :2], random_pictures(3)
    with pytest.raises(UsageError, match="labels: needed 3, one a point, got 2"):
        code_map(points, pictures, ["a", "b"], plane=flat(3))
    with pytest.raises(UsageError, match="names: needed 3, one a point, got 1"):
        code_map(points, pictures, names=["a"], plane=flat(3))
    with pytest.raises(UsageError, match=r"points: .* shape \(3, 3\)"):
        code_map(np.eye(3), pictures, plane=flat(3))
    with pytest.raises(UsageError, match="1 not finite"):
        uncovered([[0.0, 1.0], [np.nan, 2.0]])
    with pytest.raises(UsageError, match="at least 1"):
        uncovered(np.empty((0, 2)))


def test_labels_may_be_an_array_and_all_missing_labels_are_none() -> None:
    points, pictures = np.eye(3)[:, :2], random_pictures(3)
    figure = code_map(points, pictures, np.array([7, 8, 7]), plane=flat(3))
    assert [row[3] for row in figure.rows] == ["7", "8", "7"] and says(figure.image, "8")
    assert contains(figure.image, framed(drawn(pictures[1], 64, 64), COLOURS[1]))
    bare = code_map(points, pictures, plane=flat(3)).image
    assert (np.asarray(code_map(points, pictures, [None] * 3, plane=flat(3)).image) == bare).all()


def test_points_that_all_fall_together_are_one_picture() -> None:
    assert uncovered(np.ones((7, 2))).tolist() == [0]


def test_long_and_odd_names_of_classes_do_not_widen_the_map() -> None:
    labels = ["\u732b" * 300, "a" * 300, "b\udcff\n"]
    figure = code_map(np.eye(3)[:, :2], random_pictures(3), labels, plane=flat(3))
    assert figure.image.width < 1200
    assert says(figure.image, "b??")
