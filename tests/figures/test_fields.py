"""Receptive fields on a picture."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT, INK
from foveal.drawing.outlined import outlined
from foveal.errors import UsageError
from foveal.figures.fields import LARGE, draw_fields
from foveal.looking.subject import NothingToSee
from support.sheets import contains, says

NET = "1x16x16 | conv 3 3x3 relu | maxpool 2 | conv 3 3x3 relu | flatten | dense 2"


def picture(side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, side, side, 1), dtype=np.uint8)


def test_a_pixel_that_is_named_is_framed_where_it_sees() -> None:
    figure = draw_fields(NET, picture(), layer=3, pixel=(1, 2))
    (found,) = figure.values
    shown = outlined(picture()[0] / 255, (2, 10, 4, 12), LARGE, found.effective)
    assert contains(figure.image, shown)
    assert figure.rows[0][:4] == ("3", found.channel, 1, 2)
    assert figure.rows[0][5:9] == (2, 10, 4, 12)
    assert says(figure.image, "sees 8x8 pixels", ink=(95, 99, 104))
    half = f"from {100 * found.half:.1f} % of the picture"
    assert says(figure.image, half, ink=(95, 99, 104))


def test_a_ladder_has_a_rung_for_each_layer_that_gives_maps() -> None:
    figure = draw_fields(NET, picture())
    assert [row[0] for row in figure.rows] == ["1", "2", "3"]
    assert [row[0] for row in draw_fields(NET, picture(), count=2).rows] == ["1", "3"]


def test_no_number_is_cut_however_narrow_the_picture() -> None:
    tall = np.random.default_rng(0).integers(0, 256, (1, 96, 16, 1), dtype=np.uint8)
    figure = draw_fields("1x96x16 | conv 3 3x3 relu | maxpool 2 | conv 3 3x3 relu", tall)
    for rung in figure.values:
        for line in (
            f"layer {rung.number}, {rung.layer}",
            f"{100 * rung.share:.1f} % of the picture",
            f"from {100 * rung.half:.1f} % of the picture",
        ):
            ink = INK if line.startswith("layer") else FAINT
            assert says(figure.image, line, ink=ink), line


def test_of_maps_that_were_resized_it_is_said_that_nobody_knows() -> None:
    figure = draw_fields("1x16x16 | conv 2 3x3 | resize 9x9", picture())
    assert says(figure.image, "sees: not known", ink=(95, 99, 104))


def test_what_is_not_there_is_refused_and_a_pixel_is_enough() -> None:
    with pytest.raises(UsageError, match="pixel 14,0 of layer 1"):
        draw_fields(NET, picture(), layer=1, pixel=(14, 0))
    with pytest.raises(NothingToSee, match="layer 5"):
        draw_fields(NET, picture(), layer=5)
    assert draw_fields("1x1x1 | conv 2 1x1", picture(1)).rows[0][5:9] == (0, 1, 0, 1)
