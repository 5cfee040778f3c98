"""The convolutions of a network, those inside residuals and units of timm too, with their kernels.

Axes: k kernel, c input channel that it sees, h height, w width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array
from foveal.looking.planes import channel_names
from foveal.looking.subject import NothingToSee, Subject
from foveal.nets import notation
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    MaxPool,
    Reshape,
    Residual,
    SpaceToDepth,
    Timm,
)
from foveal.nets.tracing import layer_modules, planned_layer
from foveal.training.snapshots import first_kernels

MOST_LAYERS = 500
"""Convolutions that are looked at, the first ones of a network."""
BETWEEN = (BatchNorm, AvgPool, MaxPool, Dropout)
"""Layers that may stand between a convolution and the activation function of its maps."""
MIXING = (SpaceToDepth, Dense, Reshape)
"""Layers after which channels are the picture's no more."""


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Kernels:
    """The kernels of one convolution."""

    layer: str
    """Its number in the plan, "4.2" inside a residual; with a word where that has several:
    "6 shortcut", or the path of a part of a unit of timm."""
    text: str
    """What it is, in the notation where that has it."""
    weights: Array
    """(k, c, h, w), float32; of a transposed convolution as its input pixels paint them."""
    groups: int = 1
    """Groups of kernels that see channels of their own; 1 where all see all."""
    transposed: bool = False
    channels: tuple[str, ...] = ()
    """What its input channels are, where they are the picture's; empty in deeper layers."""

    def __repr__(self) -> str:
        return f"Kernels({self.layer}: {self.text}, {self.weights.shape})"

    @property
    def in_colour(self) -> bool:
        """Whether kernels can be drawn as red, green and blue."""
        return self.channels == channel_names(3)

    @property
    def limit(self) -> float:
        """Return the size of weight that is drawn in full colour: 98 % are below."""
        return limit_of(self.weights)


FULL = 98
"""Percentile of the sizes of weights that is drawn in full colour: a few large ones would leave
all others pale."""


def limit_of(weights: Array) -> float:
    """Return the size of weight that is drawn in full colour; 0 where there is none."""
    sizes = np.abs(weights[np.isfinite(weights)])
    return float(np.percentile(sizes, FULL)) if sizes.size else 0.0


def convolutions(subject: Subject, layer: str | None = None) -> list[Kernels]:
    """List the convolutions of a network with their kernels, in order.

    Parameters
    ----------
    subject : Subject
        The network.
    layer : str, optional
        Only those of this layer of the plan.

    Raises
    ------
    NothingToSee
        Where there is none.
    UsageError
        For a layer that the plan does not have.
    """
    wanted = None if layer is None else planned_layer(subject.plan, layer).number
    first = first_kernels(subject.network)
    found = [
        _kernels(planned, path, module, _channels(subject.plan, module, first))
        for planned, path, module in convolution_modules(subject.network, subject.plan)
        if wanted in (None, planned.number)
    ]
    if found:
        return found
    raise NothingToSee(
        "kernels" if wanted is None else f"kernels of layer {wanted}",
        needed="a convolution",
        came=notation.write(subject.plan.network)[:80],
        remedy="look at a network that has one" if wanted is None else "name another layer",
    )


def first_convolution(subject: Subject) -> Kernels | None:
    """Return the convolution whose kernels training keeps over the epochs; None without any."""
    first = first_kernels(subject.network)
    for planned, path, module in convolution_modules(subject.network, subject.plan):
        if module.weight is first:
            return _kernels(planned, path, module, _channels(subject.plan, module, first))
    return None


def convolution_modules(
    network: nn.Sequential, plan: Plan
) -> Iterator[tuple[PlannedLayer, str, nn.Conv2d | nn.ConvTranspose2d]]:
    """Go through all convolutions: the layer, the path of the module in it, the module."""
    modules = layer_modules(network, plan)
    for planned in plan.walk():
        for path, module in _own(planned, modules[planned.number]):
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                yield planned, path, module


def _own(planned: PlannedLayer, modules: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """Go through the modules of a layer that no other layer of the plan stands for."""
    if isinstance(planned.layer, Residual):
        (residual,) = modules
        for module in residual.get_submodule("shortcut").modules():
            yield "shortcut", module
    elif isinstance(planned.layer, Timm):
        (unit,) = modules
        for path, module in unit.get_submodule("unit").named_modules():
            yield path or planned.layer.unit, module
    else:
        for module in modules:
            yield "", module


def _kernels(
    planned: PlannedLayer,
    path: str,
    module: nn.Conv2d | nn.ConvTranspose2d,
    channels: tuple[str, ...],
) -> Kernels:
    weights = module.weight.detach().to("cpu", torch.float32).numpy()
    transposed = isinstance(module, nn.ConvTranspose2d)
    if transposed:
        weights = _by_kernel(weights, module.groups)
    plain = isinstance(planned.layer, Conv | ConvTranspose)
    high, wide = weights.shape[2:]
    return Kernels(
        layer=f"{planned.number} {path}".strip(),
        text=notation.write_layer(planned.layer) if plain else f"conv {len(weights)} {high}x{wide}",
        weights=np.array(weights, order="C"),
        groups=module.groups,
        transposed=transposed,
        channels=channels,
    )


def _by_kernel(weights: Array, groups: int) -> Array:
    """Order the weights of a transposed convolution, (inputs, outputs / groups, h, w), by output.

    Returns (outputs, inputs / groups, h, w), as those of a convolution are.
    """
    inputs, outputs, high, wide = weights.shape
    apart = weights.reshape(groups, inputs // groups, outputs, high, wide)
    return apart.swapaxes(1, 2).reshape(groups * outputs, inputs // groups, high, wide)


def _channels(plan: Plan, module: nn.Module, first: torch.Tensor | None) -> tuple[str, ...]:
    """Name the input channels of the first convolution, where they are the picture's."""
    seen = plan.input[0]
    if module.weight is not first or module.weight.shape[1] != seen:
        return ()
    for layer in plan.walk():
        if isinstance(layer.layer, Conv | Timm):
            return channel_names(seen)
        if isinstance(layer.layer, MIXING):
            break
    return ()


# The activation functions of maps ---------------------------------------------------------


def activation_modules(network: nn.Sequential, plan: Plan) -> Mapping[str, nn.Module]:
    """Find the activation function of each convolution's maps, by the convolution's number.

    It is the layer's own, or the next layer with only normalisation, pooling and dropout
    between. Convolutions whose maps have none, and those of timm, are left out.
    """
    modules = layer_modules(network, plan)
    found: dict[str, nn.Module] = {}
    for siblings in _siblings(plan.layers):
        for place, layer in enumerate(siblings):
            if isinstance(layer.layer, Conv | ConvTranspose):
                number = _activated(siblings[place:])
                if number is not None:
                    found[layer.number] = modules[number][-1]
    return found


def _siblings(layers: tuple[PlannedLayer, ...]) -> Iterator[tuple[PlannedLayer, ...]]:
    yield layers
    for layer in layers:
        if layer.inner:
            yield from _siblings(layer.inner)


def _activated(layers: tuple[PlannedLayer, ...]) -> str | None:
    """Name the layer whose activation function the maps of the first of these layers go through."""
    kind: Any = layers[0].layer
    if kind.activation is not None:
        return layers[0].number
    for layer in layers[1:]:
        if isinstance(layer.layer, Activation):
            return layer.number
        if not isinstance(layer.layer, BETWEEN):
            break
    return None
