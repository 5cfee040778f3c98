"""Stock nets: functions from the shape of the pictures and the number of classes to a network.

`fast` and `resnet` answer for any picture of at least one pixel: what a small picture cannot bear
is left out. `lenet5` and `tinyvgg` are as published and need at least 16 pixels a side. The three
of `lite` are as published and take any picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foveal.nets import lite
from foveal.nets.notation import read
from foveal.nets.spec import Network
from foveal.shapes import Shape, written

CLASSES = 10
"""Classes assumed by `foveal plan NAME` where no pictures say how many there are."""
SMALLEST_STRIDED = 16
"""Shorter side from which the first layer of `fast` and `resnet` moves two pixels at a time."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A stock net."""

    make: Callable[[Shape, int], Network]
    """From the input and the number of classes to the network."""
    input: Shape
    """Input assumed where there are no pictures."""
    about: str
    """What it is, in a line."""


def lenet5(input: Shape, classes: int) -> Network:
    """LeNet-5 (LeCun et al., 1998), with tanh and average pooling as in the paper."""
    return read(
        f"{written(input)} | conv 6 5x5 tanh | avgpool 2 | conv 16 5x5 tanh | avgpool 2 "
        f"| flatten | dense 120 tanh | dense 84 tanh | dense {classes}"
    )


def tinyvgg(input: Shape, classes: int) -> Network:
    """Return the network of CNN Explainer (Wang et al., arXiv:2004.15004): ten kernels a layer."""
    return read(
        f"{written(input)} | 2*(2*(conv 10 3x3 relu) | maxpool 2) | flatten | dense {classes}"
    )


def resnet(input: Shape, classes: int) -> Network:
    """Return a small residual network after He et al. (2015): one block each of 32, 64, 128."""
    side = min(input[1:])
    stem = "conv 32 3x3 same nobias"
    if side >= SMALLEST_STRIDED:
        stem, side = "conv 32 6x6 stride 2 padding 2 nobias", side // 2
    layers = [f"{stem} | batchnorm | relu", _residual_block(32, 1)]
    for kernels in (64, 128):
        stride = 2 if side >= 4 else 1
        layers.append(_residual_block(kernels, stride))
        side = -(-side // stride)
    return read(f"{written(input)} | {' | '.join(layers)} | globalpool | dense {classes}")


def _residual_block(kernels: int, stride: int) -> str:
    first = f"conv {kernels} 3x3 stride {stride} same nobias | batchnorm | relu"
    return f"residual({first} | conv {kernels} 3x3 same nobias | batchnorm) | relu"


LARGEST_FLATTENED = 8
"""Longer side from which on `fast` adds another stage with pooling."""


def fast(input: Shape, classes: int) -> Network:
    """Return the default: the best accuracy for its time that was found on a processor.

    Three stages of 16, 32 and 64 kernels, more of 64 for larger pictures; pooling comes before
    normalisation, which then has a quarter to do. The first layer's 6x6 kernels at stride 2
    compute what a space-to-depth and 3x3 kernels would, but can be looked at.
    """
    sides = input[1:]
    layers = ["conv 16 3x3 same nobias | batchnorm | relu"]
    if min(sides) >= SMALLEST_STRIDED:
        layers = ["conv 16 6x6 stride 2 padding 2 nobias | batchnorm | relu"]
        sides = tuple(side // 2 for side in sides)
    kernels = 32
    while kernels == 32 or max(sides) > LARGEST_FLATTENED:
        pool = [2 if side >= 4 else 1 for side in sides]
        sides = tuple(side // by for side, by in zip(sides, pool, strict=True))
        pooling = f" | maxpool {pool[0]}x{pool[1]}" if max(pool) > 1 else ""
        layers.append(f"conv {kernels} 3x3 same nobias{pooling} | batchnorm | relu")
        kernels = 64
    layers.append("conv 64 3x3 same nobias | batchnorm | relu")
    return read(
        f"{written(input)} | {' | '.join(layers)} | flatten | dense 64 relu | dense {classes}"
    )


STOCK: dict[str, Stock] = {
    "fast": Stock(fast, (3, 64, 64), "the best accuracy for its time on a processor"),
    "lenet5": Stock(lenet5, (1, 32, 32), "LeNet-5 of 1998, tanh and average pooling"),
    "tinyvgg": Stock(tinyvgg, (3, 64, 64), "the network of CNN Explainer, ten kernels a layer"),
    "resnet": Stock(resnet, (3, 64, 64), "a small residual network, slower and more accurate"),
    "efficientnet_lite0": Stock(
        lite.efficientnet_lite0, (3, 224, 224), "EfficientNet-Lite0 of 2020, for 224 pixels a side"
    ),
    "efficientnet_lite1": Stock(
        lite.efficientnet_lite1, (3, 240, 240), "EfficientNet-Lite1, deeper, for 240 pixels a side"
    ),
    "efficientnet_lite2": Stock(
        lite.efficientnet_lite2,
        (3, 260, 260),
        "EfficientNet-Lite2, wider too, for 260 pixels a side",
    ),
}
"""The stock nets by name."""
