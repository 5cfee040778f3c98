"""The nearest ways to mend a network that cannot work. Every one offered was planned and works."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from foveal.errors import NetworkError
from foveal.nets.inferred import ShapeError
from foveal.nets.layer import Layer
from foveal.nets.notation import write_layer
from foveal.nets.numbering import PLAIN, Numbering
from foveal.nets.ranges import Pair
from foveal.nets.spec import (
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    GlobalPool,
    Network,
    Pool,
    Reshape,
    Residual,
    SpaceToDepth,
    Timm,
)
from foveal.shapes import Shape, channels_first, span, volume, written

T = TypeVar("T")
Path = tuple[int, ...]
"""Where a layer stands: its index, and its index within each residual around it."""
Repair = tuple[str, Network]
Works = Callable[[Network], bool]
MOST = 4
"""Repairs offered at most."""
TRIED = 40
"""Candidates of one kind that are tried, nearest first."""
GROWTHS = (1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 32)
"""How many times larger an input is tried; then the sizes between the last two of these."""
NEAREST = 16
"""Next larger sizes of an input that are tried one by one: where layers divide them, as
spacetodepth does, a size may work of which larger ones do not."""


def repairs(
    network: Network,
    misfit: ShapeError,
    works: Works,
    numbering: Numbering = PLAIN,
) -> tuple[str, ...]:
    """Find repairs of a network, nearest first.

    Parameters
    ----------
    network : Network
        With its repetitions written out, so that layers stand under their plan numbers.
    misfit : ShapeError
        The first layer that cannot work.
    works : callable
        Whether a changed network works as a whole.
    numbering : Numbering
        How its layers are called.

    Returns
    -------
    tuple of str
        At most `MOST`, as in "padding 1", "no maxpool at layer 3".
    """
    path = tuple(int(step) - 1 for step in misfit.number.split("."))
    found: list[str] = []
    for group in _groups(network, path, misfit.shape, works, numbering):
        for words, candidate in islice(group, TRIED):
            if words not in found and works(candidate):
                found.append(words)
                break
    return tuple(found[:MOST])


def _groups(
    network: Network, path: Path, shape: Shape, works: Works, numbering: Numbering
) -> Iterator[Iterator[Repair]]:
    """Ways of mending, nearest first; the first that works of each group is offered."""
    yield _channels_first(network)
    layer = _at(network, path)
    sides = (shape[-2], shape[-1]) if len(shape) == 3 else (1, 1)
    match layer:
        case Conv():
            yield from _conv(network, path, layer, shape[0], sides)
        case ConvTranspose():
            yield _each(network, path, [(1, 1), (0, 0)], lambda one: replace(layer, padding=one))
            yield _each(network, path, [(0, 0)], lambda one: replace(layer, output_padding=one))
        case Pool():
            yield from _pool(network, path, layer, sides, numbering)
        case Dense(None):
            yield _each(network, path, [64], lambda nodes: replace(layer, nodes=nodes))
        case Dense():
            yield _insert(network, path, lambda: (Flatten(),), "'flatten' before it")
            yield _insert(network, path, lambda: (GlobalPool(),), "'globalpool' before it")
        case Reshape():
            yield from _reshape(network, path, layer, shape, numbering)
        case SpaceToDepth():
            fitting = _divisors(math.gcd(*sides), layer.block - 1)
            fitting = (block for block in fitting if block > 1)
            yield _each(network, path, fitting, lambda block: SpaceToDepth(block))
            yield _without(network, path, numbering)
        case Residual():
            yield iter([("'same' in its layers", _put(network, path, _all_same(layer)))])
    yield _flatten_later(network, path, numbering)
    if _holds_timm(network.layers):
        return  # what a unit of timm gives is known for one size of maps alone
    yield _less_shrinking(network, path, numbering)
    yield _larger_input(network, works)


def _conv(
    network: Network, path: Path, layer: Conv, channels: int, sides: Pair
) -> Iterator[Iterator[Repair]]:
    if layer.groups > 1:
        fewer = _divisors(math.gcd(channels, layer.kernels), layer.groups - 1)
        yield _each(network, path, fewer, lambda groups: replace(layer, groups=groups))
        above = math.ceil(layer.kernels / layer.groups) * layer.groups
        yield _each(network, path, [above], lambda kernels: replace(layer, kernels=kernels))
    reaches = [span(layer.size[axis], layer.dilation[axis]) for axis in (0, 1)]
    lacking = max(-(-(reach - side) // 2) for reach, side in zip(reaches, sides, strict=True))
    yield _each(
        network,
        path,
        range(max(lacking, 1), max(reaches) // 2 + 1),
        lambda rows: replace(layer, padding=(rows, rows)),
        lambda rows: f"padding {rows}",
    )
    yield _each(
        network,
        path,
        _smaller(layer.size, sides, 1),
        lambda size: replace(layer, size=size),
        lambda size: f"a {written(size)} kernel",
    )
    if layer.dilation != (1, 1):
        undilated = replace(layer, dilation=(1, 1))
        yield iter([("no dilation", _put(network, path, undilated))])


def _pool(
    network: Network, path: Path, layer: Pool, sides: Pair, numbering: Numbering
) -> Iterator[Iterator[Repair]]:
    if isinstance(layer.padding, tuple):
        most = min(max(layer.padding) - 1, min(layer.window) // 2)
        yield _each(
            network,
            path,
            range(most, -1, -1),
            lambda rows: replace(layer, padding=(rows, rows)),
            lambda rows: f"padding {rows}",
        )
    yield _each(
        network,
        path,
        _smaller(layer.window, sides, 2),
        lambda window: replace(layer, window=window),
        lambda window: f"a {written(window)} window",
    )
    yield _without(network, path, numbering)


def _smaller(size: Pair, sides: Pair, least: int) -> Iterator[Pair]:
    """Windows smaller than `size`, from the largest that may fit into `sides` plus a border."""
    for side in range(min(max(size) - 1, max(sides) + 2), least - 1, -1):
        yield min(side, size[0]), min(side, size[1])


def _divisors(number: int, most: int) -> Iterator[int]:
    """Divisors from the largest not above `most` down to 1."""
    return (one for one in range(min(number, most), 0, -1) if number % one == 0)


def _reshape(
    network: Network, path: Path, layer: Reshape, shape: Shape, numbering: Numbering
) -> Iterator[Iterator[Repair]]:
    before = (*path[:-1], path[-1] - 1)
    nodes = volume(layer.shape)
    if path[-1] > 0 and isinstance(below := _at(network, before), Dense):
        there = numbering.called(_number(before))
        yield _each(
            network,
            before,
            [nodes],
            lambda wanted: replace(below, nodes=wanted),
            lambda wanted: f"'{write_layer(replace(below, nodes=wanted))}' at {there}",
        )
    if len(shape) == 1:
        yield _insert(network, path, lambda: (Dense(nodes),), f"'dense {nodes}' before it")
    else:
        words = f"'flatten | dense {nodes}' before it"
        yield _insert(network, path, lambda: (Flatten(), Dense(nodes)), words)


def _flatten_later(network: Network, path: Path, numbering: Numbering) -> Iterator[Repair]:
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
        behind = (layers[index], *layers[after + 1 :])
        moved = (*layers[:index], *layers[index + 1 : after + 1], *behind)
        here, there = (numbering.called(str(one + 1)) for one in (index, after))
        words = f"'{write_layer(layers[index])}' of {here} moved behind {there}"
        yield words, replace(network, layers=moved)


def _less_shrinking(network: Network, path: Path, numbering: Numbering) -> Iterator[Repair]:
    """Undo what made the maps small, from the offending layer downwards."""
    for index in range(path[0] - 1, -1, -1):
        layer, there = network.layers[index], numbering.called(str(index + 1))
        if isinstance(layer, Pool):
            yield from _without(network, (index,), numbering)
        if isinstance(layer, Conv) and layer.stride != (1, 1):
            slower = replace(layer, stride=(1, 1))
            yield f"stride 1 at {there}", _put(network, (index,), slower)
        if isinstance(layer, Conv) and layer.padding == "valid" and layer.size != (1, 1):
            padded = replace(layer, padding="same")
            yield f"'same' padding at {there}", _put(network, (index,), padded)


def _channels_first(network: Network) -> Iterator[Repair]:
    assert network.input is not None
    turned = channels_first(network.input)
    if turned is not None:
        words = f"an input of {written(turned)}, channels first"
        yield words, replace(network, input=turned)


def _larger_input(network: Network, works: Works) -> Iterator[Repair]:
    """Find the least larger input of the same proportions that works.

    Beyond the `NEAREST` sizes that is so where all inputs larger than it work too.
    """
    assert network.input is not None
    channels, height, width = network.input
    longer = max(height, width)

    def grown(side: int) -> Shape:
        return (channels, *(-(-one * side // longer) for one in (height, width)))

    def fits(side: int) -> bool:
        try:
            return works(replace(network, input=grown(side)))
        except NetworkError:  # larger than any input may be
            return False

    nearest = range(longer + 1, longer + 1 + NEAREST)
    small = longer
    for large in sorted({*nearest, *(math.ceil(longer * growth) for growth in GROWTHS)}):
        if not fits(large):
            small = large
            continue
        while large - small > 1:
            middle = (small + large) // 2
            small, large = (small, middle) if fits(middle) else (middle, large)
        yield f"an input of {written(grown(large))}", replace(network, input=grown(large))
        return


def _holds_timm(layers: tuple[Layer, ...]) -> bool:
    return any(
        isinstance(one, Timm) or (isinstance(one, Residual) and _holds_timm(one.layers))
        for one in layers
    )


def _all_same(residual: Residual) -> Residual:
    return Residual(
        tuple(
            replace(layer, padding="same") if isinstance(layer, Conv | Pool) else layer
            for layer in residual.layers
        )
    )


def _each(
    network: Network,
    path: Path,
    values: Iterable[T],
    make: Callable[[T], Layer],
    say: Callable[[T], str] | None = None,
) -> Iterator[Repair]:
    """Put what is made of each value in the layer's place; what cannot be made is passed over."""
    for value in values:
        with suppress(NetworkError):
            layer = make(value)
            words = f"'{write_layer(layer)}'" if say is None else say(value)
            yield words, _put(network, path, layer)


