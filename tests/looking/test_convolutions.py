"""Which convolutions a network has, and what their kernels are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from foveal.errors import UsageError
from foveal.looking.convolutions import (
    activation_modules,
    convolutions,
    first_convolution,
    limit_of,
)
from foveal.looking.subject import NothingToSee, subject_of

RESIDUAL = (
    "3x8x8 | conv 4 3x3 same | residual(conv 6 3x3 stride 2 same | batchnorm | relu | "
    "conv 6 3x3 same groups 2) | relu | flatten | dense 2"
)


def test_kernels_inside_residuals_and_of_shortcuts_are_found_in_order() -> None:
    subject = subject_of(RESIDUAL)
    found = convolutions(subject)
    assert [one.layer for one in found] == ["1", "2 shortcut", "2.1", "2.4"]
    assert [one.weights.shape for one in found] == [
        (4, 3, 3, 3),
        (6, 4, 1, 1),
        (6, 4, 3, 3),
        (6, 3, 3, 3),
    ]
    assert [one.groups for one in found] == [1, 1, 1, 2]
    modules = [one for one in subject.network.modules() if isinstance(one, nn.Conv2d)]
    branch, shortcut = modules[1:3], modules[3]
    for kernels, module in zip(found, [modules[0], shortcut, *branch], strict=True):
        assert np.array_equal(kernels.weights, module.weight.detach().numpy())
    assert [one.layer for one in convolutions(subject, "2")] == ["2 shortcut"]
    assert [one.text for one in convolutions(subject, "2.1")] == ["conv 6 3x3 stride 2 same"]


def test_values_are_copies() -> None:
    subject = subject_of("1x4x4 | conv 2 3x3 | flatten | dense 2")
    convolutions(subject)[0].weights[:] = 0
    assert convolutions(subject)[0].weights.any()


def test_a_transposed_kernel_is_what_one_input_pixel_paints() -> None:
    subject = subject_of("2x4x4 | convtranspose 3 2x2 | flatten | dense 2")
    (found,) = convolutions(subject)
    module = subject.network[0]
    assert found.transposed and found.weights.shape == (3, 2, 2, 2)
    for channel in range(2):
        pixel = torch.zeros(1, 2, 1, 1)
        pixel[0, channel] = 1
        with torch.no_grad():
            painted = module(pixel) - module.bias[None, :, None, None]
        assert np.allclose(painted[0].numpy(), found.weights[:, channel], atol=1e-6)


@pytest.mark.parametrize(
    ("net", "channels"),
    [
        ("3x8x8 | batchnorm | conv 4 3x3 | flatten | dense 2", ("red", "green", "blue")),
        ("1x8x8 | conv 4 3x3 | flatten | dense 2", ("grey",)),
        ("4x8x8 | conv 4 3x3 | flatten | dense 2", ("plane 1", "plane 2", "plane 3", "plane 4")),
        ("1x8x8 | spacetodepth 2 | conv 4 3x3 | flatten | dense 2", ()),
        ("3x8x8 | conv 3 3x3 groups 3 | conv 4 3x3 | flatten | dense 2", ()),
        ("3x4x4 | flatten | reshape 3x4x4 | conv 3 3x3 | flatten | dense 2", ()),
    ],
)
def test_only_kernels_that_see_the_picture_have_its_colours(
    net: str, channels: tuple[str, ...]
) -> None:
    first, *others = convolutions(subject_of(net))
    assert first.channels == channels
    assert first.in_colour == (len(channels) == 3)
    assert not any(one.channels for one in others)


def test_units_of_timm_have_kernels_named_by_their_path() -> None:
    subject = subject_of(
        "3x32x32 | timm resnet18 conv1 gives 64x16x16 holds 9408 | "
        "timm resnet18 layer1.0 gives 64x16x16 holds 73984 | globalpool | dense 2"
    )
    found = convolutions(subject)
    assert [one.layer for one in found] == ["1 conv1", "2 conv1", "2 conv2"]
    assert found[0].in_colour and found[0].text == "conv 64 7x7"


def test_a_network_without_convolutions_has_nothing_to_see() -> None:
    subject = subject_of("1x4x4 | flatten | dense 8 relu | dense 2")
    with pytest.raises(NothingToSee, match="needed a convolution"):
        convolutions(subject)
    assert first_convolution(subject) is None
    with pytest.raises(NothingToSee, match="kernels of layer 4.*Name another layer"):
        convolutions(subject_of(RESIDUAL), "4")
    with pytest.raises(UsageError, match="layer 99"):
        convolutions(subject, "99")


def test_the_activation_function_of_maps_may_follow_pooling_and_normalisation() -> None:
    subject = subject_of(
        "1x16x16 | conv 2 3x3 tanh | conv 3 3x3 | maxpool 2 | batchnorm | relu | conv 4 1x1 | "
        "conv 5 1x1 | flatten | dense 2"
    )
    found = activation_modules(subject.network, subject.plan)
    assert {number: type(one) for number, one in found.items()} == {"1": nn.Tanh, "2": nn.ReLU}


def test_activation_functions_inside_residuals_belong_to_their_convolutions() -> None:
    subject = subject_of(RESIDUAL)
    assert list(activation_modules(subject.network, subject.plan)) == ["2.1"]


def test_the_limit_of_colours_is_not_that_of_a_few_large_weights() -> None:
    weights = np.full(1000, 0.5)
    weights[:5] = 100
    weights[5:8] = np.nan
    assert limit_of(weights) == 0.5
    assert limit_of(np.array([np.nan])) == 0
