"""From a plan to the torch calls that make it: one list, which `build` runs and `source` prints.

Never imports torch, so that ``foveal plan NET --as torch`` starts at once.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from foveal.nets.inferred import Pads
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    DepthToSpace,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Offset,
    Reshape,
    Residual,
    Resize,
    Sample,
    SpaceToDepth,
    Timm,
    Upsample,
)
from foveal.shapes import written

_ACTIVATIONS = {
    "relu": "ReLU",
    "leakyrelu": "LeakyReLU",
    "relu6": "ReLU6",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "hardtanh": "Hardtanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "softmax": "Softmax",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a class of ``torch.nn``, or of `blocks`."""

    kind: str
    """Name of the class."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments."""
    parts: Mapping[str, tuple[Call, ...]] = field(default_factory=dict)
    """Arguments that are sequences of modules themselves."""


def calls(plan: Plan) -> list[tuple[PlannedLayer, tuple[Call, ...]]]:
    """List, for each layer of a plan, the calls that make it."""
    return [(layer, calls_of(layer)) for layer in plan.layers]


def calls_of(planned: PlannedLayer) -> tuple[Call, ...]:
    """List the calls that make one planned layer."""
    layer, shape = planned.layer, planned.in_shape
    match layer:
        case Conv():
            return (*_conv(planned, layer), *_activation(layer.activation))
        case ConvTranspose():
            call = Call(
                "ConvTranspose2d",
                {
                    "in_channels": shape[0],
                    "out_channels": layer.kernels,
                    "kernel_size": layer.size,
                    "stride": layer.stride,
                    "padding": layer.padding,
                    "output_padding": layer.output_padding,
                    "bias": layer.bias,
                },
            )
            return (call, *_activation(layer.activation))
        case MaxPool():
            return _max_pool(planned, layer)
        case AvgPool():
            return _avg_pool(planned, layer)
        case GlobalPool(kind):
            pool = "AdaptiveAvgPool2d" if kind == "avg" else "AdaptiveMaxPool2d"
            return Call(pool, {"output_size": 1}), Call("Flatten")
        case BatchNorm():
            norm = "BatchNorm2d" if len(shape) == 3 else "BatchNorm1d"
            return (Call(norm, {"num_features": shape[0]}),)
        case Dropout(rate):
            return (Call("Dropout", {"p": rate}),)
        case Flatten():
            return (Call("Flatten"),)
        case Dense():
            sizes = {"in_features": shape[0], "out_features": layer.nodes, "bias": layer.bias}
            return (Call("Linear", sizes), *_activation(layer.activation))
        case Activation(function):
            return _activation(function)
        case Upsample(factor, mode):
            smooth = {"align_corners": False} if mode == "bilinear" else {}
            return (Call("Upsample", {"scale_factor": factor, "mode": mode, **smooth}),)
        case Reshape(folded):
            flat = () if len(shape) == 1 else (Call("Flatten"),)
            return (*flat, Call("Unflatten", {"dim": 1, "unflattened_size": folded}))
        case SpaceToDepth(block):
            return (Call("PixelUnshuffle", {"downscale_factor": block}),)
        case DepthToSpace(block):
            return (Call("PixelShuffle", {"upscale_factor": block}),)
        case Resize(size, mode):
            smooth = {"align_corners": False} if mode == "bilinear" else {}
            return (Call("Upsample", {"size": size, "mode": mode, **smooth}),)
        case Centre():
            return (Call("Centre", {"shape": shape}),)
        case Offset():
            return (Call("Offset", {"shape": shape}),)
        case Sample():
            return (Call("Sample"),)
        case Timm(architecture, unit):
            return (Call("TimmUnit", {"architecture": architecture, "unit": unit}),)
        case Residual():
            branch = tuple(call for inner in planned.inner for call in calls_of(inner))
            return (Call("Residual", {}, {"branch": branch, "shortcut": _shortcut(planned)}),)
    raise AssertionError(f"no calls for {layer.name}")


def _conv(planned: PlannedLayer, layer: Conv) -> tuple[Call, ...]:
    pads = planned.inferred.pads
    before = () if _even(pads) else (Call("ZeroPad2d", {"padding": _torch_pads(pads)}),)
    call = Call(
        "Conv2d",
        {
            "in_channels": planned.in_shape[0],
            "out_channels": layer.kernels,
            "kernel_size": layer.size,
            "stride": layer.stride,
            "padding": (pads[0][0], pads[1][0]) if _even(pads) else (0, 0),
            "dilation": layer.dilation,
            "groups": layer.groups,
            "bias": layer.bias,
        },
    )
    return (*before, call)


