"""The feature maps that a layer makes of a picture.

Axes: c channel, m map that is kept, h height, w width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from foveal.arrays import Array, Rows
from foveal.looking.fields import check_maps
from foveal.looking.subject import Subject
from foveal.nets.notation import write_layer
from foveal.nets.planned import PlannedLayer
from foveal.nets.tracing import layer_modules, planned_layer, without_activation
from foveal.shapes import Shape


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Maps:
    """What a layer makes of one picture."""

    number: str
    """The layer, as the plan's table says it."""
    layer: str
    """The layer in the notation."""
    in_shape: Shape
    shape: Shape
    activity: Array
    """Mean size of the numbers of each map, (c,), whether kept or not."""
    least: Array
    """Least number of each map, (c,)."""
    greatest: Array
    """Greatest number of each map, (c,)."""
    channels: Rows
    """Which maps are kept, from 0, (m,): all in order, or else the most active first."""
    maps: Array
    """The maps that are kept, (m, h, w)."""

    @property
    def limits(self) -> tuple[float, float]:
        """Limits for all maps of the layer: 0 is one of them or between them."""
        return min(float(self.least.min()), 0.0), max(float(self.greatest.max()), 0.0)

    @property
    def left_out(self) -> int:
        """How many maps are not kept."""
        return self.shape[0] - len(self.channels)


def feature_maps(subject: Subject, inputs_nchw: torch.Tensor, number: str | int, most: int) -> Maps:
    """Compute the feature maps of a layer for one picture.

    Parameters
    ----------
    subject : Subject
        The network.
    inputs_nchw : Tensor
        One picture as the network takes it, (1, c, h, w).
    number : str or int
        The layer.
    most : int
        How many maps are kept.

    Raises
    ------
    UsageError
        For a number that no layer has.
    NothingToSee
        For a layer that gives a vector.
    """
    (found,) = maps_of_layers(subject, inputs_nchw, [number], most)
    return found


def maps_of_layers(
    subject: Subject, inputs_nchw: torch.Tensor, numbers: Sequence[str | int], most: int
) -> list[Maps]:
    """Compute the feature maps of several layers in one pass; see `feature_maps`."""
    layers = [planned_layer(subject.plan, number) for number in numbers]
    for layer in layers:
        check_maps(layer)
    _, passed = subject.traced(inputs_nchw, [one.number for one in layers])
    return [maps_of(one, passed[one.number].outputs, most) for one in layers]


def maps_of(layer: PlannedLayer, outputs_nchw: torch.Tensor, most: int) -> Maps:
    """Keep the most active maps of what a layer made of one picture; all where they are few."""
    made = outputs_nchw[0].float().cpu().numpy()
    activity = np.abs(made).mean(axis=(1, 2))
    order = np.argsort(-np.nan_to_num(activity), kind="stable")
    kept = np.arange(len(made)) if len(made) <= most else order[:most]
    return Maps(
        number=layer.number,
        layer=write_layer(layer.layer),
        in_shape=layer.in_shape,
        shape=layer.out_shape,
        activity=activity,
        least=made.min(axis=(1, 2)),
        greatest=made.max(axis=(1, 2)),
        channels=kept,
        maps=made[kept],
    )


def unactivated(subject: Subject, inputs_nchw: torch.Tensor, number: str) -> Array:
    """Compute what a layer makes of one picture before its activation function, (c, ...).

    Where that is saturated, these numbers still tell which is the greatest.
    """
    _, passed = subject.traced(inputs_nchw, (number,))
    modules = layer_modules(subject.network, subject.plan)[number]
    layer = planned_layer(subject.plan, number)
    with subject.device.at_work(), torch.inference_mode():
        made: torch.Tensor = without_activation(modules, layer)(passed[number].inputs)[0]
    found: Array = made.float().cpu().numpy()
    return found
