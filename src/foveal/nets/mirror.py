"""The mirror of an encoder: layers that lead from its output back to the shape of its input.

Every layer is answered by one that undoes its shape, in reverse order. A mirrored layer with
weights is followed by what followed the layer whose output it restores: activation, batch
normalisation, dropout. The last is followed by nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from foveal.errors import NetworkError
from foveal.nets.layer import Layer
from foveal.nets.notation import write_layer
from foveal.nets.numbering import PLAIN, Numbering
from foveal.nets.planned import PlannedLayer
from foveal.nets.ranges import Pair
from foveal.nets.spec import (
    Activation,
    AvgPool,
    BatchNorm,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    DepthToSpace,
    Dropout,
    Flatten,
    GlobalPool,
    Offset,
    Pool,
    Reshape,
    Residual,
    Resize,
    Sample,
    SpaceToDepth,
    Timm,
    Upsample,
)
from foveal.shapes import transposed_size

FOLLOWERS = Activation, BatchNorm, Dropout
"""Layers that change no shape and belong to the layer with weights before them."""
WEIGHTED = Conv, ConvTranspose, Dense, Residual
"""Layers with weights, whose mirrors learn."""


@dataclass(slots=True)
class _Step:
    """A layer with what follows it before the next one with weights."""

    planned: PlannedLayer
    followers: list[Layer] = field(default_factory=list)

    @property
    def weighted(self) -> bool:
        return isinstance(self.planned.layer, WEIGHTED)


def mirrored(
    encoder: Sequence[PlannedLayer], *, bias: bool = False, numbering: Numbering = PLAIN
) -> tuple[Layer, ...]:
    """Mirror planned layers, repetitions written out.

    Parameters
    ----------
    bias : bool
        Whether the last layer with weights adds constants.
    numbering : Numbering
        How its layers are called in errors.

    Raises
    ------
    NetworkError
        For a unit of timm, which nobody can mirror.
    """
    steps = _steps(encoder)
    layers: list[Layer] = []
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        if not step.weighted:
            layers += _undone(step.planned, numbering)
            continue
        before = [one for one in steps[:index] if one.weighted]
        followers = before[-1].followers if before else []
        normalised = any(isinstance(one, BatchNorm) for one in followers)
        with_bias = not normalised if before else bias
        layers += _learned(step.planned, bias=with_bias, numbering=numbering)
        layers = _joined(layers, followers)
    return tuple(layers)


def _joined(layers: list[Layer], followers: Sequence[Layer]) -> list[Layer]:
    """Append what follows a layer; an activation that comes first is written within it."""
    last = layers[-1] if layers else None
    if isinstance(last, Conv | ConvTranspose | Dense) and followers:
        first = followers[0]
        if isinstance(first, Activation):
            return [*layers[:-1], replace(last, activation=first.function), *followers[1:]]
    return [*layers, *followers]


def _steps(planned: Sequence[PlannedLayer]) -> list[_Step]:
    steps: list[_Step] = []
    for one in planned:
        if isinstance(one.layer, FOLLOWERS):
            weighted = [step for step in steps if step.weighted]
            if weighted:
                weighted[-1].followers.append(one.layer)
            continue
        step = _Step(one)
        function = getattr(one.layer, "activation", None)
        if function is not None:
            step.followers.append(Activation(function))
        steps.append(step)
    return steps


def _learned(planned: PlannedLayer, *, bias: bool, numbering: Numbering) -> Iterator[Layer]:
    """Mirror a layer with weights."""
    layer, wanted = planned.layer, planned.in_shape
    match layer:
        case Dense():
            yield Dense(wanted[0], bias=bias)
        case Conv():
            yield from _widened(planned, layer, bias)
        case ConvTranspose():
            yield Conv(wanted[0], layer.size, stride=layer.stride, padding=layer.padding, bias=bias)
        case Residual():
            branch = mirrored(planned.inner, bias=bias, numbering=numbering)
            if len(wanted) == 1 or wanted == planned.out_shape:
                yield Residual(branch)
            else:  # a shortcut could shrink maps, but not enlarge them
                yield from branch


def _widened(planned: PlannedLayer, layer: Conv, bias: bool) -> Iterator[Layer]:
    """Mirror a convolution: a transposed one where it gives the exact size."""
    channels, *sides = planned.in_shape
    outputs = planned.out_shape[1:]
    if layer.stride == (1, 1) and tuple(sides) == outputs:
        yield Conv(
            channels,
            layer.size,
            padding="same",
            dilation=layer.dilation,
            groups=layer.groups,
            bias=bias,
        )
        return
    found = [_padding(layer, axis, sides[axis], outputs[axis], planned) for axis in (0, 1)]
    (down, across) = found
    if down is None or across is None or layer.groups > 1 or layer.dilation != (1, 1):
        yield Resize((sides[0], sides[1]))
        size = layer.size
        yield Conv(channels, size, padding="same", groups=layer.groups, bias=bias)
        return
    yield ConvTranspose(
        channels,
        layer.size,
        stride=layer.stride,
        padding=(down[0], across[0]),
        output_padding=(down[1], across[1]),
        bias=bias,
    )


def _padding(layer: Conv, axis: int, wanted: int, given: int, planned: PlannedLayer) -> Pair | None:
    """Find padding and output padding that bring one side back exactly; None where none do."""
    window, stride = layer.size[axis], layer.stride[axis]
    total = sum(planned.inferred.pads[axis])
    for padding in (total // 2, total - total // 2):
        lacking = wanted - transposed_size(given, window, stride, padding)
        if 0 <= lacking < stride:
            return padding, lacking
    return None


def _undone(planned: PlannedLayer, numbering: Numbering) -> Iterator[Layer]:
    """Undo the shape of a layer without weights."""
    layer, wanted, given = planned.layer, planned.in_shape, planned.out_shape
    match layer:
        case Flatten():
            yield Reshape(wanted)
        case Reshape():
            yield Flatten() if len(wanted) == 1 else Reshape(wanted)
        case GlobalPool():
            yield Reshape((wanted[0], 1, 1))
            yield Resize((wanted[1], wanted[2]))
        case Pool():
            yield from _enlarged(given, wanted)
        case Upsample(factor):
            yield AvgPool(factor)
        case Resize():
            yield Resize((wanted[1], wanted[2]))
        case SpaceToDepth(block):
            yield DepthToSpace(block)
        case DepthToSpace(block):
            yield SpaceToDepth(block)
        case Centre() | Offset():
            yield Offset()
        case Sample():
            return
        case Timm():
            raise NetworkError(
                numbering.called(planned.number),
                needed="a layer that can be mirrored, or a decoder",
                came=write_layer(layer),
                remedy="write the decoder yourself, as in 'dense 3136 relu | reshape 64x7x7 | ...'",
                layer=numbering.first(planned.number),
            )
        case _:
            raise AssertionError(f"no mirror for {layer.name}")


def _enlarged(given: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[Layer]:
    """Bring maps back to the size they had before a pooling."""
    if given == wanted:
        return
    if all(wanted[axis] % given[axis] == 0 for axis in (1, 2)):
        yield Upsample((wanted[1] // given[1], wanted[2] // given[2]))
    else:
        yield Resize((wanted[1], wanted[2]))
