"""What a model is given and what each of its layers makes of it, batch by batch.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn

from foveal.arrays import Floats
from foveal.inference.session import at_once
from foveal.nets.tracing import planned_layer, trace
from foveal.pictures.batches import normalised
from foveal.pictures.ledger import warn_unreadable
from foveal.pictures.preparing import batches
from foveal.pictures.scaling import scaling
from foveal.pictures.tensors import as_tensor

if TYPE_CHECKING:
    from foveal.device import Device
    from foveal.nets.plan import Plan
    from foveal.pictures.collection import Pictures
    from foveal.recipe import PictureRecipe


class SeeingNetwork(Protocol):
    """A network with what it sees pictures by, such as a fitted model."""

    @property
    def plan(self) -> Plan:
        """What the network is, layer by layer."""
        ...

    @property
    def network(self) -> nn.Sequential:
        """What `foveal.build` made of the plan."""
        ...

    @property
    def recipe(self) -> PictureRecipe:
        """How pictures become its input."""
        ...

    @property
    def device(self) -> Device:
        """Where it is."""
        ...


def inputs_of(model: SeeingNetwork, pictures: Pictures) -> Floats:
    """Prepare pictures as the network takes them, (n, c, h, w); NaN where there is none."""
    found = [np.empty((0, *model.recipe.shape), np.float32)]
    found += [_known(inputs, missing) for inputs, missing in _inputs(model, pictures)]
    return np.concatenate(found)


def activations_of(model: SeeingNetwork, pictures: Pictures, layer: str | int) -> Floats:
    """Compute what a layer makes of pictures, (n, ...); NaN where there is none.

    Raises
    ------
    UsageError
        For a number that no layer has.
    """
    planned = planned_layer(model.plan, layer)
    found = [np.empty((0, *planned.out_shape), np.float32)]
    with model.device.at_work(), torch.inference_mode():
        for inputs, missing in _inputs(model, pictures):
            there = inputs.to(model.device.name, model.device.dtype)
            _, passed = trace(model.network, model.plan, there, (planned.number,))
            found.append(_known(passed[planned.number].outputs, missing))
    return np.concatenate(found)


def _inputs(
    model: SeeingNetwork, pictures: Pictures
) -> Iterator[tuple[torch.Tensor, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Yield normalised pictures, and which of them are not there."""
    recipe = pictures.content.suited(model.recipe)
    by = scaling(pictures, recipe)
    told: list[str] = []
    for _, raw, reasons in batches(pictures, recipe, model.device.threads, at_once(recipe)):
        told.extend(reasons)
        yield normalised(as_tensor(raw), by), np.array([bool(one) for one in reasons])
    warn_unreadable(pictures.names, told)


def _known(values: torch.Tensor, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    found = np.array(values.float().cpu().numpy())
    found[missing] = np.nan
    return found
