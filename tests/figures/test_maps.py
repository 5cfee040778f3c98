"""Sheets of feature maps."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.cells import map_tile
from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY
from foveal.errors import UsageError
from foveal.figures.maps import draw_maps, own_limits
from foveal.looking.subject import NothingToSee
from support.models import small_model
from support.sheets import contains, says


def picture(side: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, side, side, 1), dtype=np.uint8)


def test_all_maps_of_a_layer_share_their_limits_unless_each_is_to_have_its_own() -> None:
    model = small_model("conv 4 3x3 relu | flatten | dense")
    (common,) = draw_maps(model, picture(), layer=1)
    (own,) = draw_maps(model, picture(), layer=1, limits="map")
    made = model.activations(picture(), 1)[0]
    high = float(made.max())
    weakest = made[made.max(axis=(1, 2)).argmin()]
    assert contains(common.image, map_tile(weakest, (0.0, high), 128, 128))
    assert not contains(common.image, map_tile(weakest, own_limits(weakest), 128, 128))
    assert contains(own.image, map_tile(weakest, own_limits(weakest), 128, 128))


def test_what_is_left_out_is_said_and_stands_in_the_table() -> None:
    model = small_model("conv 20 3x3 relu | flatten | dense")
    (figure,) = draw_maps(model, picture(), layer=1, count=6)
    text = "6 of 20 maps, the most active (greatest mean size) first; 14 left out"
    assert says(figure.image, text, BODY, FAINT)
    assert len(figure.rows) == 20 and sum(row[-1] for row in figure.rows) == 6
    shown = [row[1] for row in figure.rows if row[-1]]
    assert min(shown) >= max(row[1] for row in figure.rows if not row[-1])


def test_without_a_layer_the_first_a_middle_and_the_last_are_drawn() -> None:
    figures = draw_maps("1x8x8 | 5*(conv 3 3x3 same relu) | flatten | dense 2", picture())
    assert [one.values.number for one in figures] == ["1", "3", "5"]


def test_the_caption_says_what_made_the_maps() -> None:
    net = "1x8x8 | conv 3 3x3 same | maxpool 2 | relu | upsample 2 | flatten | dense 2"
    starts = {1: "Each square is what one kernel", 2: "Each square is a map of the layers before"}
    starts[3] = starts[2]  # an activation function only settles what is there
    for layer in (1, 2, 3, 4):
        (figure,) = draw_maps(net, picture(), layer=layer)
        assert figure.caption.startswith(starts.get(layer, "Each square is one map that the layer"))
    for pool, kept in (("maxpool", "its greatest. "), ("avgpool", "its mean. ")):
        (figure,) = draw_maps(f"1x8x8 | {pool} 2 | flatten | dense 2", picture(), layer=1)
        assert f"one number is kept, {kept}" in figure.caption


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(NothingToSee, match="feature maps"):
        draw_maps("1x8x8 | flatten | dense 2", picture())
    with pytest.raises(UsageError, match="limits: needed"):
        draw_maps("1x8x8 | conv 1 1x1", picture(), limits="own")
    with pytest.raises(UsageError, match="count: needed"):
        draw_maps("1x8x8 | conv 1 1x1", picture(), count=0)


def test_a_picture_of_one_pixel_and_two_thousand_maps_fit_a_sheet() -> None:
    (figure,) = draw_maps("1x1x1 | conv 2000 1x1", picture(1), layer=1)
    assert figure.values.left_out == 2000 - 64 and max(figure.image.size) < 1700
