"""What goes into each layer of a built network and what comes out, those inside residuals too.

Axes: n picture, then the shape that the plan says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from foveal.errors import UsageError
from foveal.nets.blocks import Residual
from foveal.nets.build import child_names, part
from foveal.nets.calls import calls_of
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.parameters import did_you_mean


@dataclass(frozen=True, slots=True)
class Traced:
    """One layer in one pass."""

    inputs: torch.Tensor
    """What it was given, (n, ...)."""
    outputs: torch.Tensor
    """What it made of that, after its activation function, (n, ...)."""


def layer_modules(network: nn.Sequential, plan: Plan) -> dict[str, nn.Sequential]:
    """Find the modules that make each layer, by the layer's number; shared, not copied.

    Parameters
    ----------
    network : nn.Sequential
        What `build` made of the plan.
    plan : Plan
        The plan.

    Returns
    -------
    dict
        In the order of ``plan.walk()``: "4" for a residual, then "4.1" for the first layer in it.
        A layer that has a kernel begins with it, after zeros that pad unevenly.
    """
    found: dict[str, nn.Sequential] = {}
    for layer, names in zip(plan.layers, child_names(plan), strict=True):
        _add(found, layer, [network.get_submodule(name) for name in names])
    return found


def _add(found: dict[str, nn.Sequential], layer: PlannedLayer, modules: list[nn.Module]) -> None:
    found[layer.number] = nn.Sequential(*modules)
    if not layer.inner:
        return
    (residual,) = modules
    assert isinstance(residual, Residual)
    branch = iter(residual.branch)
    for inner in layer.inner:
        _add(found, inner, [next(branch) for _ in calls_of(inner)])


def without_activation(modules: nn.Sequential, layer: PlannedLayer) -> nn.Sequential:
    """Leave a layer's activation function out of its modules, which are shared and not copied."""
    function = getattr(layer.layer, "activation", None) or getattr(layer.layer, "function", None)
    return modules[:-1] if function else modules


def planned_layer(plan: Plan, number: str | int) -> PlannedLayer:
    """Find a layer by its number in the plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    number : str or int
        As the plan's table says it: 4, or "4.2" inside a residual.

    Raises
    ------
    UsageError
        For a number that no layer has.
    """
    layers = {one.number: one for one in plan.walk()}
    if str(number) in layers:
        return layers[str(number)]
    raise UsageError(
        f"layer {number}",
        needed=f"a number of the plan, 1 to {len(plan.layers)}, or such as 4.2 inside a residual",
        came=repr(number),
        remedy=did_you_mean(str(number), list(layers)) or "see the plan: foveal.plan, foveal show",
    )


def up_to(network: nn.Sequential, plan: Plan, number: str) -> tuple[nn.Sequential, Plan]:
    """Cut a network behind the top-level layer that is, or holds, a layer; modules are shared."""
    end = int(number.split(".")[0])
    shorter = replace(plan, layers=plan.layers[:end], fixed=0, encoder_layers=0)
    return part(network, plan, 0, end), shorter


def trace(
    network: nn.Sequential, plan: Plan, inputs_nchw: torch.Tensor, numbers: Collection[str]
) -> tuple[torch.Tensor, Mapping[str, Traced]]:
    """Run pictures through a network and keep what passes through some of its layers.

    Gradients are kept where torch keeps them: call it under ``torch.inference_mode`` where none
    are wanted.

    Parameters
    ----------
    network : nn.Sequential
        What `build` made of the plan.
    plan : Plan
        The plan.
    inputs_nchw : Tensor
        Pictures as the network takes them.
    numbers : collection of str
        Numbers of layers, as `planned_layer` knows them.

    Returns
    -------
    Tensor, dict
        The network's outputs, and what passed through each layer.
    """
    passed: dict[str, Traced] = {}
    outputs = watch(network, plan, inputs_nchw, numbers, passed.__setitem__)
    return outputs, {number: passed[number] for number in numbers}


def watch(
    network: nn.Sequential,
    plan: Plan,
    inputs_nchw: torch.Tensor,
    numbers: Collection[str],
    tell: Callable[[str, Traced], Any],
) -> torch.Tensor:
    """Run pictures through a network and tell of each layer as soon as it is done.

    Nothing is kept here, so that a network of many layers can be looked at in the memory of one.

    Parameters
    ----------
    network, plan, inputs_nchw, numbers
        As for `trace`.
    tell : callable
        Called with the number of a layer and what passed through it.

    Returns
    -------
    Tensor
        The network's outputs.
    """
    modules = layer_modules(network, plan)
    hooks: list[Any] = []
    try:
        for number in numbers:
            layer = modules[number if number in modules else planned_layer(plan, number).number]
            if len(layer):
                hooks += _watched(layer[0], layer[-1], number, tell)
        outputs: torch.Tensor = network(inputs_nchw)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs


def _watched(
    first: nn.Module, last: nn.Module, number: str, tell: Callable[[str, Traced], Any]
) -> list[Any]:
    given: list[torch.Tensor] = []

    def before(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        given[:] = inputs[:1]

    def after(module: nn.Module, inputs: Any, made: torch.Tensor) -> None:
        tell(number, Traced(given.pop(), made))

    return [first.register_forward_pre_hook(before), last.register_forward_hook(after)]
