"""A ladder of receptive fields: what the pixels of ever deeper layers see of one picture.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from foveal.arrays import Array
from foveal.looking.contrast import SMOOTH, contrast
from foveal.looking.fields import (
    EffectiveFields,
    Field,
    check_channel,
    check_maps,
    check_pixel,
    receptive_field,
)
from foveal.looking.stages import with_maps
from foveal.looking.subject import Subject
from foveal.nets.notation import write_layer
from foveal.nets.planned import PlannedLayer
from foveal.nets.tracing import planned_layer
from foveal.shapes import Shape

TRIES = 12
"""Maps that are tried until one is found that the picture moves, at most."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Rung:
    """One feature-map pixel, and what it sees of a picture."""

    number: str
    """The layer, as the plan's table says it."""
    layer: str
    """The layer in the notation."""
    shape: Shape
    """Shape of its maps."""
    channel: int
    """The map, from 0."""
    row: int
    column: int
    value: float
    """What the pixel is, before the layer's activation function."""
    field: Field
    """What it can see at all."""
    effective: Array
    """How much each pixel of the picture moves it, (h, w); shares that add up to 1, or zeros."""

    @property
    def share(self) -> float:
        """Share of the picture's area that lies in the field."""
        height, width = self.field.size
        return height * width / self.effective.size

    @property
    def half(self) -> float:
        """Share of the picture's area that, of all so large, moves the pixel most: by a half.

        NaN where nothing moves it.
        """
        sizes = np.sort(self.effective.ravel())[::-1].cumsum(dtype=np.float64)
        if not sizes[-1] > 0:
            return float("nan")
        return float(np.searchsorted(sizes, sizes[-1] / 2) + 1) / len(sizes)


def ladder(
    subject: Subject,
    inputs_nchw: torch.Tensor,
    *,
    number: str | int | None = None,
    pixel: tuple[int, int] | None = None,
    channel: int | None = None,
    most: int = 6,
) -> list[Rung]:
    """Find what feature-map pixels see of one picture.

    Parameters
    ----------
    subject : Subject
        The network.
    inputs_nchw : Tensor
        One picture as the network takes it, (1, c, h, w).
    number : str or int, optional
        A layer; where left out, several that are evenly spaced over the depth. Of the deepest it
        is the most active pixel; of each other one that in whose field the place of the picture
        that moves it most is nearest to the middle, of places where there is something to see,
        and the map that is the most active there.
    pixel : tuple of int, optional
        Row and column of the pixel of that layer, from 0; the most active one where left out.
    channel : int, optional
        The map of that layer; where left out, the one that is the most active there.
    most : int
        How many layers, where none is named.

    Returns
    -------
    list of Rung
        The first layer first.

    Raises
    ------
    NothingToSee
        For a layer that gives a vector, and a network without any that gives maps.
    UsageError
        For a layer, a pixel or a map that is not there.
    """
    if number is not None:
        layer = planned_layer(subject.plan, number)
        check_maps(layer)
        check_pixel(layer, *(pixel or (0, 0)))
        check_channel(layer, channel or 0)
        fields = EffectiveFields(subject, inputs_nchw, [layer.number])
        return [_rung(fields, layer, pixel=pixel, channel=channel)]
    *others, deepest = layers = [one.last for one in with_maps(subject.plan, most)]
    fields = EffectiveFields(subject, inputs_nchw, [one.number for one in layers])
    last = _rung(fields, deepest)
    focus = _focus(last, inputs_nchw)
    before = [_rung(fields, one, focus=focus) for one in others]
    return [*before, last]


def _focus(last: Rung, inputs_nchw: torch.Tensor) -> tuple[int, int] | None:
    """Find the place of the picture that moves a pixel most, of those where there is contrast."""
    if not last.effective.any():
        return None
    sides = last.effective.shape
    width = max(sides) / SMOOTH
    smooth = gaussian_filter(last.effective, width)
    seen = smooth * contrast(inputs_nchw[0].float().cpu().numpy())
    best = (seen if seen.any() else smooth).argmax()
    row, column = (int(one) for one in np.unravel_index(best, sides))
    return row, column


def _rung(
    fields: EffectiveFields,
    layer: PlannedLayer,
    *,
    pixel: tuple[int, int] | None = None,
    channel: int | None = None,
    focus: tuple[int, int] | None = None,
) -> Rung:
    if focus is not None:
        pixel = _around(layer, focus)
    made = fields.maps(layer.number)
    there = np.zeros(made.shape, bool)
    rows, columns = (slice(None), slice(None)) if pixel is None else pixel
    there[slice(None) if channel is None else channel, rows, columns] = True
    place, effective = _moved(fields, layer, made, there)
    if focus is not None and not effective.any():
        place, effective = _moved(fields, layer, made, np.ones_like(there))
    channel, row, column = place
    return Rung(
        number=layer.number,
        layer=write_layer(layer.layer),
        shape=layer.out_shape,
        channel=channel,
        row=row,
        column=column,
        value=float(made[channel, row, column]),
        field=receptive_field(fields.subject.plan, layer.number, row, column),
        effective=effective,
    )


def _moved(
    fields: EffectiveFields,
    layer: PlannedLayer,
    made: Array,
    there: Array,
) -> tuple[tuple[int, int, int], Array]:
    """Find the most active number that the picture moves, among those allowed, and its field.

    Where layers are saturated nothing may move it; then the most active one of the next map is
    tried, and of one map its next number.
    """
    left = there.copy()
    single = int(there.any(axis=(1, 2)).sum()) == 1
    found: list[tuple[tuple[int, int, int], Array]] = []
    while left.any() and len(found) < TRIES:
        channel, row, column = place = most_active(made, left)
        found.append((place, fields.of(layer.number, row, column, channel)))
        if found[-1][1].any():
            return found[-1]
        left[place if single else channel] = False
    return found[0]


def most_active(made: Array, there: Array | None = None) -> tuple[int, int, int]:
    """Find the greatest number of maps, (c, h, w), among those that are allowed."""
    numbers = np.nan_to_num(made, nan=-np.inf)
    allowed = numbers if there is None else np.where(there, numbers, -np.inf)
    place = int(np.argmax(allowed)) if np.isfinite(allowed).any() else 0
    if there is not None and not there.ravel()[place]:
        place = int(np.argmax(there))
    channel, row, column = np.unravel_index(place, made.shape)
    return int(channel), int(row), int(column)


def _around(layer: PlannedLayer, focus: tuple[int, int]) -> tuple[int, int] | None:
    """Find the pixel whose field, padding included, has a place nearest to its middle."""
    if layer.fields is None:
        return None
    found = [
        round((place + 0.5 - field.start - field.size / 2) / field.step)
        for field, place in zip(layer.fields, focus, strict=True)
    ]
    row, column = (
        min(max(place, 0), side - 1) for place, side in zip(found, layer.out_shape[1:], strict=True)
    )
    return row, column
