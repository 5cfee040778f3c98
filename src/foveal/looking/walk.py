"""The way of pictures through a network, node by node, and which maps keep their number.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from foveal.arrays import Floats
from foveal.looking.subject import Seen, Subject, check_numbers
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Centre,
    Conv,
    Dropout,
    MaxPool,
    Offset,
    Residual,
    Resize,
    Upsample,
)
from foveal.nets.tracing import Traced, watch
from foveal.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node: the picture, or a layer. A residual comes after the layers inside it."""

    layer: PlannedLayer | None
    """None for the picture."""
    shape: Shape
    """Of what comes out: (c, h, w), or (length,)."""
    source: int
    """Place of the node whose outputs it takes, the last of the branch for a residual; -1 for the
    picture."""
    shortcut: int = -1
    """Place of the node that a residual adds to its branch."""

    @property
    def number(self) -> str:
        """Its number in the plan; "0" for the picture."""
        return self.layer.number if self.layer else "0"


def nodes_of(plan: Plan) -> list[Node]:
    """List the nodes of a network in the order of computing; the first is the picture."""
    nodes = [Node(layer=None, shape=plan.input, source=-1)]
    _add(nodes, plan.layers, 0)
    return nodes


def _add(nodes: list[Node], layers: Sequence[PlannedLayer], source: int) -> int:
    """Add layers in a row; return the place of the last."""
    for layer in layers:
        before = source
        if layer.inner:
            source = _add(nodes, layer.inner, before)
        shortcut = before if layer.inner else -1
        nodes.append(Node(layer=layer, shape=layer.out_shape, source=source, shortcut=shortcut))
        source = len(nodes) - 1
    return source


def by_channel(node: Node) -> bool:
    """Say whether each map that comes out is made of the map of the same number alone."""
    if node.layer is None or len(node.shape) != 3 or len(node.layer.in_shape) != 3:
        return False
    match node.layer.layer:
        case Conv(groups=groups, kernels=kernels):
            return groups == kernels == node.layer.in_shape[0]
        case Activation(function):
            return function != "softmax"
        case Residual():
            return node.layer.in_shape == node.shape
        case MaxPool() | AvgPool() | BatchNorm() | Dropout() | Upsample():
            return True
        case Resize() | Centre() | Offset():
            return True
    return False


def strands(nodes: Sequence[Node]) -> list[int]:
    """Number the strands of maps that keep their number from node to node.

    Returns
    -------
    list of int
        For each node the strand that its outputs belong to, from 0 in the order in which they
        begin. Along a strand map 7 is made of map 7, through pooling, normalisation, activation
        and identity shortcuts. That of the picture ends with it.
    """
    parents = list(range(len(nodes)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for place, node in enumerate(nodes):
        if by_channel(node):
            for other in (node.source, node.shortcut):
                if other > 0:
                    first, later = sorted((root(other), root(place)))
                    parents[later] = first
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(place), len(numbers)) for place in range(len(nodes))]


def activity(subject: Subject, seen: Seen, nodes: Sequence[Node]) -> list[Floats]:
    """Compute how active the channels of nodes are: mean size over pictures and pixels, (c,)."""
    sums = [np.zeros(node.shape[0], np.float32) for node in nodes]

    def tell(picture: int, place: int, values: Floats) -> None:
        sizes = np.abs(values).reshape(len(values), -1)
        sums[place] += sizes.mean(axis=1) / len(seen.names)

    walk(subject, seen, nodes, tell)
    return sums


def walk(
    subject: Subject,
    seen: Seen,
    nodes: Sequence[Node],
    tell: Callable[[int, int, Floats], None],
) -> None:
    """Send pictures through a network, one by one, in the memory of a layer.

    Parameters
    ----------
    tell : callable
        Called with the picture, the place of a node, and what comes out of it: (c, h, w), or
        (length,).

    Raises
    ------
    NothingToSee
        Where that is no numbers.
    """
    places = {node.number: place for place, node in enumerate(nodes) if node.layer}
    with subject.device.at_work(), torch.inference_mode():
        for picture in range(len(seen.names)):
            inputs = seen.inputs[picture : picture + 1]

            def told(number: str, passed: Traced, picture: int = picture) -> None:
                check_numbers(passed.outputs)
                tell(picture, places[number], _as_array(passed.outputs))

            tell(picture, 0, _as_array(inputs))
            watch(subject.network, subject.plan, inputs, list(places), told)


def _as_array(values: torch.Tensor) -> Floats:
    found: Floats = values[0].float().cpu().numpy()
    return found
