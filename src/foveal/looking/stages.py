"""Stages of a network: a layer that makes something new, and those after it that only settle it."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.looking.subject import NothingToSee
from foveal.nets.notation import write_layer
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Centre,
    Conv,
    ConvTranspose,
    Dropout,
    MaxPool,
    Offset,
    Residual,
    Timm,
)
from foveal.pictures.collection import evenly

SETTLING = BatchNorm | Activation | Dropout | Centre | Offset
"""Layers that change each number by itself."""
WORKING = Conv | ConvTranspose | Residual | Timm | MaxPool | AvgPool
"""Layers that make maps by kernels or pooling; others only order or resize what there is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers of the plan that belong together, such as a convolution and its activation."""

    layers: tuple[PlannedLayer, ...]
    fixed: bool
    """Whether training leaves them as they are."""
    decodes: bool
    """Whether they belong to the decoder of an autoencoder."""

    @property
    def last(self) -> PlannedLayer:
        """The layer whose outputs are the stage's."""
        return self.layers[-1]

    @property
    def numbers(self) -> str:
        """The numbers of its layers: "4", or "4 to 6"."""
        first, last = self.layers[0].number, self.last.number
        return first if first == last else f"{first} to {last}"

    @property
    def text(self) -> str:
        """Its layers in the notation."""
        return " | ".join(write_layer(one.layer) for one in self.layers)

    @property
    def parameters(self) -> int:
        """Number of learned numbers."""
        return sum(one.parameters for one in self.layers)


def stages(plan: Plan) -> list[Stage]:
    """Cut a plan into stages: top-level layers in order, each followed by those that settle it.

    None of them reaches across the place where fixed layers end, or the code of an autoencoder.
    """
    borders = {0, plan.fixed, plan.encoder_layers}
    found: list[list[PlannedLayer]] = []
    for place, layer in enumerate(plan.layers):
        if place in borders or not isinstance(layer.layer, SETTLING):
            found.append([])
        found[-1].append(layer)
    return [
        Stage(
            layers=tuple(some),
            fixed=int(some[0].number) <= plan.fixed,
            decodes=0 < plan.encoder_layers < int(some[0].number),
        )
        for some in found
    ]


def with_maps(plan: Plan, most: int, *, working: bool = False) -> list[Stage]:
    """Choose stages that give feature maps, evenly spaced over the depth.

    Parameters
    ----------
    plan : Plan
        The network.
    most : int
        How many, at most.
    working : bool
        Whether only those that make them by kernels or pooling.

    Raises
    ------
    NothingToSee
        Where there are none.
    """
    found = [
        one
        for one in stages(plan)
        if makes_maps(one)
        and (not working or any(isinstance(layer.layer, WORKING) for layer in one.layers))
    ]
    if not found:
        raise NothingToSee(
            "the look",
            needed="a layer that gives feature maps",
            came="a network without one",
            remedy="look at a network with convolutions",
        )
    return [found[place] for place in evenly(len(found), most)]


def makes_maps(stage: Stage) -> bool:
    """Whether a stage makes feature maps, and does more than settle the picture's own numbers."""
    settles = all(isinstance(one.layer, SETTLING) for one in stage.layers)
    return len(stage.last.out_shape) == 3 and not settles
