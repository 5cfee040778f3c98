"""Rows of pictures: their names, their labels, and what they must fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foveal.errors import DataError
from foveal.pictures.adaptation import check_fits
from foveal.pictures.collection import Numbered, Pictures
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe


def table(pictures: Pictures) -> list[tuple[str, str | None, str]]:
    """Rows as (name, label, part)."""
    count = len(pictures)
    labels = [None] * count if pictures.labels is None else pictures.labels.tolist()
    parts = [""] * count if pictures.parts is None else pictures.parts.tolist()
    return list(zip(pictures.names, labels, parts, strict=True))


def test_numbered_names_behave_like_a_list() -> None:
    names, plain = Numbered(5), ["0", "1", "2", "3", "4"]
    assert list(names) == plain
    assert (names[-1], len(names), "3" in names) == ("4", 5, True)
    assert list(names[1:3]) == plain[1:3]
    with pytest.raises(IndexError, match="out of range"):
        names[5]


def test_labels_beside_must_be_as_many() -> None:
    pictures = gather(np.zeros((3, 4, 4)))
    labels = pictures.labelled(np.array(["a", "b", "a"])).labels
    assert labels is not None
    assert labels.tolist() == ["a", "b", "a"]
    with pytest.raises(DataError, match="needed 3 labels, one a picture, got 2"):
        pictures.labelled(np.array(["a", "b"]))


def test_pictures_come_into_the_test_part_beside_those_that_are_there() -> None:
    pictures = Pictures.of_array(np.zeros((4, 2, 2, 1), np.uint8))
    parts = np.array(["train", "", "validation", "test"])
    assert pictures.tested(np.array([1])).parts.tolist() == ["", "test", "", ""]
    named = replace(pictures, parts=parts).tested(np.array([1]))
    assert named.parts.tolist() == ["train", "test", "validation", "test"]
    assert parts.tolist() == ["train", "", "validation", "test"]


def test_arrays_must_fit_the_recipe() -> None:
    recipe = PictureRecipe(height=4, width=5, channels=1)
    array = np.zeros((2, 4, 5, 1))
    assert check_fits(array, recipe) is array
    with pytest.raises(DataError, match=r"pictures of 4x5 with 1 channel, as in fit"):
        check_fits(np.zeros((2, 5, 4, 1)), recipe)
