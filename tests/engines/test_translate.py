"""Networks written down for OpenVINO module by module are the networks that torch runs."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

from foveal.engines import openvino
from foveal.engines.engine import Frozen, Scaled, plain
from foveal.engines.translate import Untold
from foveal.nets.blocks import Centre, Offset
from foveal.nets.build import build

NETS = {
    "convolutions": "conv 8 3x3 stride 2 padding 1 | conv 8 3x5 same groups 2 nobias dilation 2",
    "uneven padding": "conv 4 2x2 same relu | maxpool 2 stride 1 same",
    "pooling": "maxpool 3 stride 2 padding 1 | avgpool 3 stride 2 padding 1 | avgpool 2x1",
    "normalisation": "conv 6 3x3 nobias | batchnorm | relu | flatten | dense 5 | batchnorm",
    "residuals": "conv 8 3x3 same | residual(conv 8 3x3 same groups 8 nobias | batchnorm | relu) "
    "| residual(conv 12 3x3 stride 2 same | batchnorm)",
    "heads": "globalpool | dense 7 tanh | dropout 0.5 | dense 3",
    "largest": "globalpool max | dense 3 nobias",
    "encoders": "centre | conv 4 6x6 stride 4 padding 1 gelu | offset | flatten | dense 6 | sample",
    "centred vectors": "flatten | centre | dense 5 | offset",
    **{
        name: f"conv 4 3x3 {name}"
        for name in (
            *("relu", "relu6", "leakyrelu", "sigmoid", "tanh"),
            *("elu", "silu", "mish", "gelu", "hardswish"),
        )
    },
}


def frozen(net: str, dtype: str = "uint8") -> Frozen:
    network = build(f"3x18x21 | {net}", seed=1).eval()
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, Centre | Offset):
            kept = module.mean if isinstance(module, Centre) else module.weight.data
            kept.copy_(torch.randn(kept.shape, generator=generator))
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (module.running_mean, module.weight.data, module.bias.data):
                values.copy_(torch.randn(values.shape, generator=generator))
            module.running_var.copy_(
                torch.rand(module.running_var.shape, generator=generator) + 0.1
            )
    unit = dtype == "float32"
    return Frozen(
        network=network,
        picture=(18, 21, 3),
        dtype=dtype,  # type: ignore[arg-type]
        scale=(2.0, 3.0, 4.0) if unit else (0.02, 0.03, 0.04),
        shift=(-1.0, -2.0, 0.5),
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("name", NETS)
def test_a_network_written_down_answers_as_torch(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("it was traced")

    monkeypatch.setattr(openvino, "_traced", refused)
    given = frozen(NETS[name], dtype)
    images = given.example(5)
    (answers,) = openvino.engine(given, threads=1).run([images])
    wanted = plain(Scaled(given), images)
    assert wanted.std() > 1e-3
    np.testing.assert_allclose(answers, wanted, atol=1e-4 * max(1.0, float(np.abs(wanted).max())))


@pytest.mark.parametrize(
    "net",
    [
        "conv 4 3x3 prelu",
        "upsample 2 | conv 4 3x3",
        "spacetodepth 3 | conv 4 3x3",
        "convtranspose 4 3x3",
    ],
)
def test_what_is_not_known_is_traced(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = frozen(net)
    with pytest.raises(Untold):
        openvino._translated(Scaled(given), given)
    traced: list[Frozen] = []
    trace = openvino._traced
    monkeypatch.setattr(
        openvino, "_traced", lambda scaled, it: traced.append(it) or trace(scaled, it)
    )
    images = given.example(2)
    (answers,) = openvino.engine(given, threads=1).run([images])
    np.testing.assert_allclose(answers, plain(Scaled(given), images), atol=1e-3)
    assert traced == [given]


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(3, 4, 3, padding="same"),
        nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"),
        nn.BatchNorm2d(3, affine=False),
        nn.BatchNorm2d(3, track_running_stats=False),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(2, dilation=2),
        nn.AvgPool2d(2, divisor_override=3),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(2),
    ],
)
def test_unusual_modules_are_not_known(module: nn.Module) -> None:
    given = Frozen(
        network=nn.Sequential(module),
        picture=(8, 8, 3),
        dtype="uint8",
        scale=(1.0,) * 3,
        shift=(0.0,) * 3,
    )
    with pytest.raises(Untold):
        openvino._translated(Scaled(given), given)


def test_the_reports_of_openvino_stay_off() -> None:
    given = frozen("conv 4 3x3")
    openvino._translated(Scaled(given), given)
    assert sys.modules["openvino_telemetry"] is None
