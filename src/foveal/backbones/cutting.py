"""A backbone up to one of its stages: what stays fixed, ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import nn

from foveal.backbones.catalog import Backbone, Stage
from foveal.inference.frozen import FrozenNetwork
from foveal.nets.build import build, part
from foveal.nets.layer import Layer
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import GlobalPool, Network


def cut(backbone: Backbone, stage: Stage, *, pooled: bool) -> FrozenNetwork:
    """Cut a backbone after a stage.

    Parameters
    ----------
    pooled : bool
        Whether maps are averaged to one number each at the end.
    """
    plan = plan_network(Network(fixed_layers(backbone, stage, pooled=pooled), backbone.plan.input))
    return FrozenNetwork.of(backbone.engine_name, plan, filled(plan, backbone.weights))


def fixed_layers(backbone: Backbone, stage: Stage, *, pooled: bool) -> tuple[Layer, ...]:
    """List the layers that stay fixed when a backbone is cut after a stage."""
    layers = backbone.layers(0, stage.end)
    return (*layers, GlobalPool()) if pooled and len(backbone.shape(stage)) == 3 else layers


class Taps(nn.Module):
    """Averages the maps of several stages of one network and lays them side by side."""

    def __init__(self, pieces: Sequence[nn.Sequential]) -> None:
        super().__init__()
        self.pieces = nn.ModuleList(pieces)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        """Return (n, numbers of all stages)."""
        found = []
        for piece in self.pieces:
            images_nchw = piece(images_nchw)
            maps = images_nchw.ndim == 4
            found.append(images_nchw.mean(dim=(2, 3)) if maps else images_nchw)
        return torch.cat(found, dim=1)


def tapped(backbone: Backbone) -> tuple[FrozenNetwork, dict[str, slice]]:
    """Return a network that answers with the pooled features of all stages at once.

    Returns
    -------
    tuple
        The network, and where the features of each stage lie.
    """
    whole = plan_network(Network(backbone.layers(0, backbone.stages[-1].end), backbone.plan.input))
    network = filled(whole, backbone.weights)
    ends = [0, *(stage.end for stage in backbone.stages)]
    pieces = [part(network, whole, start, end) for start, end in pairwise(ends)]
    places: dict[str, slice] = {}
    at = 0
    for stage in backbone.stages:
        places[stage.name] = slice(at, at := at + backbone.shape(stage)[0])
    made = FrozenNetwork(
        name=backbone.engine_name,
        plan=whole,
        text=f"{whole.text} at {', '.join(places)}",
        network=Taps(pieces).eval().requires_grad_(False),
        shape=(at,),
        multiply_adds=whole.multiply_adds,
    )
    return made, places


def filled(plan: Plan, state: Mapping[str, torch.Tensor]) -> nn.Sequential:
    """Build a network with weights that are there, by the names of its layers."""
    network = build(plan, seed=0)
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return network.eval().requires_grad_(False)
