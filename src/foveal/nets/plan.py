"""What a network will be, worked out before it exists: shapes, weights, costs, receptive fields.

Pure arithmetic over `spec`; never imports torch. `build` makes modules from a plan and decides
nothing itself, so what is planned and what is built cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from foveal.errors import NetworkError
from foveal.nets import notation, repairs, stock, table
from foveal.nets.arithmetic import infer, stride_of
from foveal.nets.inferred import Inferred, ShapeError
from foveal.nets.layer import Layer
from foveal.nets.numbering import PLAIN, Numbering
from foveal.nets.planned import Fields, PlannedLayer, PlannedNetwork, cut
from foveal.nets.ranges import checked_shape
from foveal.nets.spec import Dense, Network, Repeat, Residual, Resize, Timm
from foveal.shapes import ReceptiveField, Shape, written
from foveal.wording import counted


@dataclass(frozen=True, slots=True, repr=False)
class Plan(PlannedNetwork):
    """A network that is known to work, with its costs.

    ``str(plan)`` is the table that ``foveal plan`` prints, and a notebook shows; `to_dict` its
    numbers.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return everything in the table as plain numbers and text."""
        return table.facts(self)

    def __str__(self) -> str:
        return table.table(self)

    def __repr__(self) -> str:
        costs = f"{counted(len(self.layers), 'layer')}, {table.short(self.parameters)} parameters"
        return f"Plan({cut(self.name or self.text)!r}, {costs})"

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        return table.table_in_html(self)


def plan(
    net: str | Network, *, input: Shape | str | None = None, classes: int | None = None
) -> Plan:
    """Work out a network: shapes, weights, parameters, multiply-adds, receptive fields.

    Parameters
    ----------
    net : str or Network
        A network in the notation, the name of a stock net, or a description.
    input : tuple of int or str, optional
        Channels, height, width, as ``(3, 32, 32)`` or ``"3x32x32"``; needed where the
        network does not say it. Stock nets have a size of their own.
    classes : int, optional
        Nodes of the last dense layer where the network leaves them out.

    Returns
    -------
    Plan

    Raises
    ------
    NetworkError
        Where the network cannot work: names the layer and offers repairs that do work.

    Examples
    --------
    >>> lenet = plan("3x32x32 | conv 6 5x5 | maxpool 2 | flatten | dense 10")
    >>> lenet.layers[0].weights["weight"], lenet.layers[0].out_shape
    ((6, 3, 5, 5), (6, 28, 28))
    >>> lenet.parameters
    12226
    """
    shape = _shape_of(input)
    if classes is not None and classes < 1:
        raise NetworkError(
            "classes", needed="at least 1", came=str(classes), remedy="say how many there are"
        )
    if not isinstance(net, str):
        return plan_network(net, shape, classes)
    name = net.strip()
    if name in stock.STOCK:
        entry = stock.STOCK[name]
        shape = shape or entry.input
        network = entry.make(shape, stock.CLASSES if classes is None else classes)
        return replace(plan_network(network, shape, classes), name=name)
    return plan_network(notation.read(net, also=tuple(stock.STOCK)), shape, classes)


def _shape_of(input: Shape | str | None) -> Shape | None:
    if isinstance(input, str):
        return notation.read_shape(input)
    return None if input is None else checked_shape(tuple(input), "input")


def plan_network(
    network: Network,
    input: Shape | None = None,
    classes: int | None = None,
    numbering: Numbering = PLAIN,
) -> Plan:
    """Plan a description for an input and a number of classes; see `plan`.

    Errors call its layers as `numbering` does.
    """
    network = _with_input(network, input)
    network = _with_classes(network, classes)
    try:
        planned = _planned(network)
    except ShapeError as misfit:
        raise _network_error(network, misfit, numbering) from None
    found = Plan(network, planned)
    if classes is not None and found.output != (classes,):
        raise NetworkError(
            f"{numbering.called(planned[-1].number)}: the output of the network",
            needed=f"{counted(classes, 'number')}, one a class",
            came=written(found.output),
            remedy=f"end the network with 'dense {classes}'"
            + ("" if len(found.output) == 1 else ", after 'flatten' or 'globalpool'"),
        )
    return found


def unrolled(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Write repetitions out, inside residuals too.

    Raises
    ------
    NetworkError
        Where more than `MOST_LAYERS` layers would come of it; they are counted first.
    """
    if _count(layers) > MOST_LAYERS:
        raise NetworkError(
            "network",
            needed=f"at most {MOST_LAYERS} layers",
            came=f"{_count(layers):,}, repetitions written out",
            remedy="repeat less often",
        )
    return _written_out(layers)