def _insert(
    network: Network, path: Path, make: Callable[[], tuple[Layer, ...]], words: str
) -> Iterator[Repair]:
    if len(path) == 1:
        with suppress(NetworkError):
            before, after = network.layers[: path[0]], network.layers[path[0] :]
            yield words, replace(network, layers=(*before, *make(), *after))


def _without(network: Network, path: Path, numbering: Numbering) -> Iterator[Repair]:
    words = f"no {_at(network, path).name} at {numbering.called(_number(path))}"
    with suppress(NetworkError):  # it was the only layer
        yield words, _changed(network, path, ())


def _put(network: Network, path: Path, layer: Layer) -> Network:
    return _changed(network, path, (layer,))


def _number(path: Path) -> str:
    return ".".join(str(step + 1) for step in path)


def _at(network: Network, path: Path) -> Layer:
    layers = network.layers
    for step in path[:-1]:
        outer = layers[step]
        assert isinstance(outer, Residual)
        layers = outer.layers
    return layers[path[-1]]


def _changed(network: Network, path: Path, new: tuple[Layer, ...]) -> Network:
    """Put other layers, or none, in the place of one, however deep it lies."""

    def put(layers: tuple[Layer, ...], path: Path) -> tuple[Layer, ...]:
        index, deeper = path[0], path[1:]
        inner = layers[index]
        there = new
        if deeper:
            assert isinstance(inner, Residual)
            there = (Residual(put(inner.layers, deeper)),)
        return (*layers[:index], *there, *layers[index + 1 :])

    return replace(network, layers=put(network.layers, path))
