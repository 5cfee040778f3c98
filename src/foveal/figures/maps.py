"""The feature maps of a layer: what each of its kernels finds in a picture, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.drawing.cells import map_tile
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, page
from foveal.drawing.panel import colour_bar, panel
from foveal.drawing.scales import ramp, viridis
from foveal.drawing.text import number
from foveal.drawing.thumbnails import drawn
from foveal.figures.one_picture import OnePicture
from foveal.looking.maps import Maps, maps_of_layers
from foveal.looking.stages import stages, with_maps
from foveal.looking.subject import Subject
from foveal.nets.planned import cut
from foveal.nets.spec import AvgPool, Conv, ConvTranspose, MaxPool
from foveal.nets.tracing import planned_layer
from foveal.parameters import Whole, check, choice, optional
from foveal.shapes import written
from foveal.wording import counted

MOST = 64
"""Maps of a layer that are shown, if not said otherwise."""
LAYERS = 3
"""Layers that are shown where none is named: the first, one in the middle and the last."""
FEW = 16
"""Up to so many maps are drawn large."""
LARGE, SMALL = 128, 96
BAR = 160
NAMED = 120
"""Width of a map with the words under it, at least."""
KERNEL = (
    "Each square is what one kernel makes of the whole picture: bright where the kernel found "
    "what it looks for, dark where it did not. "
)
POOLED = (
    "Each square is a map of the layers before, made smaller: of each window one number is kept, "
    "its {}. "
)
OTHER = (
    "Each square is one map that the layer gives of the whole picture: bright where its numbers "
    "are large, dark where they are small. "
)
CAPTION = (
    "Maps of early layers still look like the picture; "
    "those of late ones are small and say only roughly where something is."
)


def draw_maps(
    model: Any,
    X: Any,
    *,
    layer: str | int | None = None,
    count: int | None = None,
    limits: str = "layer",
) -> list[Figure[Maps]]:
    """Draw the feature maps of a layer for a picture.

    Parameters
    ----------
    model : FittedModel, Plan or str
        The network; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures, of which the first is taken.
    layer : str or int, optional
        Number of a layer in the plan; where left out, the first, one in the middle and the last
        that give maps by kernels or pooling.
    count : int, optional
        Maps that are shown at most, the most active first; 64 where left out.
    limits : {"layer", "map"}
        Whether all maps of a layer share the limits of their colours, or each has its own.

    Returns
    -------
    list of Figure of Maps
        Of each layer one; its numbers are those of all maps: mean size, least and greatest.

    Raises
    ------
    NothingToSee
        For a layer that gives a vector, and a network without any that gives maps.
    UsageError
        For a layer that is not there, and a count below 1.
    """
    check(
        {"count": count, "limits": limits},
        {"count": optional(Whole(1)), "limits": choice(("layer", "map"))},
    )
    shown = OnePicture.of(model, X)
    chosen = (
        [one.last.number for one in with_maps(shown.subject.plan, LAYERS, working=True)]
        if layer is None
        else [str(layer)]
    )
    found = maps_of_layers(shown.subject, shown.inputs, chosen, count or MOST)
    return [_drawn(shown, one, limits) for one in found]


def _drawn(shown: OnePicture, found: Maps, limits: str) -> Figure[Maps]:
    side = LARGE if len(found.maps) <= FEW else SMALL
    tiles = [
        map_tile(one, found.limits if limits == "layer" else own_limits(one), side, LARGE)
        for one in found.maps
    ]
    captions = [
        (f"map {channel}", f"mean size {number(float(found.activity[channel]))}")
        for channel in found.channels.tolist()
    ]
    caption = _caption(shown.subject, found)
    key = [drawn(shown.image, LARGE, LARGE), _bar(found, limits)]
    return Figure(
        values=found,
        image=page(
            f"Feature maps of layer {found.number}",
            _facts(shown, found),
            [abreast(key, 3 * GRID, "center"), panel(tiles, captions, least=NAMED)],
            caption,
        ),
        caption=caption,
        columns=("map", "mean size", "least", "greatest", "shown"),
        rows=tuple(_rows(found)),
    )


def _caption(subject: Subject, found: Maps) -> str:
    """Say what maps are, by what made them."""
    layer = planned_layer(subject.plan, found.number)
    kind = next((one.layers[0] for one in stages(subject.plan) if layer in one.layers), layer).layer
    if isinstance(kind, MaxPool | AvgPool):
        return POOLED.format("greatest" if isinstance(kind, MaxPool) else "mean") + CAPTION
    return (KERNEL if isinstance(kind, Conv | ConvTranspose) else OTHER) + CAPTION


def own_limits(map_hw: Array) -> tuple[float, float]:
    """Return the limits of one map by itself, 0 among them or between them."""
    return min(float(map_hw.min()), 0.0), max(float(map_hw.max()), 0.0)


def _bar(found: Maps, limits: str) -> Any:
    if limits == "map":
        low, high = "least of each map, or 0", "its greatest"
    else:
        low, high = (number(one) for one in found.limits)
    return colour_bar(ramp(viridis(np.linspace(0, 1, BAR), 0, 1)), low, high)


def _facts(shown: OnePicture, found: Maps) -> list[str]:
    some = (
        f"{len(found.maps):,} of {counted(found.shape[0], 'map')}, the most active (greatest mean "
        f"size) first; {found.left_out:,} left out"
        if found.left_out
        else f"all {counted(found.shape[0], 'map')}, in order"
    )
    return [
        shown.fact,
        f"{cut(found.layer)}: {written(found.in_shape)} -> {written(found.shape)}",
        some,
    ]


def _rows(found: Maps) -> list[tuple[Any, ...]]:
    shown = set(found.channels.tolist())
    columns = (found.activity.tolist(), found.least.tolist(), found.greatest.tolist())
    return [
        (channel, *numbers, channel in shown)
        for channel, numbers in enumerate(zip(*columns, strict=True))
    ]
