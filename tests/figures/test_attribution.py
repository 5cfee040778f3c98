"""The sheet of where a classifier looked."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import drawn, over_grey
from foveal.errors import UsageError
from foveal.figures.attribution import MOST, SIDE, draw_attribution, opacities
from support.digits import DIGITS, as_bytes
from support.models import small_model
from support.sheets import contains, says

PICTURES = as_bytes(DIGITS[:3])


def test_each_picture_stands_beside_what_speaks_for_its_class() -> None:
    model = small_model()
    figure = draw_attribution(model, PICTURES, count=2)
    shares, labels = model.predict_proba(PICTURES), model.predict(PICTURES)
    for row in range(2):
        assert says(figure.image, str(labels[row]), LABEL, FAINT)
        assert says(figure.image, f"{100 * shares[row].max():.1f} %", LABEL, FAINT)
        assert contains(figure.image, drawn(PICTURES[row][..., None] / 255, SIDE, MOST))
        for maps in figure.values.maps.values():
            shown = over_grey(figure.values.images[row], opacities(maps[row]), SIDE, MOST)
            assert contains(figure.image, shown)
    assert says(figure.image, "the first 2 of 3 pictures of 1x8x8", BODY, FAINT)
    assert [(row[0], row[3]) for row in figure.rows] == [
        (str(row), method) for row in range(2) for method in figure.values.maps
    ]


def test_numbers_beside_the_sheet_are_those_of_the_maps() -> None:
    figure = draw_attribution(small_model(), PICTURES, ["occlusion"], target="b")
    for row, numbers in enumerate(figure.rows):
        values = figure.values.maps["occlusion"][row]
        assert numbers[1] == "b"
        assert numbers[4:6] == pytest.approx((values.min(), values.max()))


def test_opacity_is_of_what_speaks_for_the_class_alone() -> None:
    values = np.array([[-3.0, 0.0], [1.0, 2.0]])
    assert opacities(values)[0].tolist() == [0, 0]
    assert opacities(values)[1, 1] >= 1 > opacities(values)[1, 0] > 0
    assert not opacities(np.zeros((2, 2))).any()


def test_one_colour_and_a_method_that_does_not_apply_are_said() -> None:
    grey = np.full((1, 8, 8), 90, dtype=np.uint8)
    figure = draw_attribution(small_model("flatten | dense"), grey)
    assert says(figure.image, "nothing to take away: one colour", LABEL, FAINT)
    assert says(
        figure.image,
        "Grad-CAM is left out: it needs a layer of kernels whose maps are larger than one pixel",
        BODY,
        FAINT,
    )


def test_at_least_one_picture_is_drawn() -> None:
    with pytest.raises(UsageError, match="count: needed at least 1 picture, got 0"):
        draw_attribution(small_model(), PICTURES, count=0)
