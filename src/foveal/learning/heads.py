"""What a transfer puts in front of its answer: the layers of a head."""

from __future__ import annotations

from foveal.errors import UsageError
from foveal.learning.transfer_options import FITTED
from foveal.nets import notation
from foveal.nets.layer import Layer
from foveal.nets.spec import (
    AvgPool,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    DepthToSpace,
    Flatten,
    MaxPool,
    Offset,
    Residual,
    Resize,
    SpaceToDepth,
    Upsample,
)

ON_MAPS = (
    *(Conv, ConvTranspose, MaxPool, AvgPool, Flatten, Residual),
    *(SpaceToDepth, DepthToSpace, Upsample, Resize, Centre, Offset),
)
"""Layers with which a head takes maps as they are; before any other they are averaged."""


def head_layers(text: str | None) -> tuple[Layer, ...]:
    """Read a head; a last dense layer with a node a class is added where it is missing.

    One that is fitted at once is that layer alone.
    """
    if text is None or text in FITTED:
        return (Dense(),)
    network = notation.read(text, also=FITTED)
    if network.input is not None:
        raise UsageError(
            "head",
            needed="layers alone: the backbone decides what they take",
            came=text,
            remedy="leave the shape out",
        )
    last = network.layers[-1]
    open_end = isinstance(last, Dense) and last.nodes is None
    return network.layers if open_end else (*network.layers, Dense())
