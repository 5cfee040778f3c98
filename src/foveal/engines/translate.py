"""Plain torch modules in a row, written down as an OpenVINO network without tracing them.

Tracing brings in torch's compiler: five seconds before the first picture. Networks in Foveal's
notation consist of a few dozen kinds of modules, whose meaning is known. What is not known here
is left to tracing; what is written down is held against torch before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.engines.engine import Frozen


class Untold(Exception):
    """A module that is not known here; names it."""


def translated(network: nn.Module, frozen: Frozen, opset: Any, model: Any) -> Any:
    """Write a network down for batches of one size.

    Parameters
    ----------
    network : Module
        The network.
    frozen : Frozen
        What goes into it, and how that is scaled.
    opset : module
        OpenVINO's operations.
    model : class
        OpenVINO's model.

    Raises
    ------
    Untold
        Where the network holds a module that is not known here.
    """
    shape = [frozen.batch, *frozen.picture]
    images_nhwc = opset.parameter(shape, np.uint8 if frozen.dtype == "uint8" else np.float32)
    floats = opset.convert(images_nhwc, np.float32)
    scaled = opset.add(
        opset.multiply(floats, np.array(frozen.scale, np.float32)),
        np.array(frozen.shift, np.float32),
    )
    maps_nchw = opset.transpose(scaled, np.array([0, 3, 1, 2]))
    return model([_Writer(opset).write(network, maps_nchw)], [images_nhwc], "foveal")


class _Writer:
    """Writes modules as operations; each method takes a module and what goes into it."""

    def __init__(self, opset: Any) -> None:
        self.opset = opset
        self.known: dict[type[nn.Module], Callable[[Any, Any], Any]] = {
            nn.Conv2d: self.convolution,
            nn.BatchNorm2d: self.normalisation,
            nn.BatchNorm1d: self.normalisation,
            nn.Linear: self.dense,
            nn.MaxPool2d: self.max_pooling,
            nn.AvgPool2d: self.average_pooling,
            nn.AdaptiveAvgPool2d: lambda one, x: self.pooled(one, x, opset.reduce_mean),
            nn.AdaptiveMaxPool2d: lambda one, x: self.pooled(one, x, opset.reduce_max),
            nn.ZeroPad2d: self.padding,
            nn.ConstantPad2d: self.padding,
            nn.Flatten: self.flatten,
            nn.Dropout: lambda _, x: x,
            nn.Identity: lambda _, x: x,
            nn.ReLU: lambda _, x: opset.relu(x),
            nn.ReLU6: lambda _, x: opset.clamp(x, 0.0, 6.0),
            nn.LeakyReLU: lambda one, x: opset.prelu(x, np.array([one.negative_slope], np.float32)),
            nn.Sigmoid: lambda _, x: opset.sigmoid(x),
            nn.Tanh: lambda _, x: opset.tanh(x),
            nn.ELU: lambda one, x: opset.elu(x, one.alpha),
            nn.SiLU: lambda _, x: opset.swish(x),
            nn.Mish: lambda _, x: opset.mish(x),
            nn.GELU: lambda one, x: opset.gelu(x, "ERF" if one.approximate == "none" else "TANH"),
            nn.Hardswish: lambda _, x: opset.hswish(x),
        }
        self.blocks: dict[str, Callable[[Any, Any], Any]] = {
            "Residual": self.residual,
            "Centre": lambda one, x: opset.subtract(x, _numbers(one.mean)[None]),
            "Offset": lambda one, x: opset.add(x, _numbers(one.weight)[None]),
            "Sample": lambda _, x: opset.split(x, np.int64(1), 2).output(0),
        }
        """Foveal's own modules by name: this room does not know theirs."""

    def write(self, module: nn.Module, x: Any) -> Any:
        """Write a module, with all within it."""
        if type(module) is nn.Sequential:
            for child in module:
                x = self.write(child, x)
            return x
        written = self.known.get(type(module)) or self.blocks.get(type(module).__name__)
        if written is None:
            raise Untold(type(module).__name__)
        return written(module, x)

    def residual(self, one: Any, x: Any) -> Any:
        return self.opset.add(self.write(one.branch, x), self.write(one.shortcut, x))

    def convolution(self, one: nn.Conv2d, x: Any) -> Any:
        if isinstance(one.padding, str) or one.padding_mode != "zeros":
            raise Untold(f"convolution with padding {one.padding} {one.padding_mode}")
        kernel = _numbers(one.weight)
        pads = list(one.padding)
        about = (list(one.stride), pads, pads, list(one.dilation))
        if one.groups == 1:
            out = self.opset.convolution(x, kernel, *about)
        else:
            each = kernel.shape[0] // one.groups
            grouped = kernel.reshape(one.groups, each, *kernel.shape[1:])
            out = self.opset.group_convolution(x, grouped, *about)
        return out if one.bias is None else self.opset.add(out, _aligned(one.bias))

    def normalisation(self, one: nn.BatchNorm2d | nn.BatchNorm1d, x: Any) -> Any:
        if one.running_mean is None or one.running_var is None or not one.affine:
            raise Untold("batch normalisation without statistics or weights")
        scale = one.weight / torch.sqrt(one.running_var + one.eps)
        shift = one.bias - one.running_mean * scale
        axes = 4 if isinstance(one, nn.BatchNorm2d) else 2
        return self.opset.add(self.opset.multiply(x, _aligned(scale, axes)), _aligned(shift, axes))

    def dense(self, one: nn.Linear, x: Any) -> Any:
        out = self.opset.matmul(x, _numbers(one.weight), False, True)
        return out if one.bias is None else self.opset.add(out, _aligned(one.bias, 2))

    def max_pooling(self, one: nn.MaxPool2d, x: Any) -> Any:
        if one.ceil_mode or _pair(one.dilation) != [1, 1]:
            raise Untold("pooling that rounds up or is dilated")
        pads = _pair(one.padding)
        about = (_pair(one.stride), [1, 1], pads, pads, _pair(one.kernel_size))
        return self.opset.max_pool(x, *about).output(0)

    def average_pooling(self, one: nn.AvgPool2d, x: Any) -> Any:
        if one.ceil_mode or one.divisor_override:
            raise Untold("pooling that rounds up or has a divisor of its own")
        pads = _pair(one.padding)
        about = (_pair(one.stride), pads, pads, _pair(one.kernel_size))
        return self.opset.avg_pool(x, *about, not one.count_include_pad)

    def pooled(self, one: nn.Module, x: Any, reduce: Callable[..., Any]) -> Any:
        if one.output_size not in (1, (1, 1)):
            raise Untold("pooling to more than one number")
        return reduce(x, np.array([2, 3]), True)

    def padding(self, one: nn.ZeroPad2d | nn.ConstantPad2d, x: Any) -> Any:
        left, right, top, bottom = one.padding
        value = np.float32(getattr(one, "value", 0.0))
        return self.opset.pad(x, [0, 0, top, left], [0, 0, bottom, right], "constant", value)

    def flatten(self, one: nn.Flatten, x: Any) -> Any:
        if (one.start_dim, one.end_dim) != (1, -1):
            raise Untold("flattening of some axes")
        return self.opset.reshape(x, np.array([0, -1]), True)


def _numbers(weights: torch.Tensor) -> np.ndarray:
    return np.ascontiguousarray(weights.detach().float().cpu().numpy())


def _aligned(values: torch.Tensor, axes: int = 4) -> np.ndarray:
    """Return one number a channel the shape that lines up with (n, c, ...)."""
    return _numbers(values).reshape(1, -1, *[1] * (axes - 2))


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)
