"""The nearest ways to mend a network that cannot work. Every one offered was planned and works."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from foveal.nets.arithmetic import Misfit
from foveal.nets.notation import write_layer
from foveal.nets.spec import (
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    Network,
    Pair,
    Pool,
    Reshape,
    Residual,
    SpaceToDepth,
)
from foveal.shapes import span, volume, written

Repair = tuple[str, Network]
MOST = 4
"""Repairs offered at most."""


def repairs(network: Network, misfit: Misfit, works: Callable[[Network], bool]) -> tuple[str, ...]:
    """Find repairs of a network, nearest first.

    Parameters
    ----------
    network : Network
        With its repetitions written out, so that layers stand under their plan numbers.
    misfit : Misfit
        The first layer that cannot work.
    works : callable
        Whether a changed network works as a whole.

    Returns
    -------
    tuple of str
        At most `MOST`, as in "padding 1", "no maxpool at layer 3".
    """
    path = tuple(int(step) - 1 for step in misfit.number.split("."))
    found: list[str] = []
    for group in _groups(network, path):
        for words, candidate in group:
            if words not in found and works(candidate):
                found.append(words)
                break
    return tuple(found[:MOST])


def _groups(network: Network, path: tuple[int, ...]) -> Iterator[Iterable[Repair]]:
    """Ways of mending, nearest first; the first that works of each group is offered."""
    layer = _at(network, path)
    match layer:
        case Conv():
            yield from _conv(network, path, layer)
        case ConvTranspose():
            less = (replace(layer, padding=one) for one in ((1, 1), (0, 0)))
            yield _each(network, path, less)
            yield _each(network, path, [replace(layer, output_padding=(0, 0))])
        case Pool():
            yield from _pool(network, path, layer)
        case Dense(None):
            yield _each(network, path, [replace(layer, nodes=64)])
        case Dense():
            yield _insert(network, path, Flatten(), "'flatten' before it")
            yield _insert(network, path, GlobalPool(), "'globalpool' before it")
        case Reshape():
            yield from _reshape(network, path, layer)
        case SpaceToDepth():
            smaller = range(layer.block - 1, 1, -1)
            yield _each(network, path, (replace(layer, block=one) for one in smaller))
            yield [_without(network, path)]
        case Residual():
            yield [("'same' in its layers", _put(network, path, _all_same(layer)))]
    yield _flatten_later(network, path)
    yield _less_shrinking(network, path)
    yield _larger_input(network)


def _conv(network: Network, path: tuple[int, ...], layer: Conv) -> Iterator[Iterable[Repair]]:
    if layer.groups > 1:
        fewer = range(layer.groups - 1, 0, -1)
        yield _each(network, path, (replace(layer, groups=one) for one in fewer))
        above = math.ceil(layer.kernels / layer.groups) * layer.groups
        yield _each(network, path, [replace(layer, kernels=above)])
    reach = max(span(layer.size[axis], layer.dilation[axis]) for axis in (0, 1))
    yield (
        (f"padding {rows}", _put(network, path, replace(layer, padding=(rows, rows))))
        for rows in range(1, reach // 2 + 1)
        if layer.padding != (rows, rows)
    )
    yield (
        (f"a {written(size)} kernel", _put(network, path, replace(layer, size=size)))
        for size in _smaller(layer.size, 1)
    )
    if layer.dilation != (1, 1):
        yield [("no dilation", _put(network, path, replace(layer, dilation=(1, 1))))]


def _pool(network: Network, path: tuple[int, ...], layer: Pool) -> Iterator[Iterable[Repair]]:
    if isinstance(layer.padding, tuple):
        yield (
            (f"padding {rows}", _put(network, path, replace(layer, padding=(rows, rows))))
            for rows in range(max(layer.padding) - 1, -1, -1)
        )
    yield (
        (f"a {written(window)} window", _put(network, path, replace(layer, window=window)))
        for window in _smaller(layer.window, 2)
    )
    yield [_without(network, path)]


def _smaller(size: Pair, least: int) -> Iterator[Pair]:
    for side in range(max(size) - 1, least - 1, -1):
        yield min(side, size[0]), min(side, size[1])


def _reshape(network: Network, path: tuple[int, ...], layer: Reshape) -> Iterator[Iterable[Repair]]:
    before = (*path[:-1], path[-1] - 1)
    nodes = volume(layer.shape)
    if path[-1] > 0 and isinstance(below := _at(network, before), Dense):
        widened = replace(below, nodes=nodes)
        number = ".".join(str(step + 1) for step in before)
        words = f"'{write_layer(widened)}' at layer {number}"
        yield [(words, _put(network, before, widened))]
    yield _insert(network, path, Dense(nodes), f"'dense {nodes}' before it")


def _flatten_later(network: Network, path: tuple[int, ...]) -> Iterator[Repair]:
    """Move a flatten or globalpool that came too early behind the layers that want maps."""
    layers = network.layers
    early = [
        index
        for index, layer in enumerate(layers[: path[0]])
        if isinstance(layer, Flatten | GlobalPool)
    ]
    if not early:
        return
    index = early[-1]
    for after in range(path[0], len(layers)):
        moved = (
            *layers[:index],
            *layers[index + 1 : after + 1],
            layers[index],
            *layers[after + 1 :],
        )
        words = (
            f"'{write_layer(layers[index])}' of layer {index + 1} moved behind layer {after + 1}"
        )
        yield words, replace(network, layers=moved)


def _less_shrinking(network: Network, path: tuple[int, ...]) -> Iterator[Repair]:
    """Undo what made the maps small, from the offending layer downwards."""
    for index in range(path[0] - 1, -1, -1):
        layer = network.layers[index]
        if isinstance(layer, Pool):
            yield _without(network, (index,))
        if isinstance(layer, Conv) and layer.stride != (1, 1):
            slower = replace(layer, stride=(1, 1))
            yield f"stride 1 at layer {index + 1}", _put(network, (index,), slower)
        if isinstance(layer, Conv) and layer.padding == "valid" and layer.size != (1, 1):
            padded = replace(layer, padding="same")
            yield f"'same' padding at layer {index + 1}", _put(network, (index,), padded)


def _larger_input(network: Network) -> Iterator[Repair]:
    assert network.input is not None
    channels, height, width = network.input
    for factor in (1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 32):
        larger = (channels, math.ceil(height * factor), math.ceil(width * factor))
        yield f"an input of {written(larger)}", replace(network, input=larger)


def _all_same(residual: Residual) -> Residual:
    return Residual(
        tuple(
            replace(layer, padding="same") if isinstance(layer, Conv | Pool) else layer
            for layer in residual.layers
        )
    )


LayerT = TypeVar("LayerT", bound=Layer)


def _each(network: Network, path: tuple[int, ...], changed: Iterable[LayerT]) -> Iterator[Repair]:
    for layer in changed:
        yield f"'{write_layer(layer)}'", _put(network, path, layer)


def _insert(network: Network, path: tuple[int, ...], layer: Layer, words: str) -> Iterator[Repair]:
    if len(path) == 1:
        at = path[0]
        yield words, replace(network, layers=(*network.layers[:at], layer, *network.layers[at:]))


def _without(network: Network, path: tuple[int, ...]) -> Repair:
    layer = _at(network, path)
    number = ".".join(str(step + 1) for step in path)
    words = f"no {layer.name} at layer {number}"
    if len(path) == 1:
        layers = (*network.layers[: path[0]], *network.layers[path[0] + 1 :])
        return words, replace(network, layers=layers) if layers else network
    outer = _at(network, path[:1])
    assert isinstance(outer, Residual)
    inner = (*outer.layers[: path[1]], *outer.layers[path[1] + 1 :])
    return words, _put(network, path[:1], Residual(inner)) if inner else network


def _at(network: Network, path: tuple[int, ...]) -> Layer:
    layers = network.layers
    for step in path[:-1]:
        outer = layers[step]
        assert isinstance(outer, Residual)
        layers = outer.layers
    return layers[path[-1]]


def _put(network: Network, path: tuple[int, ...], layer: Layer) -> Network:
    def put(layers: tuple[Layer, ...], path: tuple[int, ...]) -> tuple[Layer, ...]:
        index, deeper = path[0], path[1:]
        inner = layers[index]
        if deeper:
            assert isinstance(inner, Residual)
            new: Layer = Residual(put(inner.layers, deeper))
        else:
            new = layer
        return (*layers[:index], new, *layers[index + 1 :])

    return replace(network, layers=put(network.layers, path))
