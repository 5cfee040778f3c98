"""One number that a layer gives, step by step: what it is made of, and how.

Axes: c channel of the inputs, h height and w width of the patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array, Rows
from foveal.looking.fields import check_channel, check_pixel
from foveal.looking.subject import NothingToSee, Subject
from foveal.nets.notation import write_layer
from foveal.nets.planned import PlannedLayer
from foveal.nets.receptive import taps_of
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    GlobalPool,
    MaxPool,
)
from foveal.nets.tracing import layer_modules, planned_layer, without_activation


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Step:
    """One number that a layer gives."""

    number: str
    """The layer, as the plan's table says it."""
    layer: str
    """The layer in the notation."""
    channel: int
    """The map, from 0; of a vector the place of the number."""
    row: int
    column: int
    output: float
    """The number, computed step by step in double precision."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WeightedSum(Step):
    """A number that a convolution, a transposed convolution or a dense layer gives."""

    channels: Rows
    """Which channels of the inputs it is made of, (c,); those of its group."""
    rows: Rows
    """Which rows of the inputs, (h,); outside of the maps where there is padding."""
    columns: Rows
    """Which columns, (w,)."""
    patch: Array
    """What was there, (c, h, w); 0 where there is padding. Of a vector (n, 1, 1)."""
    kernel: Array
    """By what each number is multiplied, (c, h, w)."""
    bias: float
    """What is added; 0 where the layer has none."""
    total: float
    """The sum of all products, and the bias."""
    activation: str
    """The activation function that makes the output of the total; empty where there is none."""

    @property
    def products(self) -> Array:
        """Patch times kernel, number by number, (c, h, w)."""
        found: Array = self.patch * self.kernel
        return found

    @property
    def sums(self) -> Array:
        """Sum of the products of each channel, (c,)."""
        found: Array = self.products.sum(axis=(1, 2))
        return found


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Window(Step):
    """A number that a pooling layer gives."""

    rows: Rows
    """Which rows of the inputs, (h,); outside of the maps where there is padding."""
    columns: Rows
    """Which columns, (w,)."""
    patch: Array
    """What was there, (h, w); NaN where there is padding, which never counts."""
    taken: tuple[int, int] | None
    """Where in the patch the greatest number is, the first of equals; None for an average."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pointwise(Step):
    """A number that is made of the number at the same place alone."""

    input: float
    factor: float
    """By what it is multiplied: 1 for an activation function."""
    summand: float
    """What is added then."""
    activation: str
    """The activation function that is applied last; empty where there is none."""


def step(
    subject: Subject,
    inputs_nchw: torch.Tensor,
    number: str | int,
    channel: int = 0,
    row: int = 0,
    column: int = 0,
) -> Step:
    """Take one number of a layer apart, for one picture.

    Parameters
    ----------
    subject : Subject
        The network.
    inputs_nchw : Tensor
        One picture as the network takes it, (1, c, h, w).
    number : str or int
        The layer, as the plan's table says it.
    channel, row, column : int
        The number, from 0; row and column are 0 for a layer that gives a vector.

    Returns
    -------
    WeightedSum, Window or Pointwise
        By the kind of the layer.

    Raises
    ------
    UsageError
        For a layer or a place that is not there.
    NothingToSee
        For a layer that is none of these, such as a flattening.
    """
    layer = planned_layer(subject.plan, number)
    check_channel(layer, channel)
    check_pixel(layer, row, column)
    _, passed = subject.traced(inputs_nchw, (layer.number,))
    modules = layer_modules(subject.network, subject.plan)[layer.number]
    given = passed[layer.number].inputs[0].double().cpu()
    place = channel, row, column
    match layer.layer:
        case Conv() | ConvTranspose() | Dense():
            return _weighted(layer, modules, given, place)
        case MaxPool() | AvgPool() | GlobalPool():
            return _window(layer, given.numpy(), place)
        case BatchNorm() | Activation():
            return _pointwise(layer, modules, given, place)
    raise NothingToSee(
        f"layer {layer.number}",
        needed="a convolution, a dense layer, pooling, batchnorm or an activation function",
        came=f"'{layer.layer.name}'",
        remedy="choose another layer: see the plan",
    )


def _weighted(
    layer: PlannedLayer, modules: nn.Sequential, given: torch.Tensor, place: tuple[int, int, int]
) -> WeightedSum:
    channel, row, column = place
    weights, biases = learned(modules)
    maps = given.numpy().reshape(layer.in_shape if given.ndim == 3 else (-1, 1, 1))
    channels, kernel = _kernel(layer, weights, channel)
    rows, columns, taps = _taps(layer, row, column)
    kernel = kernel[:, taps[0]][:, :, taps[1]]
    patch = _patch(maps[channels], rows, columns, 0.0)
    bias = 0.0 if biases is None else float(biases[channel])
    total = float((patch * kernel).sum()) + bias
    return WeightedSum(
        **_named(layer, place, _activated(layer, modules, given, place, total)),
        channels=channels,
        rows=rows,
        columns=columns,
        patch=patch,
        kernel=kernel,
        bias=bias,
        total=total,
        activation=layer.layer.activation or "",  # type: ignore[attr-defined]
    )


