"""Numbers of layers, step by step, on a sheet."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.drawing.text import BODY, number
from foveal.errors import UsageError
from foveal.figures.steps import draw_steps
from foveal.looking.steps import WeightedSum
from foveal.looking.subject import NothingToSee, subject_of
from support.models import small_model
from support.sheets import says

NET = "3x9x9 | conv 4 3x3 relu | maxpool 2 | conv 2 1x1 | batchnorm | flatten | dense 5"


def picture(side: int = 9, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, side, side, channels), dtype=np.uint8)


def test_the_first_layer_of_each_kind_is_drawn() -> None:
    figures = draw_steps(NET, picture())
    assert [one.values.number for one in figures] == ["1", "2", "6"]


def test_the_equation_stands_on_the_sheet_and_its_numbers_in_the_table() -> None:
    (figure,) = draw_steps(NET, picture(), layer=1, pixel=(2, 3), channel=1)
    found = figure.values
    assert isinstance(found, WeightedSum) and (found.row, found.column) == (2, 3)
    sums = " + ".join(number(float(one)) for one in [*found.sums, found.bias])
    text = f"{sums} (bias) = {number(found.total)}".replace("+ -", "- ")
    text += f",   relu({number(found.total)}) = {number(found.output)}"
    assert says(figure.image, text, BODY)
    assert sum(row[-1] for row in figure.rows) + found.bias == pytest.approx(found.total)


def test_what_is_not_drawn_is_summed() -> None:
    (figure,) = draw_steps(NET, picture(), layer=6, count=3)
    found = figure.values
    assert isinstance(found, WeightedSum)
    strongest = np.sort(np.argsort(-np.abs(found.sums), kind="stable")[:3])
    rest = float(found.sums.sum() - found.sums[strongest].sum())
    assert says(figure.image, f"15 others together: {number(rest)}", BODY, (95, 99, 104))


def test_the_most_active_number_is_taken_where_none_is_named() -> None:
    model = small_model("conv 4 3x3 | flatten | dense")
    grey = picture(8, 1)
    (figure,) = draw_steps(model, grey, layer=1)
    assert figure.values.output == pytest.approx(float(model.activations(grey, 1).max()), rel=1e-5)
    (other,) = draw_steps(model, grey, layer=1, channel=2)
    assert other.values.output == pytest.approx(
        float(model.activations(grey, 1)[0, 2].max()), rel=1e-5
    )


def test_a_place_is_chosen_where_there_is_something_to_see() -> None:
    levels = np.full((1, 32, 32, 1), 255, np.uint8)
    levels[0, 16:, 16:, 0] = 255 * (np.indices((16, 16)).sum(axis=0) % 2)
    for seed in range(3):
        subject = subject_of("1x32x32 | conv 4 3x3 same | flatten | dense 2", seed=seed)
        (figure,) = draw_steps(subject, levels, layer=1)
        assert min(figure.values.row, figure.values.column) >= 12
        assert max(figure.values.row, figure.values.column) <= 30


def test_captions_name_only_the_steps_that_a_layer_takes() -> None:
    net = "1x9x9 | conv 4 3x3 nobias | conv 4 3x3 relu | batchnorm | relu | flatten | dense 5"
    said = {
        layer: draw_steps(net, picture(9, 1), layer=layer)[0].caption for layer in (1, 2, 3, 4, 6)
    }
    assert said[1].startswith("A convolution") and "bias" not in said[1]
    assert "bends" not in said[1] and "bends the sum" in said[2]
    assert said[3].startswith("Batch norm") and "activation" not in said[3]
    assert said[4].startswith("An activation")
    assert said[6].startswith("A dense layer") and "map" not in said[6]


def test_a_sum_of_one_part_is_not_said_to_be_itself() -> None:
    net = "1x9x9 | conv 1 3x3 nobias | flatten | dense 5"
    (figure,) = draw_steps(net, picture(9, 1), layer=1)
    total = number(figure.values.output)
    assert says(figure.image, f"sum {total}", BODY)
    assert not says(figure.image, f"{total} = {total}", BODY)


def test_batch_normalisation_and_a_large_kernel_are_drawn_too() -> None:
    (scaled,) = draw_steps(NET, picture(), layer=4)
    assert scaled.values.number == "4"
    (large,) = draw_steps("1x60x60 | conv 2 50x50", picture(60, 1), layer=1)
    assert max(large.image.size) < 2500 and len(large.rows) == 2500


def test_what_has_no_steps_or_is_not_there_is_refused() -> None:
    with pytest.raises(NothingToSee, match="layer 5"):
        draw_steps(NET, picture(), layer=5)
    with pytest.raises(NothingToSee, match="needed a convolution"):
        draw_steps("3x9x9 | flatten | relu", picture())
    for how in ({"pixel": (7, 0)}, {"channel": 9}):
        with pytest.raises(UsageError, match="of layer 1: needed"):
            draw_steps(NET, picture(), layer=1, **how)