def _max_pool(planned: PlannedLayer, layer: MaxPool) -> tuple[Call, ...]:
    pads = planned.inferred.pads
    sizes = {"kernel_size": layer.window, "stride": layer.stride or layer.window}
    if _even(pads):
        return (Call("MaxPool2d", {**sizes, "padding": (pads[0][0], pads[1][0])}),)
    never = Call("ConstantPad2d", {"padding": _torch_pads(pads), "value": float("-inf")})
    return never, Call("MaxPool2d", {**sizes, "padding": (0, 0)})


def _avg_pool(planned: PlannedLayer, layer: AvgPool) -> tuple[Call, ...]:
    pads = planned.inferred.pads
    sizes = {"kernel_size": layer.window, "stride": layer.stride or layer.window}
    if _even(pads):
        padding = {"padding": (pads[0][0], pads[1][0]), "count_include_pad": False}
        return (Call("AvgPool2d", {**sizes, **padding}),)
    return (Call("UnevenAvgPool2d", {**sizes, "padding": _torch_pads(pads)}),)


def _shortcut(planned: PlannedLayer) -> tuple[Call, ...]:
    if planned.in_shape == planned.out_shape:
        return ()
    if len(planned.in_shape) == 1:
        sizes = {"in_features": planned.in_shape[0], "out_features": planned.out_shape[0]}
        return (Call("Linear", {**sizes, "bias": False}),)
    return (
        Call(
            "Conv2d",
            {
                "in_channels": planned.in_shape[0],
                "out_channels": planned.out_shape[0],
                "kernel_size": (1, 1),
                "stride": planned.inferred.stride,
                "bias": False,
            },
        ),
    )


def _activation(function: str | None) -> tuple[Call, ...]:
    if function is None:
        return ()
    return (Call(_ACTIVATIONS[function], {"dim": 1} if function == "softmax" else {}),)


def _even(pads: Pads) -> bool:
    return all(before == after for before, after in pads)


def _torch_pads(pads: Pads) -> tuple[int, int, int, int]:
    (top, bottom), (left, right) = pads
    return left, right, top, bottom


# As torch source -------------------------------------------------------------------------


def source(plan: Plan) -> str:
    """Write the equivalent torch program: an ``nn.Sequential``, each layer with its shape."""
    lines: list[str] = []
    for planned, made in calls(plan):
        for index, call in enumerate(made):
            last = index == len(made) - 1
            comment = f"  # {planned.number}: {written(planned.out_shape)}" if last else ""
            lines.append(f"    {_expression(call)},{comment}")
    used = {call.kind for _, made in calls(plan) for call in _all(made)}
    classes = [text for name, text in _block_sources().items() if name in used]
    needed = ["import torch"] * bool(classes) + ["from torch import nn"]
    blocks = "".join(f"\n\n{text}\n" for text in classes)
    body = "\n".join(lines)
    return "\n".join(needed) + "\n" + blocks + f"\n\nnetwork = nn.Sequential(\n{body}\n)\n"


_DEFAULTS: dict[str, Any] = {"dilation": (1, 1), "groups": 1, "output_padding": (0, 0)}
_DEFAULTS |= {"bias": True, "padding": (0, 0)}
"""Values that torch assumes by itself, left out of the text."""


def _expression(call: Call, indent: str = "    ") -> str:
    given = {
        name: value
        for name, value in call.arguments.items()
        if name not in _DEFAULTS or _DEFAULTS[name] != value
    }
    if given.get("stride") == (1, 1) and call.kind.startswith("Conv"):
        del given["stride"]
    arguments = [f"{name}={_literal(value)}" for name, value in given.items()]
    prefix = "" if call.kind in _block_sources() else "nn."
    if not call.parts:
        return f"{prefix}{call.kind}({', '.join(arguments)})"
    for name, part in call.parts.items():
        arguments.append(f"{name}={_sequential(part, indent + '    ')}")
    inside = "".join(f"{indent}    {argument},\n" for argument in arguments)
    return f"{prefix}{call.kind}(\n{inside}{indent})"


def _sequential(made: tuple[Call, ...], indent: str) -> str:
    if not made:
        return "nn.Sequential()"
    inside = "".join(f"{indent}    {_expression(one, indent + '    ')},\n" for one in made)
    return f"nn.Sequential(\n{inside}{indent})"


def _literal(value: Any) -> str:
    if value == float("-inf"):
        return 'float("-inf")'
    square = isinstance(value, tuple) and len(value) == 2 and value[0] == value[1]
    return repr(value[0] if square else value)


def _all(made: tuple[Call, ...]) -> list[Call]:
    found: list[Call] = []
    for call in made:
        found.append(call)
        for part in call.parts.values():
            found.extend(_all(part))
    return found


@cache
def _block_sources() -> dict[str, str]:
    """Read the source of each class in `blocks` as text, without importing it."""
    text = files("foveal.nets").joinpath("blocks.py").read_text(encoding="utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef)
    }
