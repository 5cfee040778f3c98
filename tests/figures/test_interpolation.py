"""Strips from one picture to another."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT
from foveal.drawing.text import LABEL, number
from foveal.drawing.thumbnails import drawn
from foveal.errors import UsageError
from foveal.figures.interpolation import draw_interpolation, interpolate
from foveal.looking.interpolation import Interpolation
from support.models import small_autoencoder
from support.sheets import contains, find, random_pictures, says


def test_a_strip_shows_pictures_with_titles_and_changes() -> None:
    pictures = random_pictures(4)
    found = Interpolation(names=("one", "two"), ends=pictures[[0, 3]], pictures=pictures[1:3])
    figure = draw_interpolation(found)
    places = [find(figure.image, drawn(picture)) for picture in pictures]
    assert [place[0] - places[0][0] for place in places] == [0, 138, 276, 414]
    assert figure.rows[0] == ("one", None) and figure.values is found
    assert [change for _, change in figure.rows[1:]] == pytest.approx(found.changes.tolist())
    for text in ("one", "0 %", "100 %", "two"):
        assert says(figure.image, text)
    assert says(figure.image, number(found.changes[1]), LABEL, FAINT)


def test_a_long_strip_is_broken() -> None:
    pictures = random_pictures(14, 64, 64)
    found = Interpolation(names=("one", "two"), ends=pictures[:2], pictures=pictures[2:])
    figure = draw_interpolation(found)
    places = [find(figure.image, drawn(picture)) for picture in pictures]
    assert None not in places
    assert len({top for _, top in places}) == 2 and figure.image.width < 1664


def test_an_interpolation_has_both_pictures_at_its_ends() -> None:
    model = small_autoencoder(4)
    levels = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    figure = interpolate(model, levels[:1], levels[1:], 3)
    assert [title for title, _ in figure.rows] == ["0", "0 %", "50 %", "100 %", "0"]
    for picture in levels:
        assert contains(figure.image, drawn(picture[..., None] / 255))
    with pytest.raises(UsageError, match="steps: needed at least 2"):
        interpolate(model, levels[:1], levels[1:], 1)
