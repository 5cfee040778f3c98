"""EfficientNet-Lite beside timm's: tensor by tensor, and as a function of pictures."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from foveal.errors import NetworkError
from foveal.nets.build import build
from foveal.nets.lite import SCALES, efficientnet_lite0, lite_stages
from foveal.nets.plan import plan
from foveal.nets.spec import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    GlobalPool,
    Network,
    Repeat,
    Residual,
)
from foveal.nets.stock import STOCK

STAGES = ["stem", *(f"block{number}" for number in range(1, 8)), "head", "pool", "classifier"]
CLASSES = 7
EPS_APART = 1e-3 - 1e-5
"""What timm adds to a variance beyond what torch and Foveal add."""


def peer(name: str) -> nn.Module:
    """Timm's network of that name, its batch norms made to matter.

    Their statistics come from pictures and are then shaken: taken out of the air they would
    let the maps grow without bound, and with them the errors of single precision.
    """
    timm = pytest.importorskip("timm")
    torch.manual_seed(3)
    model = timm.create_model(f"tf_{name}", pretrained=False, num_classes=CLASSES)
    norms = [one for one in model.modules() if isinstance(one, nn.BatchNorm2d)]
    for one in norms:
        assert one.eps == 1e-3
        one.momentum = 1.0
        nn.init.uniform_(one.weight, 0.5, 1.5)
        nn.init.normal_(one.bias, 0, 0.1)
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 64, 64))
    for one in norms:
        one.running_mean += 0.1 * one.running_var.sqrt() * torch.randn(one.num_features)
        one.running_var *= torch.empty(one.num_features).uniform_(0.5, 1.5)
    return model.eval()


def ours(name: str, weights: list[torch.Tensor], *size: int) -> nn.Sequential:
    """Our network with these tensors, in order; what "same" pads depends on the size."""
    network = build(name, input=(3, *size), classes=CLASSES, seed=0).eval()
    state = network.state_dict()
    assert [tuple(one.shape) for one in state.values()] == [tuple(one.shape) for one in weights]
    network.load_state_dict(dict(zip(state, weights, strict=True)))
    for one in network.modules():
        if isinstance(one, nn.BatchNorm2d):
            assert one.eps == 1e-5
            one.running_var += EPS_APART
    return network


def apart(one: nn.Module, other: nn.Module, *size: int) -> float:
    """Largest difference of two networks' outputs, beside the largest output."""
    seeded = torch.Generator().manual_seed(1)
    pictures = torch.randn(2, 3, *size, generator=seeded)
    with torch.no_grad():
        a, b = one(pictures), other(pictures)
    assert a.shape == b.shape == (2, CLASSES)
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize(
    ("name", "tensors", "sizes"),
    [
        ("efficientnet_lite0", 296, [(224, 224), (97, 131)]),
        ("efficientnet_lite1", 386, [(64, 75)]),
        ("efficientnet_lite2", 386, [(64, 75)]),
    ],
)
def test_it_is_the_same_function_as_timms(
    name: str, tensors: int, sizes: list[tuple[int, int]]
) -> None:
    model = peer(name)
    weights = list(model.state_dict().values())
    assert len(weights) == tensors
    for size in sizes:
        network = ours(name, weights, *size)
        assert apart(network, model, *size) < 1e-4


def test_the_comparison_can_fail() -> None:
    model = peer("efficientnet_lite0")
    network = ours("efficientnet_lite0", list(model.state_dict().values()), 64, 64)
    assert apart(network, model, 64, 64) < 1e-4
    norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    norms[20].running_var -= EPS_APART
    assert apart(network, model, 64, 64) > 3e-4


@pytest.mark.parametrize("name", SCALES)
def test_the_stages_in_order_are_the_network(name: str) -> None:
    stages = lite_stages(name, (3, 50, 60), CLASSES)
    assert [stage for stage, _ in stages] == STAGES
    layers = tuple(itertools.chain.from_iterable(layers for _, layers in stages))
    planned = plan(name, input=(3, 50, 60), classes=CLASSES)
    assert planned.network.layers == layers
    assert [one.layer for one in planned.layers] == list(layers)
    assert not any(isinstance(layer, Repeat) for layer in layers)


@pytest.mark.parametrize("name", SCALES)
def test_each_stage_is_what_its_name_says(name: str) -> None:
    stages = dict(lite_stages(name, STOCK[name].input, CLASSES))
    shape = STOCK[name].input
    sides = [shape[1]]
    for stage in STAGES[:-2]:
        first, *_ = stages[stage]
        assert isinstance(first, Conv) and not first.bias
        relu6 = stage in ("stem", "head")
        assert isinstance(stages[stage][-1], Activation if relu6 else BatchNorm | Residual)
        shape = plan(Network(stages[stage], shape)).output
        sides.append(shape[1])
    assert shape[0] == 1280
    halved = [
        stage for stage, (a, b) in zip(STAGES[:-2], itertools.pairwise(sides), strict=True) if b < a
    ]
    assert halved == ["stem", "block2", "block3", "block4", "block6"]
    assert stages["pool"] == (GlobalPool(),)
    assert stages["classifier"] == (Dropout(SCALES[name].dropout), Dense(CLASSES))


def test_the_parameters_are_those_of_the_paper() -> None:
    # 4.65, 5.42 and 6.09 million with a thousand classes, as timm and its authors count them.
    counts = [plan(name, classes=1000).parameters for name in SCALES]
    assert counts == [4_652_008, 5_416_680, 6_092_072]
    assert [plan(name).input[1] for name in SCALES] == [224, 240, 260]


@pytest.mark.parametrize("input", [(3, 1, 1), (1, 2, 300), (4, 33, 32)])
def test_any_picture_will_do(input: tuple[int, int, int]) -> None:
    planned = plan("efficientnet_lite0", input=input, classes=2)
    assert planned.output == (2,)
    assert planned.network == efficientnet_lite0(input, 2)


@pytest.mark.parametrize(
    ("name", "input", "classes", "match"),
    [
        ("efficientnet_lite3", (3, 8, 8), 2, "an EfficientNet-Lite: needed one of efficientnet_"),
        ("fast", (3, 8, 8), 2, "got 'fast'. Choose one"),
        ("efficientnet_lite0", (8, 8), 2, "input: needed channels x height x width"),
        ("efficientnet_lite0", (3, 8, 8), 0, "dense: nodes: needed a whole number from 1"),
    ],
)
def test_what_cannot_be_is_refused(name: str, input, classes: int, match: str) -> None:
    with pytest.raises(NetworkError, match=match):
        lite_stages(name, input, classes)