def learned(modules: nn.Sequential) -> tuple[Array, Array | None]:
    """Return the kernels of a layer in double precision, and its biases where it has some."""
    (one,) = (one for one in modules if isinstance(one, nn.Conv2d | nn.ConvTranspose2d | nn.Linear))
    bias = None if one.bias is None else one.bias.detach().double().cpu().numpy()
    return one.weight.detach().double().cpu().numpy(), bias


def _kernel(layer: PlannedLayer, weights: Array, channel: int) -> tuple[Rows, Array]:
    """Find the input channels that a number is made of, and the kernel over them, (c, h, w)."""
    match layer.layer:
        case Conv(kernels, groups=groups):
            first = channel // (kernels // groups) * weights.shape[1]
            return np.arange(first, first + weights.shape[1]), weights[channel]
        case ConvTranspose():
            return np.arange(weights.shape[0]), weights[:, channel]
    return np.arange(weights.shape[1]), weights[channel][:, None, None]


def _taps(layer: PlannedLayer, row: int, column: int) -> tuple[Rows, Rows, tuple[Rows, Rows]]:
    """Find rows and columns of the inputs, and the rows and columns of the kernel over them."""
    found = []
    for axis, place in enumerate((row, column)):
        taps = taps_of(layer, axis, np.array([place])) if len(layer.in_shape) == 3 else None
        lines = np.array([place] if taps is None else [int(one[0]) for one in taps])
        kept = np.arange(len(lines))
        if isinstance(layer.layer, ConvTranspose):  # most taps of its kernel meet no pixel
            kept = np.flatnonzero((lines >= 0) & (lines < layer.in_shape[1 + axis]))
        found.append((lines[kept], kept))
    (rows, down), (columns, across) = found
    return rows, columns, (down, across)


def _patch(maps: Array, rows: Rows, columns: Rows, beyond: float) -> Array:
    """Cut rows and columns out of maps, (c, h, w)."""
    height, width = maps.shape[1:]
    there = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    cut = maps[:, np.clip(rows, 0, height - 1)][:, :, np.clip(columns, 0, width - 1)]
    found: Array = np.where(there, cut, beyond)
    return found


def _activated(
    layer: PlannedLayer,
    modules: nn.Sequential,
    given: torch.Tensor,
    place: tuple[int, int, int],
    total: float,
) -> float:
    """Apply a layer's activation function to a number among those of the other channels.

    Only softmax asks for those.
    """
    before = without_activation(modules, layer)
    function = modules[len(before) :]
    if not len(function):
        return total
    channel, row, column = place
    where = (0, channel, row, column) if len(layer.out_shape) == 3 else (0, channel)
    weight = next(modules.parameters(), None)
    like = given[None] if weight is None else given[None].to(weight)
    with torch.inference_mode():
        made = before(like).double().cpu()
        made[where] = total
        return float(_doubled(function, made)[where])


def _doubled(function: nn.Sequential, values: torch.Tensor) -> torch.Tensor:
    """Run an activation function in double precision; it may have a learned number."""
    state = {name: one.detach().double().cpu() for name, one in function.state_dict().items()}
    found: torch.Tensor = torch.func.functional_call(function, state, (values,))
    return found


def _window(layer: PlannedLayer, given: Array, place: tuple[int, int, int]) -> Window:
    channel, row, column = place
    if isinstance(layer.layer, GlobalPool):
        rows, columns = (np.arange(side) for side in layer.in_shape[1:])
    else:
        rows, columns, _ = _taps(layer, row, column)
    patch = _patch(given[channel : channel + 1], rows, columns, np.nan)[0]
    greatest = isinstance(layer.layer, MaxPool) or getattr(layer.layer, "kind", "") == "max"
    index = np.unravel_index(int(np.nanargmax(patch)), patch.shape)
    return Window(
        **_named(layer, place, float(np.nanmax(patch) if greatest else np.nanmean(patch))),
        rows=rows,
        columns=columns,
        patch=patch,
        taken=(int(index[0]), int(index[1])) if greatest else None,
    )


def _pointwise(
    layer: PlannedLayer, modules: nn.Sequential, given: torch.Tensor, place: tuple[int, int, int]
) -> Pointwise:
    channel, row, column = place
    value = float(given[channel, row, column] if given.ndim == 3 else given[channel])
    factor, summand = scale(modules[0], channel)
    total = value * factor + summand
    return Pointwise(
        **_named(layer, place, _activated(layer, modules, given, place, total)),
        input=value,
        factor=factor,
        summand=summand,
        activation=getattr(layer.layer, "function", ""),
    )


def scale(module: nn.Module, channel: int) -> tuple[float, float]:
    """Return factor and summand of a batch normalisation that is not training; 1 and 0 else."""
    if not isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return 1.0, 0.0
    assert module.running_mean is not None and module.running_var is not None
    of_channel = (module.running_mean, module.running_var, module.weight, module.bias)
    mean, variance, weight, bias = (float(one.detach()[channel]) for one in of_channel)
    factor = weight / math.sqrt(variance + module.eps)
    return factor, bias - mean * factor


def _named(layer: PlannedLayer, place: tuple[int, int, int], output: float) -> dict[str, Any]:
    channel, row, column = place
    return {
        "number": layer.number,
        "layer": write_layer(layer.layer),
        "channel": channel,
        "row": row,
        "column": column,
        "output": output,
    }
