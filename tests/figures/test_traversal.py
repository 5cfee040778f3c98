"""The sheet of what each number of a code does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY, LABEL, number
from foveal.drawing.thumbnails import fitted, thumbnail
from foveal.errors import UsageError
from foveal.figures.traversal import SIDE, draw_traversal
from support.digits import DIGITS, as_bytes
from support.models import small_autoencoder
from support.sheets import contains, says

PICTURES = as_bytes(DIGITS[:25])


def test_each_row_is_one_number_with_its_range() -> None:
    figure = draw_traversal(small_autoencoder(4), PICTURES, count=2, steps=3)
    found = figure.values
    assert found.pictures.shape == (2, 3, 8, 8, 1)
    for row, which in enumerate(found.numbers):
        low, high = found.ranges[which]
        assert says(figure.image, f"number {which}", BODY)
        assert says(figure.image, f"{number(low)} to {number(high)}", LABEL, FAINT)
        for picture in found.pictures[row]:
            assert contains(figure.image, thumbnail(picture, fitted(8, 8, SIDE)))
    told = "those first that change the picture most; 2 numbers left out"
    assert says(figure.image, told, BODY, FAINT)
    assert [row[:3] for row in figure.rows] == [
        (which, step, found.steps[row, step])
        for row, which in enumerate(found.numbers)
        for step in range(3)
    ]


def test_it_is_said_where_no_change_can_be_seen() -> None:
    told = "none changes any pixel by as much as one can see, 1 of 255 levels"
    coder = small_autoencoder(4)
    with torch.no_grad():
        for weights in coder.network.parameters():
            weights.mul_(0)
    figure = draw_traversal(coder, PICTURES, count=2, steps=3)
    assert figure.values.largest < 1 / 255 and says(figure.image, told, BODY, FAINT)
    seen = draw_traversal(small_autoencoder(4), PICTURES, count=2, steps=3)
    assert seen.values.largest == np.abs(seen.values.pictures - seen.values.pictures[:, :1]).max()
    assert says(seen.image, told, BODY, FAINT) == (seen.values.largest < 1 / 255)


def test_counts_out_of_range_are_refused() -> None:
    for wrong in ({"count": 0}, {"steps": 1}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            draw_traversal(small_autoencoder(4), PICTURES, **wrong)
