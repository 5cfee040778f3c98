"""Edges of two pictures: their correlation written out, and copies that are mirrored or cut."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from foveal.arrays import Array
from foveal.pictures.edges import COPY, Edges, Gradients, _correlations


def test_edges_correlate_as_they_do_when_written_out() -> None:
    draws = np.random.default_rng(0)
    one, other = draws.normal(size=(2, 2, 20, 20))
    for down, right in ((0, 0), (3, -5), (-6, 2)):
        rows = [
            (row, column)
            for row in range(20)
            for column in range(20)
            if 0 <= row - down < 20 and 0 <= column - right < 20
        ]
        a = np.array([one[:, row, column] for row, column in rows])
        b = np.array([other[:, row - down, column - right] for row, column in rows])
        both = (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())
        each = (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
        found = _correlations(Gradients(one), Gradients(other), down, right)
        assert found == pytest.approx((both, each.min()), abs=1e-9)


def scenes() -> list[Image.Image]:
    """Places in two photographs."""
    photos = [Image.fromarray(one) for one in load_sample_images().images]
    corners = [(left, top) for left, top in ((0, 0), (210, 210), (420, 0))]
    return [photo.crop((x, y, x + 200, y + 200)) for photo in photos for x, y in corners]


def small(picture: Image.Image) -> Array:
    return np.asarray(picture.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))


def cut(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Leave shares of the sides out."""
    wide, high = picture.size
    corners = (left * wide, top * high, (1 - right) * wide, (1 - bottom) * high)
    return picture.crop(tuple(map(round, corners)))


@pytest.mark.parametrize(
    "sides",
    [(0.08, 0.08, 0.08, 0.08), (0, 0.1, 0.14, 0.02), (0.05, 0, 0, 0.05), (0.1, 0.1, 0, 0)],
)
def test_a_part_of_a_picture_is_its_copy_whichever_comes_first(
    sides: tuple[float, float, float, float],
) -> None:
    whole = scenes()
    parts = [cut(one, *sides) for one in whole]
    edges = Edges([*map(small, whole), *map(small, parts)].__getitem__)
    count = len(whole)
    found = [
        max(edges.copies(row, count + row), edges.changed(row, count + row)) for row in range(count)
    ]
    assert np.mean(np.array(found) >= COPY) >= 0.9, found
    other = [
        max(edges.copies(count + row, row), edges.changed(count + row, row)) for row in range(count)
    ]
    np.testing.assert_allclose(np.array(other) > 0, np.array(found) > 0)


def test_a_mirrored_picture_is_a_copy_only_where_it_is_asked_for() -> None:
    whole = scenes()
    turned = [one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for one in whole]
    edges = Edges([*map(small, whole), *map(small, turned)].__getitem__)
    for row in range(len(whole)):
        assert edges.changed(row, len(whole) + row) > 0.95
    assert sum(edges.copies(row, len(whole) + row) > 0 for row in range(len(whole))) == 0


def test_strangers_are_no_copies_mirrored_or_as_parts() -> None:
    edges = Edges([small(one) for one in scenes()].__getitem__)
    pairs = [(one, other) for one in range(6) for other in range(one)]
    assert not any(edges.changed(*pair) for pair in pairs)


def test_pictures_without_edges_are_copies_of_none() -> None:
    flat = np.full((64, 64, 3), 9, np.uint8)
    edges = Edges([flat, small(scenes()[0]), "no such file"].__getitem__)
    assert edges.changed(0, 1) == edges.changed(1, 2) == edges.copies(0, 2) == 0
    assert edges.without == {0, 2}