def _count(layers: tuple[Layer, ...]) -> int:
    total = 0
    for layer in layers:
        match layer:
            case Repeat(times, inner):
                total += times * _count(inner)
            case Residual(inner):
                total += 1 + _count(inner)
            case _:
                total += 1
    return total


def _written_out(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    flat: list[Layer] = []
    for layer in layers:
        match layer:
            case Repeat(times, inner):
                flat.extend(_written_out(inner) * times)
            case Residual(inner):
                flat.append(Residual(_written_out(inner)))
            case _:
                flat.append(layer)
    return tuple(flat)


MOST_LAYERS = 2_000
"""Largest number of layers that is planned."""


def _with_input(network: Network, input: Shape | None) -> Network:
    if input is None and network.input is None:
        raise NetworkError(
            "the input of the network",
            needed="its channels, height and width",
            came="neither a shape in the network nor pictures",
            remedy="begin the network with a shape, as in '3x32x32 | conv 6 5x5', "
            "or say `input` 3x32x32",
        )
    if input is not None and network.input not in (None, input):
        raise NetworkError(
            "the input of the network",
            needed=f"{written(network.input or ())}, as the network says",
            came=written(input),
            remedy="leave the shape out of the network: data decides; "
            f"or {_fitting(network, input)}",
        )
    return replace(network, input=input or network.input)


def _fitting(network: Network, input: Shape) -> str:
    """Say how pictures come to be as a network says."""
    said = network.input
    if said is None or len(said) != len(input) or said[:-2] != input[:-2]:
        return "make the pictures fit"
    size = f"{said[-1]}" if said[-1] == said[-2] else written(said[-2:])
    return f"train with pictures of its size, `size` {size}"


def _with_classes(network: Network, classes: int | None) -> Network:
    """Fill in the nodes of the last dense layer where they were left out."""
    last = network.layers[-1]
    if classes is not None and isinstance(last, Dense) and last.nodes is None:
        return replace(network, layers=(*network.layers[:-1], replace(last, nodes=classes)))
    return network


def _planned(network: Network) -> tuple[PlannedLayer, ...]:
    assert network.input is not None
    start: Fields = (ReceptiveField(), ReceptiveField())
    layers = unrolled(network.layers)
    return _chain(layers, network.input, start, "")


def _chain(
    layers: tuple[Layer, ...],
    shape: Shape,
    fields: Fields | None,
    prefix: str,
    unknown: bool = False,
) -> tuple[PlannedLayer, ...]:
    planned: list[PlannedLayer] = []
    for index, layer in enumerate(layers, start=1):
        number = f"{prefix}{index}"
        inner: tuple[PlannedLayer, ...] = ()
        try:
            if isinstance(layer, Residual):
                inner = _chain(layer.layers, shape, fields, f"{number}.", unknown)
                stride = stride_of(one.inferred.moves for one in inner)
                inferred = infer(layer, shape, (inner[-1].out_shape, stride))
            else:
                inferred = infer(layer, shape)
        except ShapeError as misfit:
            if not misfit.number:
                misfit.number, misfit.shape = number, shape
            raise
        after = _fields_after(inferred, fields, inner)
        begins = isinstance(layer, Timm | Resize) and fields is not None and after is None
        unknown = inner[-1].unknown if inner else unknown or begins
        unknown = unknown and len(inferred.out_shape) == 3  # a vector is made of the whole picture
        planned.append(
            PlannedLayer(number, layer, shape, inferred.out_shape, inferred, after, inner, unknown)
        )
        shape, fields = inferred.out_shape, after
    return tuple(planned)


def _fields_after(
    inferred: Inferred, fields: Fields | None, inner: tuple[PlannedLayer, ...]
) -> Fields | None:
    if fields is None or inferred.moves is None:
        return None
    moved = tuple(one.after(move) for move, one in zip(inferred.moves, fields, strict=True))
    if inner and inner[-1].fields is None:
        return None
    if inner and inner[-1].fields is not None:
        pairs = zip(inner[-1].fields, moved, strict=True)
        moved = tuple(branch.joined(shortcut) for branch, shortcut in pairs)
    return moved[0], moved[1]


def _network_error(network: Network, misfit: ShapeError, numbering: Numbering) -> NetworkError:
    assert network.input is not None

    def works(candidate: Network) -> bool:
        try:
            _planned(candidate)
        except (ShapeError, NetworkError):
            return False
        return True

    flat = replace(network, layers=unrolled(network.layers))
    found = repairs.repairs(flat, misfit, works, numbering)
    remedy = f"use {_either(found)}" if found else misfit.remedy
    return NetworkError(
        f"{numbering.called(misfit.number)}: {misfit.what}",
        needed=misfit.needed,
        came=misfit.came,
        remedy=remedy,
        layer=numbering.first(misfit.number),
        repairs=found,
    )


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"
