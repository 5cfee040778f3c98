"""The sheet of where a classifier looked."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.colours import BLUE, FAINT, ORANGE
from foveal.drawing.panel import strength_bar
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import drawn, over_grey
from foveal.errors import UsageError
from foveal.figures.attribution import MOST, SIDE, draw_attribution, strengths
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
            shown = over_grey(figure.values.images[row], strengths(maps[row]), SIDE, MOST)
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


def test_what_speaks_against_the_class_is_as_strong_as_what_speaks_for_it() -> None:
    values = np.array([[-2.0, 0.0], [1.0, 2.0]])
    found = strengths(values)
    assert found[0, 0] == -found[1, 1] <= -1 and found[0, 1] == 0 and 0 < found[1, 0] < 1
    assert not strengths(np.zeros((2, 2))).any()
    sheet = np.asarray(over_grey(np.ones((2, 2, 1)), found, 2))
    assert sheet[0, 0].tolist() == list(BLUE) and sheet[1, 1].tolist() == list(ORANGE)


def test_a_legend_names_both_hues() -> None:
    figure = draw_attribution(small_model(), PICTURES, ["occlusion"], count=1)
    assert contains(
        figure.image, strength_bar("speaks against the class", "speaks for it", least=-1.0)
    )


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
