"""From a plan to a plain torch module. Decides nothing: the plan has decided."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from foveal.nets import blocks
from foveal.nets.calls import Call, calls
from foveal.nets.plan import Plan, plan
from foveal.nets.spec import Network
from foveal.shapes import Shape


def build(
    net: str | Network | Plan,
    *,
    input: Shape | str | None = None,
    classes: int | None = None,
    seed: int | None = None,
) -> nn.Sequential:
    """Build a network as a plain ``nn.Sequential``.

    Parameters
    ----------
    net : str, Network or Plan
        A network in the notation, the name of a stock net, a description, or a plan.
    input, classes
        As for `foveal.plan`.
    seed : int, optional
        Seed of the initial weights; torch's own random state where left out.

    Returns
    -------
    torch.nn.Sequential
        Takes pictures as float tensors (batch, channels, height, width). Its children are
        named after the plan: ``1_conv``, ``1_relu``, ``2_maxpool``.

    Examples
    --------
    >>> network = build("1x28x28 | conv 4 3x3 relu | globalpool | dense 10", seed=0)
    >>> tuple(network(torch.zeros(2, 1, 28, 28)).shape)
    (2, 10)
    """
    planned = net if isinstance(net, Plan) else plan(net, input=input, classes=classes)
    if seed is None:
        return _built(planned)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return _built(planned)


def child_names(planned: Plan) -> list[list[str]]:
    """Name the children of the built network that make each layer of the plan."""
    return [[_name(layer.number, call) for call in made] for layer, made in calls(planned)]


def _built(planned: Plan) -> nn.Sequential:
    children: OrderedDict[str, nn.Module] = OrderedDict()
    for layer, made in calls(planned):
        for call in made:
            children[_name(layer.number, call)] = _module(call)
    return nn.Sequential(children)


def _name(number: str, call: Call) -> str:
    return f"{number}_{call.kind.lower().removesuffix('2d').removesuffix('1d')}"


def _module(call: Call) -> nn.Module:
    kind = getattr(blocks, call.kind, None) or getattr(nn, call.kind)
    parts = {
        name: nn.Sequential(*(_module(one) for one in inner)) for name, inner in call.parts.items()
    }
    module: nn.Module = kind(**call.arguments, **parts)
    return module
