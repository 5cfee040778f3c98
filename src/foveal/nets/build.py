"""From a plan to a plain torch module. Decides nothing: the plan has decided."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from foveal.device import drawing
from foveal.errors import NetworkError
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
        Seed of the initial weights; torch's own random state where left out. Units of timm
        begin with those of their architecture, which is created once for all units of it in
        a row: two that name the same unit begin alike, yet share nothing. Trained weights are
        never fetched.

    Returns
    -------
    torch.nn.Sequential
        Takes pictures as float tensors (batch, channels, height, width). Its children are
        named after the plan: ``1_conv``, ``1_relu``, ``2_maxpool``.

    Raises
    ------
    NetworkError
        Where the network cannot work, and where timm is not installed or has no such unit.

    Examples
    --------
    >>> import torch
    >>> network = build("1x28x28 | conv 4 3x3 relu | globalpool | dense 10", seed=0)
    >>> tuple(network(torch.zeros(2, 1, 28, 28)).shape)
    (2, 10)
    """
    planned = net if isinstance(net, Plan) else plan(net, input=input, classes=classes)
    if seed is None:
        return _built(planned)
    with drawing(seed):
        return _built(planned)


def child_names(planned: Plan) -> list[list[str]]:
    """Name the children of the built network that make each layer of the plan."""
    return [[_name(layer.number, call) for call in made] for layer, made in calls(planned)]


def part(
    network: nn.Sequential, planned: Plan, start: int, end: int | None = None
) -> nn.Sequential:
    """Return the modules of some top-level layers of a built network, shared and not copied."""
    names = [name for layer in child_names(planned)[start:end] for name in layer]
    return nn.Sequential(OrderedDict((name, network.get_submodule(name)) for name in names))


def _built(planned: Plan) -> nn.Sequential:
    children: OrderedDict[str, nn.Module] = OrderedDict()
    blocks.TimmUnit.last = None  # of an earlier network, with weights of another seed
    try:
        for layer, made in calls(planned):
            for call in made:
                children[_name(layer.number, call)] = _module(call)
    finally:
        blocks.TimmUnit.last = None
    return nn.Sequential(children)


def _name(number: str, call: Call) -> str:
    return f"{number}_{call.kind.lower().removesuffix('2d').removesuffix('1d')}"


def _module(call: Call) -> nn.Module:
    if call.kind == blocks.TimmUnit.__name__:
        return _timm_unit(**call.arguments)
    kind = getattr(blocks, call.kind, None) or getattr(nn, call.kind)
    parts = {
        name: nn.Sequential(*(_module(one) for one in inner)) for name, inner in call.parts.items()
    }
    module: nn.Module = kind(**call.arguments, **parts)
    return module


def _timm_unit(architecture: str, unit: str) -> nn.Module:
    where = f"timm {architecture} {unit}"
    try:
        return blocks.TimmUnit(architecture, unit)
    except ModuleNotFoundError as error:
        raise NetworkError(
            where,
            needed=f"the package {error.name}",
            came="a Python without it",
            remedy=f"install it, as in 'pip install {error.name}'",
        ) from error
    except ValueError as error:
        raise NetworkError(
            where,
            needed="an architecture that the installed timm has, and a unit of it",
            came=str(error),
            remedy="see timm.list_models(), and named_modules() of the created architecture",
        ) from error
