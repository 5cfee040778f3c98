"""Receptive fields: the portion of a picture that a feature-map pixel stands for.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from foveal.arrays import Array
from foveal.errors import UsageError
from foveal.looking.subject import NothingToSee, Subject, check_numbers
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.receptive import receptive_spans
from foveal.nets.tracing import layer_modules, planned_layer, trace, up_to, without_activation
from foveal.shapes import written


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The receptive field of one feature-map pixel: what of the picture it can see at all.

    The four sides are input pixels: first and one past the last. They are exact at the edges
    of the picture and after enlarging layers too; where they are equal it sees nothing.
    """

    top: int
    bottom: int
    left: int
    right: int
    law: tuple[float, float, float, float] | None
    """The same by the plan's law, in the order above, not cut to the picture: it may begin in
    padding. None where there is no such law."""
    whole: bool
    """Whether every number of the layer sees the whole picture."""
    unknown: bool
    """Whether nobody knows: the sides are then those of the picture."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in input pixels."""
        return self.bottom - self.top, self.right - self.left


def receptive_field(plan: Plan, number: str | int, row: int = 0, column: int = 0) -> Field:
    """Compute what one feature-map pixel of a layer sees of the picture.

    Parameters
    ----------
    plan : Plan
        The network.
    number : str or int
        The layer, as the plan's table says it.
    row, column : int
        The pixel, from 0; 0 for a layer that gives a vector.

    Returns
    -------
    Field

    Raises
    ------
    UsageError
        For a number that no layer has, and a pixel outside its maps.

    Examples
    --------
    >>> from foveal.nets.plan import plan
    >>> found = receptive_field(plan("1x9x9 | conv 4 3x3 | maxpool 2"), 2, 1, 2)
    >>> found.top, found.bottom, found.left, found.right
    (2, 6, 4, 8)
    """
    layer = planned_layer(plan, number)
    check_pixel(layer, row, column)
    spans = receptive_spans(plan)[layer.number]
    (top, bottom), (left, right) = spans.rows[row].tolist(), spans.columns[column].tolist()
    return Field(
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        law=law_of(layer, row, column),
        whole=layer.fields is None and not layer.unknown,
        unknown=layer.unknown,
    )


def law_of(layer: PlannedLayer, row: int, column: int) -> tuple[float, float, float, float] | None:
    """Return what a pixel sees by the plan's law, without an end; see `Field.law`."""
    if layer.fields is None:
        return None
    starts = [
        (field.start + place * field.step, field.size)
        for field, place in zip(layer.fields, (row, column), strict=True)
    ]
    (top, height), (left, width) = starts
    return float(top), float(top + height), float(left), float(left + width)


def check_pixel(layer: PlannedLayer, row: int, column: int) -> None:
    """Refuse a place that a layer's maps do not have.

    Raises
    ------
    UsageError
        For a row or a column outside of them.
    """
    height, width = layer.out_shape[1:] if len(layer.out_shape) == 3 else (1, 1)
    if 0 <= row < height and 0 <= column < width:
        return
    raise UsageError(
        f"pixel {row},{column} of layer {layer.number}",
        needed=f"a row of 0 to {height - 1} and a column of 0 to {width - 1}: it gives "
        f"{written(layer.out_shape)}",
        came=f"row {row}, column {column}",
        remedy="choose a pixel of its maps, or another layer",
    )


def check_channel(layer: PlannedLayer, channel: int) -> None:
    """Refuse a map that a layer does not have.

    Raises
    ------
    UsageError
        For a number out of range.
    """
    count = layer.out_shape[0]
    if not 0 <= channel < count:
        raise UsageError(
            f"channel {channel} of layer {layer.number}",
            needed=f"0 to {count - 1}: it gives {written(layer.out_shape)}",
            came=str(channel),
            remedy="choose one of its maps, or another layer",
        )


