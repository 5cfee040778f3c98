"""What follows for one layer from the shape of its input. Pure arithmetic, no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from foveal.nets.inferred import (
    STAY,
    Branch,
    Inferred,
    ShapeError,
    activation_weights,
)
from foveal.nets.layer import Layer
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
    MaxPool,
    Offset,
    Reshape,
    Residual,
    Resize,
    Sample,
    SpaceToDepth,
    Timm,
    Upsample,
)
from foveal.nets.windows import infer_conv, infer_conv_transpose, infer_pool
from foveal.shapes import (
    Move,
    Shape,
    sliding,
    upsampled,
    volume,
    written,
)
from foveal.wording import counted


def infer(layer: Layer, shape: Shape, branch: Branch | None = None) -> Inferred:
    """Work out one layer.

    Parameters
    ----------
    layer : Layer
        Any layer but a repetition, which `plan` writes out.
    shape : Shape
        Shape of one input.
    branch : Branch, optional
        For a residual: what comes out of its layers.

    Raises
    ------
    ShapeError
        Where the layer cannot work on this shape.
    """
    match layer:
        case Conv():
            return infer_conv(layer, _maps(layer, shape))
        case ConvTranspose():
            return infer_conv_transpose(layer, _maps(layer, shape))
        case MaxPool() | AvgPool():
            return infer_pool(layer, _maps(layer, shape))
        case GlobalPool():
            return Inferred((_maps(layer, shape)[0],), moves=None)
        case BatchNorm():
            weights = {"weight": shape[:1], "bias": shape[:1]}
            return Inferred(shape, weights, volume(shape))
        case Flatten():
            return Inferred((volume(shape),), moves=None)
        case Dense():
            return _dense(layer, shape)
        case Activation(function):
            return Inferred(shape, activation_weights(function))
        case Dropout() | Centre():
            return Inferred(shape)
        case Offset():
            return Inferred(shape, {"weight": shape})
        case Sample():
            return _sample(shape)
        case Upsample():
            return _upsample(layer, _maps(layer, shape))
        case Reshape():
            return _reshape(layer, shape)
        case SpaceToDepth():
            return _space_to_depth(layer, _maps(layer, shape))
        case DepthToSpace():
            return _depth_to_space(layer, _maps(layer, shape))
        case Resize():
            return _resize(layer, _maps(layer, shape))
        case Timm():
            return _timm(layer)
        case Residual():
            assert branch is not None
            return _residual(shape, *branch)
    raise AssertionError(f"no arithmetic for {layer.name}")


def _maps(layer: Layer, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ShapeError(
            f"{layer.name} works on feature maps",
            needed="channels x height x width",
            came=f"a vector of {written(shape)}",
            remedy="place it before 'flatten'",
        )
    return shape


def _dense(layer: Dense, shape: Shape) -> Inferred:
    if len(shape) != 1:
        raise ShapeError(
            "dense works on a vector",
            needed="one row of numbers",
            came=f"maps of {written(shape)}",
            remedy="place 'flatten' before it",
        )
    if layer.nodes is None:
        raise ShapeError(
            "dense without a number of nodes",
            needed="the number of nodes, or pictures with classes for the last layer",
            came="neither",
            remedy="write it, as in 'dense 10'",
        )
    weights = {
        "weight": (layer.nodes, shape[0]),
        **({"bias": (layer.nodes,)} if layer.bias else {}),
    }
    return Inferred(
        (layer.nodes,),
        weights | activation_weights(layer.activation),
        layer.nodes * shape[0],
        moves=None,
    )


def _upsample(layer: Upsample, shape: Shape) -> Inferred:
    down, across = (upsampled(one, layer.mode) for one in layer.factor)
    outputs = (shape[1] * layer.factor[0], shape[2] * layer.factor[1])
    adds = 4 * shape[0] * volume(outputs) if layer.mode == "bilinear" else 0
    return Inferred((shape[0], *outputs), multiply_adds=adds, moves=(down, across))


def _reshape(layer: Reshape, shape: Shape) -> Inferred:
    if volume(layer.shape) != volume(shape):
        raise ShapeError(
            f"{written(shape)} cannot be folded into {written(layer.shape)}",
            needed=f"{counted(volume(layer.shape), 'number')} "
            f"({' * '.join(map(str, layer.shape))})",
            came=f"{volume(shape)}",
            remedy=f"'{'flatten | ' * (len(shape) > 1)}dense {volume(layer.shape)}' before it",
        )
    return Inferred(layer.shape, moves=None)


def _space_to_depth(layer: SpaceToDepth, shape: Shape) -> Inferred:
    channels, height, width = shape
    block = layer.block
    if height % block or width % block:
        raise ShapeError(
            f"blocks of {block} do not divide {height}x{width}",
            needed=f"height and width that are multiples of {block}",
            came=f"{height} = {height // block} * {block} + {height % block}, "
            f"{width} = {width // block} * {block} + {width % block}",
            remedy="another block, or pictures of another size",
        )
    move = sliding(block, block)
    return Inferred((channels * block * block, height // block, width // block), moves=(move, move))


def _depth_to_space(layer: DepthToSpace, shape: Shape) -> Inferred:
    channels, height, width = shape
    block, area = layer.block, layer.block**2
    if channels % area:
        raise ShapeError(
            f"blocks of {block}x{block} are not filled by {counted(channels, 'channel')}",
            needed=f"a number of channels that is a multiple of {area}",
            came=f"{channels} = {channels // area} * {area} + {channels % area}",
            remedy=f"'conv {max(channels // area, 1) * area} 3x3 same' before it",
        )
    move = upsampled(block)
    return Inferred((channels // area, height * block, width * block), moves=(move, move))


def _resize(layer: Resize, shape: Shape) -> Inferred:
    out = (shape[0], *layer.size)
    adds = 4 * volume(out) if layer.mode == "bilinear" else 0
    return Inferred(out, multiply_adds=adds, moves=STAY if out == shape else None)


def _sample(shape: Shape) -> Inferred:
    if len(shape) != 1 or shape[0] % 2:
        raise ShapeError(
            "sample works on means and logarithms of variances",
            needed="a vector of an even length",
            came=written(shape),
            remedy=f"'dense {max(shape[0] // 2, 1) * 2}' before it",
        )
    return Inferred((shape[0] // 2,), moves=None)


def _timm(layer: Timm) -> Inferred:
    """Believe what the layer says of itself."""
    return Inferred(layer.gives, multiply_adds=layer.adds, moves=None, believed=layer.holds)


def stride_of(moves: Iterable[tuple[Move, Move] | None]) -> tuple[Fraction, Fraction] | None:
    """Multiply the strides of layers in a row; None where one of them keeps no maps."""
    down = across = Fraction(1)
    for move in moves:
        if move is None:
            return None
        down, across = down * move[0].stride, across * move[1].stride
    return down, across


def _residual(shape: Shape, branch: Shape, stride: tuple[Fraction, Fraction] | None) -> Inferred:
    """Find the shortcut: the identity where shapes agree, else a 1x1 projection with a stride."""
    if shape == branch:
        return Inferred(branch, moves=STAY if len(shape) == 3 else None)
    if len(shape) != len(branch):
        raise ShapeError(
            "the branch of a residual gives another kind of shape than it takes",
            needed=f"something that can be added to {written(shape)}",
            came=written(branch),
            remedy="keep 'flatten', 'globalpool' and 'reshape' out of residuals",
        )
    if len(shape) == 1:
        return Inferred(branch, {"weight": (branch[0], shape[0])}, branch[0] * shape[0], moves=None)
    steps = [1, 1] if stride is None else [max(1, math.ceil(one)) for one in stride]
    reached = tuple(-(-shape[axis + 1] // steps[axis]) for axis in (0, 1))
    if reached != branch[1:]:
        raise ShapeError(
            "the branch of a residual changes height or width by other than its stride",
            needed=f"{written(reached)}: {written(shape[1:])} at stride {written(tuple(steps))}",
            came=written(branch[1:]),
            remedy="write 'same' in the layers of the branch",
        )
    projection: Shape = (branch[0], shape[0], 1, 1)
    down, across = (sliding(1, one) for one in steps)
    return Inferred(
        branch,
        {"weight": projection},
        shape[0] * volume(branch),
        moves=(down, across),
        stride=(steps[0], steps[1]),
    )
