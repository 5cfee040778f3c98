"""The sheet of what kernels like."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT, ORANGE
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import fitted, marked, thumbnail
from foveal.errors import UsageError
from foveal.figures.favourites import TILE, draw_favourites
from foveal.figures.looks import Asked, looks
from foveal.looking.subject import NothingToSee, subject_of
from foveal.nets.plan import plan
from foveal.pictures.sources import gather
from support.digits import DIGITS, as_bytes
from support.sheets import contains, says

NET = plan("1x8x8 | conv 3 3x3 | relu | conv 4 7x7 same | flatten | dense 2")
PICTURES = as_bytes(DIGITS[:12])


def test_each_kernel_stands_with_its_patches_and_what_it_answers() -> None:
    figure = draw_favourites(NET, PICTURES, layer=1, count=2)
    (found,) = figure.values
    for kernel, patches in zip(found.kernels, found.patches, strict=True):
        assert says(figure.image, f"kernel {kernel}", LABEL)
        for one in patches:
            assert contains(figure.image, thumbnail(one.patch, fitted(3, 3, TILE)))
    assert says(figure.image, "3x6x6; each number sees 3x3 pixels; 2 of 3 kernels", LABEL, FAINT)
    assert says(figure.image, "out of 12 pictures; of a picture one patch at most", BODY, FAINT)


def test_of_whole_pictures_the_place_is_marked() -> None:
    figure = draw_favourites(NET, PICTURES, layer=3, count=1)
    (one, *_) = figure.values[0].patches[0]
    whole = thumbnail(one.patch, fitted(8, 8, TILE))
    row, column = one.mark
    shown = marked(whole, (row + 0.5) / 8, (column + 0.5) / 8)
    assert (np.asarray(shown) == ORANGE).all(axis=2).any()
    assert contains(figure.image, shown)


def test_the_numbers_say_of_each_patch_where_it_is_from() -> None:
    figure = draw_favourites(NET, PICTURES)
    oracle = [
        (layer.number, kernel, place, one.name, one.value, *one.pixel, *one.box)
        for layer in figure.values
        for kernel, patches in zip(layer.kernels, layer.patches, strict=True)
        for place, one in enumerate(patches, start=1)
    ]
    assert list(figure.rows) == oracle
    assert len(figure.columns) == len(oracle[0])
    assert [layer.level for layer in figure.values] == ["low-level", "high-level"]


def test_few_pictures_are_said_and_are_no_look() -> None:
    figure = draw_favourites(NET, PICTURES[:1])
    told = "so few say little of what a kernel likes: name a folder of pictures"
    assert says(figure.image, told, BODY, FAINT)
    asked = Asked(subject=subject_of(NET), pictures=gather(PICTURES[:9]))
    with pytest.raises(NothingToSee, match="more than 9 pictures"):
        list(looks(asked, ["favourites"]))


def test_at_least_one_kernel_is_drawn() -> None:
    with pytest.raises(UsageError, match="count"):
        draw_favourites(NET, PICTURES, count=0)
