"""Mirrors of encoders: any height and width comes back exactly."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from foveal.errors import NetworkError, UsageError
from foveal.nets.autoencoder import KINDS, autoencoder
from foveal.nets.build import build, part
from foveal.nets.mirror import mirrored
from foveal.nets.notation import read, write
from foveal.nets.plan import Plan, plan, plan_network
from foveal.nets.ranges import MOST
from foveal.nets.spec import Centre, ConvTranspose, Network
from foveal.shapes import volume

sides = st.integers(5, 97)


def mirror_of(encoder: str) -> str:
    """The mirror of an encoder, as text."""
    return write(Network(mirrored(plan(encoder).layers)))


def shape_of(planned: Plan, count: int = 1) -> tuple[int, ...]:
    """The shape that the built network really gives."""
    network = build(planned, seed=0).eval()
    with torch.inference_mode():
        return tuple(network(torch.zeros(count, *planned.input)).shape)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.sampled_from([1, 3]), st.sampled_from(KINDS))
def test_stock_autoencoders_give_any_size_back(
    height: int, width: int, channels: int, kind: str
) -> None:
    planned = autoencoder((channels, height, width), 4, kind=kind)  # type: ignore[arg-type]
    assert planned.output == (channels, height, width)
    assert planned.code_size == 4


@pytest.mark.parametrize("side", range(5, 98))
@pytest.mark.parametrize("kind", KINDS)
def test_every_side_comes_back_from_the_plan(side: int, kind: str) -> None:
    for shape in ((1, side, 5), (1, 97, side), (1, side, side)):
        assert autoencoder(shape, 2, kind=kind).output == shape  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None)
@given(sides, sides, st.sampled_from(KINDS))
def test_what_is_built_gives_the_size_back(height: int, width: int, kind: str) -> None:
    planned = autoencoder((1, height, width), 2, kind=kind)  # type: ignore[arg-type]
    assert shape_of(planned) == (1, 1, height, width)


@settings(max_examples=100, deadline=None)
@given(
    sides,
    sides,
    st.integers(1, 7),
    st.integers(1, 4),
    st.sampled_from(["", "same", "padding 1", "padding 2"]),
    st.integers(1, 2),
)
def test_any_convolution_comes_back(
    height: int, width: int, window: int, stride: int, padding: str, dilation: int
) -> None:
    text = f"conv 2 {window}x{window} stride {stride} dilation {dilation} {padding}"
    try:
        encoder = plan(f"1x{height}x{width} | {text}")
    except NetworkError:
        return  # the kernel does not fit into so small a picture
    layers = (*encoder.network.layers, *mirrored(encoder.layers))
    whole = plan_network(Network(layers, encoder.input))
    assert whole.output == encoder.input
    assert shape_of(whole) == (1, *encoder.input)


@settings(max_examples=60, deadline=None)
@given(
    sides,
    sides,
    st.lists(
        st.sampled_from(
            [
                "conv 3 3x3 stride 2 same relu",
                "conv 4 4x4 stride 2 padding 1",
                "conv 2 5x3 | batchnorm | relu",
                "maxpool 2",
                "avgpool 3 stride 2",
                "maxpool 3x2 stride 1 same",
                "residual(conv 3 3x3 same relu | conv 5 3x3 stride 2 same)",
                "residual(conv 3 3x3 same)",
                "dropout 0.5",
                "upsample 2",
                "convtranspose 3 4x4 stride 2 padding 1 relu",
                "resize 9x11",
                "gelu",
                "2*(conv 2 3x3 same relu)",
            ]
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["flatten", "globalpool", "flatten | dense 7 tanh"]),
)
def test_rows_of_layers_come_back(height: int, width: int, layers: list[str], end: str) -> None:
    encoder = " | ".join([*layers, end])
    try:
        front = plan(f"2x{height}x{width} | {encoder}")
    except NetworkError:
        return  # too small for so much pooling
    if max(volume(layer.out_shape) for layer in front.layers) > MOST:
        return  # enlarged beyond what a dense layer of the mirror may have
    planned = autoencoder((2, height, width), 3, encoder=encoder)
    assert planned.output == (2, height, width)
    if planned.activation_bytes < 4_000_000:
        assert shape_of(planned, 2) == (2, 2, height, width)


def test_a_dense_encoder_is_mirrored_with_the_activations_of_what_is_restored() -> None:
    assert (
        mirror_of("1x4x4 | flatten | dense 8 relu | dense 5 tanh | dense 2")
        == "dense 5 tanh | dense 8 relu | dense 16 nobias | reshape 1x4x4"
    )


def test_pooling_is_undone_and_normalisation_follows_what_it_followed() -> None:
    front = "conv 4 3x3 same nobias | maxpool 2 | batchnorm | relu"
    back = "batchnorm | relu | reshape 4x4x4 | upsample 2 | conv 1 3x3 same nobias"
    assert mirror_of(f"1x8x8 | {front} | flatten | dense 2") == f"dense 64 nobias | {back}"


def test_sizes_that_no_factor_gives_back_are_named() -> None:
    assert mirror_of("1x7x7 | conv 2 1x1 | maxpool 2").startswith("resize 7x7 | conv 1 1x1")


def test_the_mirror_of_a_strided_convolution_is_a_transposed_one() -> None:
    (layer,) = mirrored(plan("3x28x28 | conv 8 4x4 stride 2 padding 1").layers)
    assert layer == ConvTranspose(3, (4, 4), stride=(2, 2), padding=(1, 1), bias=False)


def test_a_side_that_stride_leaves_over_is_added_by_output_padding() -> None:
    (layer,) = mirrored(plan("1x29x28 | conv 2 4x4 stride 2 padding 1").layers)
    assert isinstance(layer, ConvTranspose)
    assert layer.output_padding == (1, 0)


def test_units_of_timm_need_a_decoder_of_ones_own() -> None:
    text = "timm resnet18 all gives 512 holds 11176512"
    with pytest.raises(NetworkError, match="^layer 1 of the encoder: needed a layer that can be"):
        autoencoder((3, 224, 224), 8, encoder=text)
    planned = autoencoder((3, 224, 224), 8, encoder=text, decoder="dense 150528")
    assert planned.output == (3, 224, 224)


@pytest.mark.parametrize(
    ("halves", "said"),
    [
        ({"encoder": "conv 4 99x99 | flatten | dense 4"}, "layer 1 of the encoder: a 99x99 kernel"),
        ({"encoder": "maxpool 2 | maxpool 2 | conv 4 3x3"}, "no maxpool at layer 2 of the encoder"),
        ({"encoder": "flatten | residual(relu | conv 4 3x3)"}, "layer 2.2 of the encoder"),
        (
            {"encoder": "relu | residual(relu | timm resnet18 layer1.0 gives 1x8x8 holds 9)"},
            "layer 2.2 of the encoder: needed a layer that can be mirrored",
        ),
        ({"decoder": "dense 32 | conv 4 3x3"}, "layer 2 of the decoder"),
        ({"encoder": "dense 9 | flatten", "decoder": "dense 64"}, "layer 1 of the encoder"),
    ],
)
def test_layers_are_counted_in_the_half_in_which_they_were_typed(
    halves: dict[str, str], said: str
) -> None:
    with pytest.raises(NetworkError) as caught:
        autoencoder((1, 8, 8), 4, **halves)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert caught.value.layer == int(re.findall(r"layer (\d+)", caught.value.what)[0])


def test_a_decoder_of_ones_own_must_give_the_picture_back() -> None:
    with pytest.raises(NetworkError, match="decoder: needed a picture of 1x8x8"):
        autoencoder((1, 8, 8), 4, decoder="dense 32 | reshape 2x4x4")
    planned = autoencoder((1, 8, 8), 4, kind="dense", decoder="dense 64")
    assert planned.text.endswith("| dense 64 | reshape 1x8x8 | offset")


@pytest.mark.parametrize("which", ["encoder", "decoder"])
def test_shapes_are_left_out_of_halves(which: str) -> None:
    with pytest.raises(UsageError, match=which):
        autoencoder((1, 8, 8), 4, **{which: "1x9x9 | flatten"})  # type: ignore[arg-type]


def test_a_variational_code_is_half_of_what_is_before_it() -> None:
    planned = autoencoder((1, 8, 8), 3, kind="dense", variational=True, squashed=True)
    code = planned.layers[planned.encoder_layers - 1]
    assert (code.in_shape, code.out_shape, planned.code_size) == ((6,), (3,), 3)
    network = build(planned, seed=0)
    pictures = torch.rand(4, 1, 8, 8)
    drawn = {network.train()(pictures).sum().item() for _ in range(3)}
    means = {network.eval()(pictures).sum().item() for _ in range(3)}
    assert len(drawn) == 3
    assert len(means) == 1
    assert network(pictures).min() > 0 and network(pictures).max() < 1


def test_the_encoder_is_what_comes_before_the_code() -> None:
    planned = autoencoder((1, 9, 7), 5, kind="conv")
    network = build(planned, seed=0).eval()
    pictures = torch.rand(2, 1, 9, 7)
    encoder, decoder = (
        part(network, planned, 0, planned.encoder_layers),
        part(network, planned, planned.encoder_layers),
    )
    codes = encoder(pictures)
    assert codes.shape == (2, 5)
    torch.testing.assert_close(decoder(codes), network(pictures))


def test_centre_is_not_learned_and_offset_is() -> None:
    network = build("1x2x3 | centre | offset", seed=0)
    assert [name for name, _ in network.named_parameters()] == ["2_offset.weight"]
    centre, offset = network
    centre.mean.fill_(0.25)
    with torch.no_grad():
        offset.weight.fill_(1.0)
    assert torch.equal(network(torch.ones(1, 1, 2, 3)), torch.full((1, 1, 2, 3), 1.75))


def test_depth_to_space_undoes_space_to_depth() -> None:
    network = build("2x4x6 | spacetodepth 2 | depthtospace 2", seed=0)
    pictures = torch.rand(3, 2, 4, 6)
    assert torch.equal(network(pictures), pictures)


def test_a_sample_has_the_mean_and_the_variance_it_is_told() -> None:
    network = build("1x1x2 | flatten | sample", seed=0).train()
    assert isinstance(network[1], nn.Module)
    torch.manual_seed(0)
    values = torch.tensor([[[[2.0, -1.0]]]]).expand(20_000, 1, 1, 2)
    drawn = network(values)
    assert abs(drawn.mean().item() - 2.0) < 0.02
    assert abs(drawn.var().item() - torch.tensor(-1.0).exp().item()) < 0.02


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3x4x4 | depthtospace 2", "multiple of 4"),
        ("1x4x4 | sample", "vector of an even length"),
        ("1x1x3 | flatten | sample", "vector of an even length"),
    ],
)
def test_layers_that_do_not_fit_say_why(text: str, said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        plan(text)


def test_the_table_names_the_halves() -> None:
    planned = autoencoder((1, 8, 8), 4, kind="dense")
    lines = str(planned).splitlines()
    assert lines[0].endswith("half")
    assert sum(line.endswith("code") for line in lines) == 1
    halves = [one["half"] for one in planned.to_dict()["layers"]]
    assert halves.count("code") == 1
    assert halves[0] == "encoder" and halves[-1] == "decoder"
    assert planned.to_dict()["code_size"] == 4


def test_a_code_outside_the_network_is_refused() -> None:
    planned = autoencoder((1, 8, 8), 4, kind="dense")
    with pytest.raises(UsageError, match="an encoder and a decoder within"):
        replace(planned, encoder_layers=len(planned.layers))


def test_the_mean_comes_first() -> None:
    assert isinstance(autoencoder((1, 8, 8), 4).layers[0].layer, Centre)
    assert read("centre").layers == (Centre(),)


@pytest.mark.parametrize("decoder", ["dense 64 sigmoid", "dense 64 | reshape 1x8x8 | sigmoid"])
def test_a_decoder_that_ends_with_a_sigmoid_gets_no_second_one(decoder: str) -> None:
    planned = autoencoder((1, 8, 8), 4, kind="dense", decoder=decoder, squashed=True)
    assert planned.text.endswith("| dense 64 | reshape 1x8x8 | sigmoid")
    assert planned.text.count("sigmoid") == 1
