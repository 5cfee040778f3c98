"""The whole way on one sheet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foveal.drawing.colours import FAINT, INK
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import drawn
from foveal.figures.way import EDGE, PICTURE, draw_way
from support.models import small_autoencoder, small_model
from support.sheets import contains, says


def picture(side: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, side, side, 1), dtype=np.uint8)


def test_each_stage_is_a_row_and_the_classes_stand_at_the_end() -> None:
    model = small_model()
    figure = draw_way(model, picture())
    assert [row[0] for row in figure.rows][:5] == ["1 to 3", "4", "5", "6", "7"]
    assert {row[1] for row in figure.rows[5:]} == {"a", "b", "c"}
    best = model.predict_proba(picture())[0].max()
    assert says(figure.image, f"{100 * best:.1f} %")
    assert says(figure.image, "16x8x8, 192 parameters", LABEL, FAINT)
    assert contains(figure.image, drawn(picture()[0] / 255, PICTURE, PICTURE))


def test_fixed_layers_are_hatched_and_updated_ones_solid() -> None:
    model = small_model()
    mixed = replace(model, plan=replace(model.plan, fixed=3))
    for one, fixed in ((model, False), (mixed, True)):
        sheet = np.asarray(draw_way(one, picture()).image)
        left = sheet[:, 32 : 32 + EDGE]
        hatched = (left == FAINT).all(axis=2).any(axis=1) & ~(left == FAINT).all(axis=(1, 2))
        assert (hatched.sum() > 40) == fixed
        assert (left == INK).all(axis=(1, 2)).sum() > 40
        assert says(draw_way(one, picture()).image, "fixed") == fixed


def test_an_autoencoder_has_a_code_and_ends_with_its_reconstruction() -> None:
    model = small_autoencoder(4)
    figure = draw_way(model, picture())
    assert says(figure.image, "decoder", BODY, FAINT)
    assert says(figure.image, f"code, layer {model.plan.encoder_layers}")
    assert figure.values.reconstruction is not None
    assert contains(figure.image, drawn(figure.values.reconstruction, PICTURE, PICTURE))


def test_a_deep_network_of_many_classes_fits_a_sheet_and_says_what_is_left_out() -> None:
    net = "1x4x4 | 250*(conv 1 1x1 | maxpool 1) | flatten | dense 10000"
    figure = draw_way(net, picture(4))
    assert figure.image.width < 1700 and figure.image.height < 6000
    assert says(figure.image, "40 of 502 rows are drawn, evenly spaced over the depth", BODY, FAINT)
    assert says(figure.image, "9,990 others", LABEL, FAINT)
