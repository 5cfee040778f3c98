"""What units of timm are made of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from foveal.looking.units import MOST, unit_parts


def test_convolutions_and_dense_layers_are_told_in_the_notation_with_their_weights() -> None:
    unit = nn.Sequential()
    unit.add_module("conv1", nn.Conv2d(8, 16, (3, 5), stride=2, padding=(1, 2), bias=False))
    unit.add_module("bn1", nn.BatchNorm2d(16))
    unit.add_module("wise", nn.Conv2d(16, 16, 3, padding="same", dilation=2, groups=16))
    unit.add_module("act", nn.ReLU())
    unit.add_module("again", nn.ReLU())
    unit.add_module("none", nn.Identity())
    unit.add_module("inner", nn.Sequential(nn.Linear(4, 7)))
    found = unit_parts(unit)
    assert [str(one) for one in found.listed] == [
        "conv1: conv 16 3x5 stride 2 padding 1x2 nobias, 16x8x3x5 weights",
        "wise: conv 16 3x3 same dilation 2 groups 16, 16x1x3x3 weights",
        "inner.0: dense 7, 7x4 weights",
    ]
    assert (found.others, found.left_out) == ("ReLU (2), BatchNorm2d (1)", 0)


def test_a_unit_that_is_one_convolution_has_no_path() -> None:
    (only,) = unit_parts(nn.Conv2d(3, 4, 1)).listed
    assert str(only) == "conv 4 1x1, 4x3x1x1 weights"


def test_however_many_there_are_the_list_is_bounded() -> None:
    kinds = (nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.SiLU, nn.Mish)
    unit = nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(MOST + 5)), *(one() for one in kinds))
    found = unit_parts(unit)
    assert (len(found.listed), found.left_out) == (MOST, 5)
    assert found.others.endswith("2 more kinds") and len(found.others) < 200


def test_units_of_timm_are_what_timm_makes() -> None:
    timm = pytest.importorskip("timm")
    model = timm.create_model("efficientnet_lite0", pretrained=False)
    block = model.get_submodule("blocks.1.0")
    maps = torch.zeros(1, 16, 32, 32)
    found = unit_parts(block)
    assert [one.text.split()[:3] for one in found.listed] == [
        ["conv", "96", "1x1"],
        ["conv", "96", "3x3"],
        ["conv", "24", "1x1"],
    ]
    assert "stride 2" in found.listed[1].text and "groups 96" in found.listed[1].text
    assert block.eval()(maps).shape == (1, 24, 16, 16)
