"""Sheets of kernels: what stands on them, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import foveal
from foveal.drawing.colours import FAINT
from foveal.drawing.scales import diverging
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.tiles import as_colours
from foveal.errors import UsageError
from foveal.figures.kernels import chosen, draw_kernels, told
from foveal.looking.subject import NothingToSee
from support.models import small_autoencoder, small_model
from support.sheets import contains, says


def enlarged(tile: np.ndarray, factor: int) -> np.ndarray:
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def test_first_kernels_are_drawn_in_colour_and_signed_and_deeper_ones_by_channel() -> None:
    figure = draw_kernels("3x8x8 | conv 4 3x3 relu | conv 5 3x3 | flatten | dense 2")
    first, second = figure.values.layers
    assert first.limit == pytest.approx(np.percentile(np.abs(first.weights), 98))
    assert contains(figure.image, enlarged(as_colours(first.weights[2], first.limit), 21))
    for channel in range(3):
        signed = diverging(first.weights[3, channel], first.limit)
        assert contains(figure.image, enlarged(signed, 21))
    for channel in range(4):
        signed = diverging(second.weights[4, channel], second.limit)
        assert contains(figure.image, enlarged(signed, 10))
    for text in ("in colour", "red", "green", "blue", "input 3"):
        assert says(figure.image, text, LABEL, FAINT)
    assert says(figure.image, "1  conv 4 3x3 relu", BODY)


def test_kernels_of_many_channels_are_drawn_by_norm() -> None:
    figure = draw_kernels("1x8x8 | conv 20 1x1 | conv 3 3x3 | flatten | dense 2")
    deep = figure.values.layers[1]
    norms = np.sqrt((deep.weights.astype(float) ** 2).sum(axis=1))
    tile = diverging(norms[1], norms.max())
    assert contains(figure.image, enlarged(tile, 10))


def test_grouped_and_depthwise_kernels_say_so() -> None:
    net = "4x8x8 | conv 6 3x3 | conv 6 3x3 groups 2 | conv 6 3x3 groups 6 | flatten | dense 2"
    figure = draw_kernels(net)
    limits = [f"{one.limit:#.3g}" for one in figure.values.layers]
    for text in (
        "6x3x3x3 weights in 2 groups, a row for each input channel of its group; "
        f"full colour from {limits[1]}",
        f"6x1x3x3 weights in 6 groups, of one input channel each; full colour from {limits[2]}",
    ):
        assert says(figure.image, text, LABEL, FAINT)


def test_the_numbers_are_those_of_each_kernel() -> None:
    figure = draw_kernels("1x8x8 | conv 3 3x3 | flatten | dense 2")
    (layer,) = figure.values.layers
    assert figure.columns[:6] == ("layer", "kernel", "norm", "mean", "least", "greatest")
    for kernel, row in enumerate(figure.rows):
        values = layer.weights[kernel].astype(float)
        assert row[:2] == ("1", kernel) and row[6:] == ("", "")
        oracle = [np.sqrt((values**2).sum()), values.mean(), values.min(), values.max()]
        assert row[2:6] == pytest.approx(oracle)


def test_alarms_are_marked_and_said() -> None:
    model = small_model("conv 6 3x3 relu | flatten | dense")
    with torch.no_grad():
        model.network[0].weight[[1, 4]] = 0
        model.network[0].weight[5] = -model.network[0].weight[0]
        model.network[0].weight[3, 0, 0, 0] = torch.nan
    figure = draw_kernels(model)
    for text in (
        "kernels 1 and 4: each is dead: its weights are almost 0",
        "kernel 5 is the opposite of kernel 0 (cosine -1.000)",
        "kernel 3 is broken: it has weights that are no numbers",
        "dead",
        "= -0",
        "NaN",
    ):
        assert says(figure.image, text)
    assert [row[6] for row in figure.rows] == ["", "dead", "", "broken", "dead", "duplicate"]


def test_of_many_kernels_those_with_an_alarm_are_drawn_first() -> None:
    assert chosen(5, 9, [1]) == [0, 1, 2, 3, 4]
    found = chosen(1000, 10, [3, 500, *range(600, 700)])
    assert len(found) == 10 and found == sorted(found)
    assert {3, 500, 600, 601, 602} <= set(found) and {0, 999} <= set(found)


def test_many_kernels_and_many_layers_are_bounded_and_what_is_left_out_is_said() -> None:
    figure = draw_kernels("1x8x8 | conv 2000 3x3 | globalpool | dense 2")
    assert len(figure.rows) == 2_000 and figure.image.height < 1_500
    assert says(
        figure.image,
        "2000x1x3x3 weights, by plane; full colour from "
        f"{figure.values.layers[0].limit:.3g}; 64 of 2,000 kernels",
        LABEL,
        FAINT,
    )
    deep = f"1x4x4 | {' | '.join(['conv 1 1x1'] * 501)} | flatten | dense 2"
    figure = draw_kernels(deep, count=64)
    assert says(figure.image, "501 convolutions, 60 of them drawn, 500 kernels", BODY, FAINT)
    assert figure.image.height < 8_000


def test_of_a_deep_network_three_layers_are_drawn_unless_more_is_asked_for() -> None:
    net = f"1x4x4 | {' | '.join(f'conv {1 + one} 1x1' for one in range(9))} | flatten | dense 2"
    figure = draw_kernels(net)
    assert len(figure.values.layers) == 9
    assert [row[0] for row in figure.rows] == [*"1", *"5" * 5, *"9" * 9]
    assert says(figure.image, "9 convolutions, 3 of them drawn, 45 kernels", BODY, FAINT)
    how = "for the others ask for a count (all layers) or for one layer"
    assert says(figure.image, how, BODY, FAINT)
    whole = draw_kernels(net, count=64)
    assert len(whole.rows) == 45 and not says(whole.image, how, BODY, FAINT)


def test_however_many_kernels_are_asked_for_the_sheet_stays_bounded() -> None:
    net = "4x8x8 | conv 64 3x3 | conv 2000 3x3 | globalpool | dense 2"
    figure = draw_kernels(net, layer="2", count=10**9)
    assert figure.image.height < 10_000
    both = draw_kernels(net, count=10**9)
    said = (
        "2000x64x3x3 weights, each place the norm of its weights over 64 input channels: how large "
        "they are together, never negative and so orange alone; full colour from "
    )
    limit = f"{np.sqrt((both.values.layers[1].weights ** 2).sum(axis=1)).max():#.3g}"
    assert says(both.image, f"{said}{limit}; 1000 of 2,000 kernels", LABEL, FAINT)


def test_one_layer_and_a_count_may_be_asked_for() -> None:
    figure = draw_kernels("resnet", layer="6.4", count=3)
    (layer,) = figure.values.layers
    assert layer.layer == "6.4" and len(figure.rows) == 64
    assert says(figure.image, "63", LABEL, FAINT) and not says(figure.image, "30", LABEL, FAINT)
    with pytest.raises(UsageError, match="count"):
        draw_kernels("lenet5", count=0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_of_one_pixel_and_any_channels(channels: int) -> None:
    figure = draw_kernels(f"{channels}x1x1 | conv 3 1x1 relu | flatten | dense 2")
    assert len(figure.rows) == 3
    model = small_model("conv 3 1x1 relu | flatten | dense", channels=channels, side=1)
    pictures = np.random.default_rng(0).integers(0, 256, (9, 1, 1, channels), dtype=np.uint8)
    assert draw_kernels(model, pictures).values.judged_on == 9


def test_all_weights_may_be_no_numbers() -> None:
    model = small_model("conv 3 3x3 | flatten | dense")
    with torch.no_grad():
        model.network[0].weight.fill_(torch.nan)
    assert [row[6] for row in draw_kernels(model).rows] == ["broken"] * 3


def test_a_dense_autoencoder_has_no_kernels() -> None:
    with pytest.raises(NothingToSee, match="needed a convolution"):
        draw_kernels(small_autoencoder())


def test_reasons_name_their_kernels_of_many_the_first() -> None:
    assert told(range(20), "is dead").endswith("11 and 8 more: each is dead")


def test_the_public_names() -> None:
    assert foveal.draw_kernels is draw_kernels
