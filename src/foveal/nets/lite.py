"""EfficientNet-Lite in Foveal's own notation, cut into its named stages. Never imports torch.

EfficientNet (Tan and Le, arXiv:1905.11946) as its authors made it for small devices: no
squeeze-and-excitation, relu6, and neither stem nor head grows with the network. Figures after
their reference, github.com/tensorflow/tpu, models/official/efficientnet/lite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from foveal.errors import NetworkError
from foveal.nets.layer import Layer
from foveal.nets.notation import read
from foveal.nets.ranges import checked_shape
from foveal.nets.spec import Network
from foveal.shapes import Shape

Stages = tuple[tuple[str, tuple[Layer, ...]], ...]
"""The layers of a network under the names of its stages, in order."""

STEM, HEAD = 32, 1280
"""Kernels of the first convolution and of the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A run of inverted residuals (Sandler et al., arXiv:1801.04381) before any scaling."""

    units: int
    """How many there are."""
    size: int
    """Side of the depthwise kernels, in pixels."""
    stride: int
    """Stride of the first of them."""
    wider: int
    """How many times wider the maps are inside a unit."""
    kernels: int
    """Feature maps that come out."""


BLOCKS = (
    Block(units=1, size=3, stride=1, wider=1, kernels=16),
    Block(units=2, size=3, stride=2, wider=6, kernels=24),
    Block(units=2, size=5, stride=2, wider=6, kernels=40),
    Block(units=3, size=3, stride=2, wider=6, kernels=80),
    Block(units=3, size=5, stride=1, wider=6, kernels=112),
    Block(units=4, size=5, stride=2, wider=6, kernels=192),
    Block(units=1, size=3, stride=1, wider=6, kernels=320),
)
"""The seven blocks of EfficientNet-B0 (table 1 of the paper)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How one member of the family grows from the first."""

    width: float
    """Factor of the kernels."""
    depth: float
    """Factor of the units of each block but the first and the last."""
    dropout: float
    """Rate of the dropout before the classifier."""
    side: int
    """Height and width of the pictures it was made for, in pixels."""


SCALES = {
    "efficientnet_lite0": Scale(width=1.0, depth=1.0, dropout=0.2, side=224),
    "efficientnet_lite1": Scale(width=1.0, depth=1.1, dropout=0.2, side=240),
    "efficientnet_lite2": Scale(width=1.1, depth=1.2, dropout=0.3, side=260),
}
"""The members by name."""


def efficientnet_lite0(input: Shape, classes: int) -> Network:
    """Return EfficientNet-Lite0, made for pictures of 224 pixels a side."""
    return _network("efficientnet_lite0", input, classes)


def efficientnet_lite1(input: Shape, classes: int) -> Network:
    """Return EfficientNet-Lite1, made for pictures of 240 pixels a side."""
    return _network("efficientnet_lite1", input, classes)


def efficientnet_lite2(input: Shape, classes: int) -> Network:
    """Return EfficientNet-Lite2, made for pictures of 260 pixels a side."""
    return _network("efficientnet_lite2", input, classes)


def lite_stages(name: str, input: Shape, classes: int) -> Stages:
    """Cut an EfficientNet-Lite into its stages.

    Parameters
    ----------
    name : str
        One of `SCALES`.
    input : tuple of int
        Channels, height and width. Every size is good, and the layers are the same for all.
    classes : int
        Nodes of the classifier.

    Returns
    -------
    tuple of (str, tuple of Layer)
        "stem", "block1" to "block7", "head", "pool" and "classifier". One after the other they
        are the layers of the network, none of them a repetition: a layer has the same number
        here as in the plan.

    Raises
    ------
    NetworkError
        For another name, another shape, or no class.

    Examples
    --------
    >>> [name for name, _ in lite_stages("efficientnet_lite0", (3, 224, 224), 10)][:3]
    ['stem', 'block1', 'block2']
    >>> sum(len(layers) for _, layers in lite_stages("efficientnet_lite0", (3, 224, 224), 10))
    71
    """
    if name not in SCALES:
        raise NetworkError(
            "an EfficientNet-Lite",
            needed=f"one of {', '.join(SCALES)}",
            came=repr(name),
            remedy="choose one of them",
        )
    checked_shape(input, "input")
    scale = SCALES[name]
    texts = {"stem": f"conv {STEM} 3x3 stride 2 same nobias | batchnorm | relu6"}
    channels = STEM
    for number, block in enumerate(BLOCKS, start=1):
        kernels = _rounded(block.kernels * scale.width)
        inner = number not in (1, len(BLOCKS))
        units = math.ceil(block.units * scale.depth) if inner else block.units
        texts[f"block{number}"] = " | ".join(
            _unit(block, kernels, *((block.stride, channels) if first else (1, kernels)))
            for first in [True, *[False] * (units - 1)]
        )
        channels = kernels
    texts["head"] = f"conv {HEAD} 1x1 nobias | batchnorm | relu6"
    texts["pool"] = "globalpool"
    texts["classifier"] = f"dropout {scale.dropout} | dense {classes}"
    return tuple((stage, read(text).layers) for stage, text in texts.items())


def _network(name: str, input: Shape, classes: int) -> Network:
    stages = lite_stages(name, input, classes)
    return Network(tuple(layer for _, layers in stages for layer in layers), input)


def _unit(block: Block, kernels: int, stride: int, channels: int) -> str:
    """Widen by 1x1, convolve each map by itself, narrow by 1x1 without an activation."""
    inside = channels * block.wider
    steps = f" stride {stride}" if stride > 1 else ""
    layers = [
        f"conv {inside} {block.size}x{block.size}{steps} same groups {inside} nobias"
        " | batchnorm | relu6",
        f"conv {kernels} 1x1 nobias | batchnorm",
    ]
    if block.wider > 1:
        layers.insert(0, f"conv {inside} 1x1 nobias | batchnorm | relu6")
    unit = " | ".join(layers)
    return f"residual({unit})" if stride == 1 and channels == kernels else unit


def _rounded(kernels: float) -> int:
    """Round to a multiple of eight, and up where rounding would take more than a tenth.

    >>> [_rounded(1.1 * kernels) for kernels in (16, 40, 112)]
    [16, 48, 120]
    """
    nearest = max(8, int(kernels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * kernels else nearest + 8
