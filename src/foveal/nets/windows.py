"""Layers that slide a window over maps: convolutions and pooling. Never imports torch."""

from __future__ import annotations

from foveal.nets.inferred import (
    NO_PADS,
    Inferred,
    Pads,
    ShapeError,
    activation_weights,
)
from foveal.nets.layer import Padding
from foveal.nets.ranges import Pair
from foveal.nets.spec import (
    Conv,
    ConvTranspose,
    Pool,
)
from foveal.shapes import (
    Move,
    Shape,
    output_size,
    same_padding,
    sliding,
    span,
    transposed,
    transposed_size,
    volume,
    written,
)
from foveal.wording import counted


def _pads(padding: Padding, sides: Pair, window: Pair, stride: Pair, dilation: Pair) -> Pads:
    if padding == "valid":
        return NO_PADS
    if padding == "same":
        down, across = (
            same_padding(sides[axis], window[axis], stride[axis], dilation[axis]) for axis in (0, 1)
        )
        return down, across
    return (padding[0], padding[0]), (padding[1], padding[1])


def _windowed(
    kind: str, sides: Pair, window: Pair, stride: Pair, dilation: Pair, pads: Pads
) -> tuple[Pair, tuple[Move, Move]]:
    """Output sides and moves of anything that slides a window; says so where it does not fit."""
    outputs = tuple(
        output_size(sides[axis], window[axis], stride[axis], pads[axis], dilation[axis])
        for axis in (0, 1)
    )
    if min(outputs) < 1:
        spans = (span(window[0], dilation[0]), span(window[1], dilation[1]))
        axis = 0 if outputs[0] < 1 else 1
        raise ShapeError(
            f"a {written(window)} {kind} does not fit into {written(sides)}",
            needed=f"at least {written(spans)}, padding included",
            came=f"{sides[axis]} + {sum(pads[axis])} padding = "
            f"{sides[axis] + sum(pads[axis])}, less than {spans[axis]}",
            remedy=f"a smaller {kind}, padding, or a larger picture",
        )
    down, across = (
        sliding(window[axis], stride[axis], pads[axis][0], dilation[axis]) for axis in (0, 1)
    )
    return (outputs[0], outputs[1]), (down, across)


def infer_conv(layer: Conv, shape: Shape) -> Inferred:
    """Work out a convolution of maps."""
    channels, sides = shape[0], (shape[1], shape[2])
    if channels % layer.groups or layer.kernels % layer.groups:
        raise ShapeError(
            f"{counted(layer.groups, 'group')} do not divide "
            f"{counted(channels, 'channel')} into {layer.kernels} kernels",
            needed=f"channels and kernels that are multiples of {layer.groups}",
            came=f"{counted(channels, 'channel')} and {layer.kernels} kernels",
            remedy="another number of groups or of kernels",
        )
    pads = _pads(layer.padding, sides, layer.size, layer.stride, layer.dilation)
    outputs, moves = _windowed("kernel", sides, layer.size, layer.stride, layer.dilation, pads)
    kernel = (layer.kernels, channels // layer.groups, *layer.size)
    weights = {"weight": kernel, **({"bias": (layer.kernels,)} if layer.bias else {})}
    return Inferred(
        (layer.kernels, *outputs),
        weights | activation_weights(layer.activation),
        volume(kernel) * volume(outputs),
        pads,
        moves,
    )


def infer_conv_transpose(layer: ConvTranspose, shape: Shape) -> Inferred:
    """Work out a transposed convolution of maps."""
    channels, sides = shape[0], (shape[1], shape[2])
    outputs = tuple(
        transposed_size(
            sides[axis],
            layer.size[axis],
            layer.stride[axis],
            layer.padding[axis],
            layer.output_padding[axis],
        )
        for axis in (0, 1)
    )
    if min(outputs) < 1:
        raise ShapeError(
            f"padding {written(layer.padding)} cuts everything away",
            needed="an output of at least 1x1",
            came=written(outputs),
            remedy="less padding",
        )
    if any(layer.output_padding[axis] >= layer.stride[axis] for axis in (0, 1)):
        raise ShapeError(
            f"output_padding {written(layer.output_padding)}",
            needed=f"less than the stride {written(layer.stride)}",
            came=written(layer.output_padding),
            remedy="a larger stride or less output_padding",
        )
    kernel = (channels, layer.kernels, *layer.size)
    weights = {"weight": kernel, **({"bias": (layer.kernels,)} if layer.bias else {})}
    down, across = (
        transposed(layer.size[axis], layer.stride[axis], layer.padding[axis]) for axis in (0, 1)
    )
    return Inferred(
        (layer.kernels, *outputs),
        weights | activation_weights(layer.activation),
        volume(kernel) * volume(sides),
        moves=(down, across),
    )


def infer_pool(layer: Pool, shape: Shape) -> Inferred:
    """Work out the pooling of maps."""
    channels, sides = shape[0], (shape[1], shape[2])
    stride = layer.stride or layer.window
    pads = _pads(layer.padding, sides, layer.window, stride, (1, 1))
    if any(max(pads[axis]) > layer.window[axis] // 2 for axis in (0, 1)):
        raise ShapeError(
            f"padding {written((max(pads[0]), max(pads[1])))} under a {written(layer.window)} "
            "window",
            needed="at most half the window, lest a window see padding alone",
            came=written((max(pads[0]), max(pads[1]))),
            remedy="less padding",
        )
    outputs, moves = _windowed("window", sides, layer.window, stride, (1, 1), pads)
    return Inferred((channels, *outputs), pads=pads, moves=moves)