def check_maps(layer: PlannedLayer) -> None:
    """Refuse a layer that gives no maps.

    Raises
    ------
    NothingToSee
        Where it gives a vector.
    """
    if len(layer.out_shape) != 3:
        raise NothingToSee(
            f"layer {layer.number}",
            needed="a layer that gives feature maps",
            came=f"a vector of {written(layer.out_shape)}",
            remedy="choose a layer before 'flatten' or 'globalpool'",
        )


def effective_field(
    subject: Subject,
    inputs_nchw: torch.Tensor,
    number: str | int,
    row: int = 0,
    column: int = 0,
    channel: int | None = None,
) -> Array:
    """Compute how much each pixel of a picture moves one feature-map pixel (Luo et al., 2016).

    That is the size of the gradient of the map's number with regard to the picture's numbers,
    summed over colours. It is taken before the layer's activation function, which has no slope
    where it is saturated; where those of earlier layers let nothing through it is zero.

    Parameters
    ----------
    subject : Subject
        The network.
    inputs_nchw : Tensor
        One picture as the network takes it, (1, c, h, w).
    number : str or int
        The layer.
    row, column : int
        The feature-map pixel, from 0.
    channel : int, optional
        The map; where left out, the sum of all maps at that pixel is taken.

    Returns
    -------
    array, (h, w)
        Shares, which add up to 1; zeros where no pixel moves it.

    Raises
    ------
    UsageError
        For a layer, a pixel or a channel that is not there.
    NothingToSee
        Where the network gives no numbers.
    """
    return EffectiveFields(subject, inputs_nchw, [number]).of(number, row, column, channel)


class EffectiveFields:
    """Effective fields of pixels of several layers, of one pass; see `effective_field`.

    Parameters
    ----------
    subject, inputs_nchw
        As for `effective_field`.
    numbers : sequence of str or int
        The layers.

    Raises
    ------
    UsageError
        For a layer that is not there.
    NothingToSee
        Where the network gives no numbers.
    """

    def __init__(
        self, subject: Subject, inputs_nchw: torch.Tensor, numbers: Sequence[str | int]
    ) -> None:
        self.subject = subject
        self.layers = {str(one): planned_layer(subject.plan, one) for one in numbers}
        with subject.device.at_work(), torch.enable_grad():
            self.picture = inputs_nchw.detach().clone().requires_grad_(True)
            self.made = _unactivated(subject, self.picture, list(self.layers.values()))
            check_numbers(*self.made.values())

    def maps(self, number: str | int) -> Array:
        """Return what a layer makes of the picture before its activation function, (c, ...)."""
        found: Array = self.made[str(number)][0].detach().float().cpu().numpy()
        return found

    def of(
        self, number: str | int, row: int = 0, column: int = 0, channel: int | None = None
    ) -> Array:
        """Compute the field of one pixel, (h, w); see `effective_field`."""
        layer, made = self.layers[str(number)], self.made[str(number)][0]
        check_pixel(layer, row, column)
        if channel is not None:
            check_channel(layer, channel)
        chosen = made if channel is None else made[channel : channel + 1]
        with self.subject.device.at_work(), torch.enable_grad():
            total = (chosen[:, row, column] if chosen.ndim == 3 else chosen).sum()
            (slopes,) = torch.autograd.grad(
                total, self.picture, materialize_grads=True, retain_graph=True
            )
            check_numbers(slopes)
        sizes = slopes[0].abs().double().sum(dim=0)
        shares: Array = (sizes / (sizes.sum() or 1.0)).float().cpu().numpy()
        return shares


def _unactivated(
    subject: Subject, picture: torch.Tensor, layers: Sequence[PlannedLayer]
) -> dict[str, torch.Tensor]:
    """Run a picture through the network to some layers, without their activation functions."""
    deepest = max(layers, key=lambda one: int(one.number.split(".")[0]))
    network, shorter = up_to(subject.network, subject.plan, deepest.number)
    _, passed = trace(network, shorter, picture, [one.number for one in layers])
    modules = layer_modules(network, shorter)
    return {
        one.number: without_activation(modules[one.number], one)(passed[one.number].inputs)
        for one in layers
    }
