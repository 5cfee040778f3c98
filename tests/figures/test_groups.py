"""Sheets of groups: each group by itself, with its pictures, its size and how alike they are."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import thumbnail
from foveal.errors import DataError, UsageError
from foveal.figures.groups import MOST, SIDE, groups_sheet
from foveal.looking.selection import seen
from foveal.pictures.sources import gather
from foveal.search.groups import picture_groups
from support.models import small_autoencoder
from support.sheets import contains, says

NUMBERS = [0, 1, 2, 1, *[3] * 12, 4, 4]
"""Which of five pictures each row is."""


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)[NUMBERS]


def test_groups_stand_by_themselves_the_largest_first() -> None:
    model = small_autoencoder(4)
    found = picture_groups(model, images())
    figure = groups_sheet(model, found)
    drawn = [thumbnail(one, (SIDE, SIDE)) for one in seen(model, gather(images()))]
    for row in (1, 4, 16):
        assert contains(figure.image, drawn[row])
    for row in (0, 2):
        assert not contains(figure.image, drawn[row]), "it stands alone"
    for text in ("1. 12 pictures, 10 of them drawn", "2. 2 pictures", "3. 2 pictures"):
        assert says(figure.image, text)
    assert says(figure.image, "equal", LABEL, FAINT)
    assert says(figure.image, "3 groups of 16 pictures among 18; 2 stand alone", BODY, FAINT)
    assert figure.columns == ("path", "group", "drawn") and len(figure.rows) == 18
    assert sum(drawn for _, _, drawn in figure.rows) == MOST + 2 + 2
    assert [group for _, group, _ in figure.rows] == found.numbers.tolist()


def test_of_many_groups_the_largest_are_drawn_and_it_is_said() -> None:
    model = small_autoencoder(4)
    figure = groups_sheet(model, picture_groups(model, images()), count=1)
    assert says(figure.image, "1. 12 pictures, 10 of them drawn")
    assert not says(figure.image, "2. 2 pictures")
    assert says(figure.image, "the largest is drawn", BODY, FAINT)
    figure = groups_sheet(model, picture_groups(model, images()), count=2)
    assert says(figure.image, "the 2 largest are drawn", BODY, FAINT)


def test_no_groups_and_no_count_are_refused() -> None:
    model = small_autoencoder(4)
    with pytest.raises(DataError, match="none among 3 pictures"):
        groups_sheet(model, picture_groups(model, images()[:3]))
    with pytest.raises(UsageError, match="count"):
        groups_sheet(model, picture_groups(model, images()), count=0)
