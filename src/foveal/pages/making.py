"""How each number of a layer is made, told so that `scripts/arithmetic.js` can do it again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from foveal.looking.steps import learned, scale
from foveal.looking.walk import Node, by_channel
from foveal.nets.layer import Layer
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    DepthToSpace,
    Flatten,
    GlobalPool,
    MaxPool,
    Offset,
    Reshape,
    Residual,
    Resize,
    SpaceToDepth,
    Timm,
    Upsample,
)
from foveal.pages.carried import Carried, below
from foveal.pages.packing import Packed


class Making:
    """Tells how numbers are made, and keeps the weights that are needed for it.

    Parameters
    ----------
    nodes, carried : sequences
        The network, and what a page carries of it.
    modules : mapping
        The modules of each layer, by its number.
    room : int
        Bytes for weights.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        carried: Sequence[Carried],
        modules: Mapping[str, nn.Sequential],
        room: int,
    ) -> None:
        self.nodes, self.carried, self.modules = nodes, carried, modules
        self.left = room
        self.weights = Packed()

    def told(self, place: int, rows: Collection[int] | None = None) -> dict[str, Any]:
        """Tell how the numbers of a node are made; or, under "why", why that is not told.

        Parameters
        ----------
        place : int
            The node; not that of the picture.
        rows : collection of int, optional
            Of a dense layer the nodes that are told of; all where left out.
        """
        node, carried = self.nodes[place], self.carried[place]
        layer = node.layer
        assert layer is not None
        if carried.alias:
            return {"kind": "same"}
        if not carried.bits and rows is None:
            return {"why": "none of its maps is carried"}
        missing = self._missing(node, carried)
        if missing:
            return {"why": missing}
        return self._told(layer, node, carried, rows)

    def _told(
        self, layer: PlannedLayer, node: Node, carried: Carried, rows: Collection[int] | None
    ) -> dict[str, Any]:
        match layer.layer:
            case Conv() | ConvTranspose():
                return self._convolution(layer, carried)
            case Dense(activation=function):
                return {
                    "kind": "dense",
                    **({} if rows is None else {"rows": sorted(rows)}),
                    **self._kernels(layer, sorted(rows) if rows is not None else None),
                    **self._activation(layer, function),
                }
            case BatchNorm():
                channels = self._channels(carried)
                module = self.modules[layer.number][0]
                pairs = np.array([scale(module, one) for one in channels]).reshape(-1, 2)
                return self._kept({"kind": "scale"}, {"weight": pairs})
            case Centre() | Offset():
                return self._added(layer, carried)
            case Residual():
                return self._residual(layer, node, carried)
            case Flatten() | Reshape():
                return {"kind": "same"}
            case _:
                return _plain(layer) or self._activation(layer, _function(layer.layer), "act")

    def _missing(self, node: Node, carried: Carried) -> str:
        """Say what is not carried of the numbers that a node takes; nothing where all are."""
        layer = node.layer
        assert layer is not None
        if isinstance(layer.layer, Timm):
            return "only the code of timm knows how the parts of a unit are joined"
        if _function(layer.layer) == "softmax":
            return "softmax takes all numbers of a layer at once"
        channels = range(node.shape[0]) if len(node.shape) == 1 else self._channels(carried)
        needed = [node.source] + [node.shortcut] * (node.shortcut >= 0)
        for source in needed:
            if by_channel(node) or isinstance(layer.layer, GlobalPool):
                if not self._fine(source, channels):
                    return "the maps below are carried smaller, or not at all"
            elif not self._in_full(source):
                return "not all of the maps below are carried"
        return ""

    def _in_full(self, place: int) -> bool:
        """Say whether all numbers of a node are there, and one can reckon with them."""
        found = below(self.nodes, self.carried, place)
        exact = found.in_full or (place == 0 and found.bits == 8 and found.reduced == 1)
        channels = self.nodes[place].shape[0]
        return exact and (len(found.channels) == channels or self.carried[place].alias)

    def _fine(self, place: int, channels: Sequence[int]) -> bool:
        """Say whether some maps are there as large as they are."""
        found = below(self.nodes, self.carried, place)
        return found.bits > 0 and found.reduced == 1 and set(channels) <= set(self._channels(found))

    def _convolution(self, layer: PlannedLayer, carried: Carried) -> dict[str, Any]:
        one: Any = layer.layer
        turned = isinstance(one, ConvTranspose)
        pads = layer.inferred.pads
        facts = {
            "kind": "convtranspose" if turned else "conv",
            "size": one.size,
            "stride": one.stride,
            "pads": one.padding if turned else (pads[0][0], pads[1][0]),
            "dilation": (1, 1) if turned else one.dilation,
            "per": layer.in_shape[0] // (1 if turned else one.groups),
            "each": one.kernels // (1 if turned else one.groups),
        }
        kernels = self._kernels(layer, self._channels(carried), swapped=turned)
        return {**facts, **kernels, **self._activation(layer, one.activation)}

    def _kernels(
        self, layer: PlannedLayer, kept: Sequence[int] | None, *, swapped: bool = False
    ) -> dict[str, Any]:
        weights, bias = learned(self.modules[layer.number])
        weights = weights.swapaxes(0, 1) if swapped else weights
        rows = np.arange(len(weights)) if kept is None else np.asarray(kept, np.intp)
        biases = {} if bias is None else {"bias": bias[rows]}
        return self._kept({}, {"weight": weights[rows], **biases})

    def _added(self, layer: PlannedLayer, carried: Carried) -> dict[str, Any]:
        module: Any = self.modules[layer.number][0]
        values = -module.mean if isinstance(layer.layer, Centre) else module.weight
        numbers = values.detach().float().cpu().numpy()
        kept = numbers[self._channels(carried)] if numbers.ndim == 3 else numbers
        return self._kept({"kind": "shift"}, {"weight": kept})

    def _residual(self, layer: PlannedLayer, node: Node, carried: Carried) -> dict[str, Any]:
        if layer.in_shape == node.shape:
            return {"kind": "residual"}
        if len(node.shape) == 1:
            return {"why": "the shortcut of vectors is not taken apart"}
        module: Any = self.modules[layer.number][0]
        projection = module.shortcut[0].weight.detach().float().cpu().numpy()
        facts = {"kind": "residual", "stride": layer.inferred.stride}
        return self._kept(facts, {"weight": projection[self._channels(carried), :, 0, 0]})

    def _activation(
        self, layer: PlannedLayer, function: str | None, kind: str = ""
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {"kind": kind} if kind else {}
        if function:
            facts["act"] = function
        if function == "prelu":
            slope: Any = next(
                one for one in self.modules[layer.number] if isinstance(one, nn.PReLU)
            )
            facts["slope"] = float(slope.weight.detach().float().cpu()[0])
        return facts

    def _channels(self, carried: Carried) -> list[int]:
        found: list[int] = carried.channels.tolist()
        return found

    def _kept(self, facts: dict[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Keep arrays where there is room, and note where they begin."""
        size = 4 * sum(np.size(one) for one in arrays.values())
        if size > self.left:
            return {"why": f"its weights, {size / 1e6:.1f} MB, do not fit into the page"}
        self.left -= size
        return {**facts, **{name: self.weights.add_floats(one) for name, one in arrays.items()}}


def _plain(layer: PlannedLayer) -> dict[str, Any]:
    """Tell of layers without weights; nothing for an activation function."""
    match layer.layer:
        case MaxPool() | AvgPool() as one:
            pads = layer.inferred.pads
            return {
                "kind": one.name,
                "size": one.window,
                "stride": one.stride or one.window,
                "pads": (pads[0][0], pads[1][0]),
            }
        case GlobalPool(kind):
            return {"kind": f"{kind}pool", "size": layer.in_shape[1:], "stride": (1, 1)} | {
                "pads": (0, 0)
            }
        case Upsample(mode=mode) | Resize(mode=mode):
            return {"kind": mode}
        case SpaceToDepth(block) | DepthToSpace(block):
            return {"kind": layer.layer.name, "block": block}
    return {}


def _function(layer: Layer) -> str:
    if isinstance(layer, Activation):
        return layer.function
    return getattr(layer, "activation", None) or ""
