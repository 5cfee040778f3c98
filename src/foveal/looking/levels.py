"""Layers that stand for the depth of a network: low-, mid- and high-level features."""

from __future__ import annotations

import math

from foveal.nets import notation
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer, cut
from foveal.nets.spec import Conv, Residual, Timm
from foveal.shapes import written
from foveal.wording import counted

LEVELS = ("low-level", "mid-level", "high-level")


def levels(plan: Plan) -> list[PlannedLayer]:
    """Choose up to three layers of kernels: the first, one between, the last that has places.

    The one between sees a portion of the picture that is as many times larger than that of the
    first as it is smaller than that of the last; where this is not known, half of the layers lie
    before it. Of an autoencoder they are layers of the encoder.
    """
    found = [
        one
        for one in plan.layers[: plan.encoder_layers or None]
        if isinstance(one.layer, Conv | Residual | Timm) and math.prod(one.out_shape[1:]) > 1
    ]
    if len(found) < 3:
        return found
    inner = found[1:-1]
    sizes = [_seen_pixels(plan, one) for one in found]
    if any(one.unknown for one in found):
        return [found[0], inner[(len(inner) - 1) // 2], found[-1]]
    middle = math.sqrt(sizes[0] * sizes[-1])
    nearest = min(range(len(inner)), key=lambda at: abs(math.log(sizes[at + 1] / middle)))
    return [found[0], inner[nearest], found[-1]]


def _seen_pixels(plan: Plan, layer: PlannedLayer) -> float:
    """Return the side of the square of what one number sees, the picture's at most."""
    return math.sqrt(max(plan.share(layer), 0) * math.prod(plan.input[1:])) or 1.0


def title_of(layer: PlannedLayer) -> str:
    """Name a layer in a few words."""
    if isinstance(layer.layer, Residual):
        return f"residual of {counted(len(layer.inner), 'layer')}"
    if isinstance(layer.layer, Timm):
        return cut(f"timm {layer.layer.architecture} {layer.layer.unit}")
    return cut(notation.write_layer(layer.layer))


def sees(layer: PlannedLayer) -> str:
    """Say how much of the picture one number of a layer sees."""
    if layer.unknown:
        return "nobody knows what it sees"
    if layer.fields is None:
        return "each number sees the whole picture"
    size = written(tuple(math.ceil(one.size) for one in layer.fields))
    return f"each number sees {size} pixels"
