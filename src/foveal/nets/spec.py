"""Networks as data: frozen descriptions of layers, one class a kind. Never imports torch.

A layer (`foveal.nets.layer`) says what a person chose and nothing that can be worked out: sizes,
weights and costs come from `plan`. `notation` turns descriptions into text and back, one to one,
guided by the metadata of the fields: ``read`` names how a field is written (see `notation`).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

from foveal.errors import NetworkError
from foveal.nets.layer import Layer, Padding, part_of
from foveal.nets.ranges import Pair, checked_shape
from foveal.shapes import Shape


@dataclass(frozen=True, slots=True)
class Conv(Layer):
    """Convolution: several learned kernels, each giving one feature map."""

    name: ClassVar[str] = "conv"
    kernels: int = part_of("count", needed=True)
    """Number of kernels, and so of feature maps."""
    size: Pair = part_of("pair", needed=True)
    """Height and width of a kernel, in pixels."""
    _: KW_ONLY
    stride: Pair = part_of("pair", (1, 1))
    """How far the kernel moves, down and across."""
    padding: Padding = part_of("padding", "valid")
    """Rows and columns of zeros on each side; "same" gives ceil(input / stride)."""
    dilation: Pair = part_of("pair", (1, 1))
    """Distance between the taps of a kernel."""
    groups: int = part_of("count", 1)
    """Groups of channels convolved apart from each other."""
    bias: bool = part_of("bias", True)
    """Whether every kernel adds a constant."""
    activation: str | None = part_of("activation")
    """Non-linear activation applied to the maps."""


@dataclass(frozen=True, slots=True)
class ConvTranspose(Layer):
    """Transposed convolution: every input pixel paints one kernel, widening the maps."""

    name: ClassVar[str] = "convtranspose"
    kernels: int = part_of("count", needed=True)
    """Number of feature maps that come out."""
    size: Pair = part_of("pair", needed=True)
    """Height and width of a kernel, in pixels."""
    _: KW_ONLY
    stride: Pair = part_of("pair", (1, 1))
    """How far apart neighbouring input pixels paint."""
    padding: Pair = part_of("rows", (0, 0))
    """Rows and columns cut away on each side."""
    output_padding: Pair = part_of("rows", (0, 0))
    """Rows and columns added below and to the right, to choose among possible sizes."""
    bias: bool = part_of("bias", True)
    """Whether every feature map adds a constant."""
    activation: str | None = part_of("activation")
    """Non-linear activation applied to the maps."""


@dataclass(frozen=True, slots=True)
class Pool(Layer):
    """Base of the two poolings."""

    window: Pair = part_of("pair", needed=True)
    """Height and width of the window, in pixels."""
    _: KW_ONLY
    stride: Pair | None = part_of("pair")
    """How far the window moves; the window itself where left out."""
    padding: Padding = part_of("padding", "valid")
    """Rows and columns on each side that never win and never count."""


@dataclass(frozen=True, slots=True)
class MaxPool(Pool):
    """Downsampling by the maximum of each window."""

    name: ClassVar[str] = "maxpool"


@dataclass(frozen=True, slots=True)
class AvgPool(Pool):
    """Downsampling by the average of each window; padding is not counted."""

    name: ClassVar[str] = "avgpool"


@dataclass(frozen=True, slots=True)
class GlobalPool(Layer):
    """One number a feature map: its average or its maximum. Gives a vector."""

    name: ClassVar[str] = "globalpool"
    kind: Literal["avg", "max"] = part_of("avg|max", "avg")
    """Which of the two."""


@dataclass(frozen=True, slots=True)
class BatchNorm(Layer):
    """Batch normalisation (Ioffe and Szegedy, 2015), of maps or of vectors."""

    name: ClassVar[str] = "batchnorm"


@dataclass(frozen=True, slots=True)
class Dropout(Layer):
    """Sets a share of its inputs to zero while training (Srivastava et al., 2014)."""

    name: ClassVar[str] = "dropout"
    rate: float = part_of("share", needed=True)
    """The share, 0 to below 1."""


@dataclass(frozen=True, slots=True)
class Flatten(Layer):
    """Lays a stack of maps out as one vector."""

    name: ClassVar[str] = "flatten"


@dataclass(frozen=True, slots=True)
class Dense(Layer):
    """A dense layer: every node sees every input."""

    name: ClassVar[str] = "dense"
    nodes: int | None = part_of("count")
    """Number of nodes; in the last layer it may be left out: data decides."""
    _: KW_ONLY
    bias: bool = part_of("bias", True)
    """Whether every node adds a constant."""
    activation: str | None = part_of("activation")
    """Non-linear activation applied to the nodes."""


@dataclass(frozen=True, slots=True)
class Activation(Layer):
    """A non-linear activation standing alone; written as its own name, as in ``relu``."""

    name: ClassVar[str] = "activation"
    function: str = part_of("activation", needed=True)
    """One of `ACTIVATIONS`."""


@dataclass(frozen=True, slots=True)
class Upsample(Layer):
    """Enlarges the maps by a whole factor."""

    name: ClassVar[str] = "upsample"
    factor: Pair = part_of("pair", needed=True)
    """How many times higher and wider."""
    mode: Literal["nearest", "bilinear"] = part_of("nearest|bilinear", "nearest")
    """How the new pixels are filled."""


@dataclass(frozen=True, slots=True)
class Reshape(Layer):
    """Folds a vector into a stack of maps."""

    name: ClassVar[str] = "reshape"
    shape: Shape = part_of("shape", needed=True)
    """Channels, height and width."""


@dataclass(frozen=True, slots=True)
class SpaceToDepth(Layer):
    """Moves each block of pixels into the channels: 1x28x28 becomes 4x14x14 at block 2."""

    name: ClassVar[str] = "spacetodepth"
    block: int = part_of("count", needed=True)
    """Side of a block, in pixels."""


@dataclass(frozen=True, slots=True)
class DepthToSpace(Layer):
    """Moves channels into blocks of pixels: 4x14x14 becomes 1x28x28 at block 2."""

    name: ClassVar[str] = "depthtospace"
    block: int = part_of("count", needed=True)
    """Side of a block, in pixels."""


@dataclass(frozen=True, slots=True)
class Resize(Layer):
    """Brings the maps to a height and a width, whatever they were."""

    name: ClassVar[str] = "resize"
    size: Pair = part_of("pair", needed=True)
    """Height and width, in pixels."""
    mode: Literal["nearest", "bilinear"] = part_of("nearest|bilinear", "nearest")
    """How pixels are found between those that are there."""


@dataclass(frozen=True, slots=True)
class Centre(Layer):
    """Subtracts the mean of the training pictures, place by place; it is not learned."""

    name: ClassVar[str] = "centre"


@dataclass(frozen=True, slots=True)
class Offset(Layer):
    """Adds a learned number at every place: the picture that a decoder starts from."""

    name: ClassVar[str] = "offset"


@dataclass(frozen=True, slots=True)
class Sample(Layer):
    """Draws a code from a normal distribution (Kingma and Welling, arXiv:1312.6114).

    The first half of its inputs are the means, which it gives outside training; the second half
    are the logarithms of the variances.
    """

    name: ClassVar[str] = "sample"


@dataclass(frozen=True, slots=True)
class Timm(Layer):
    """One unit of an architecture of the package timm, with facts that planning believes.

    The facts hold for one size of picture. Only `build` needs the package itself.
    """

    name: ClassVar[str] = "timm"
    architecture: str = part_of("word", needed=True)
    """Name of the architecture, as in "resnet18"; weights are never fetched for it."""
    unit: str = part_of("word", needed=True)
    """Dotted path of a part of it, as in "layer1.0"; "all" for it all but its classifier."""
    _: KW_ONLY
    gives: Shape = part_of("outcome", needed=True)
    """Shape of the output for one picture: channels, height and width, or one length."""
    holds: int = part_of("counted", needed=True)
    """Number of learned parameters."""
    adds: int = part_of("counted", 0)
    """Multiply-adds for one picture; 0 where nobody counted them."""


@dataclass(frozen=True, slots=True)
class Residual(Layer):
    """Adds its input to the output of its layers (He et al., 2015).

    Where the shapes differ, the input goes through a 1x1 convolution that mends them.
    """

    name: ClassVar[str] = "residual"
    layers: tuple[Layer, ...] = part_of("layers", needed=True)
    """The layers of the branch."""


@dataclass(frozen=True, slots=True)
class Repeat(Layer):
    """The same layers several times in a row, each with weights of its own."""

    name: ClassVar[str] = "repeat"
    times: int = part_of("count", needed=True)
    """How many times."""
    layers: tuple[Layer, ...] = part_of("layers", needed=True)
    """What is repeated."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network: the shape of its input, where known, and its layers."""

    layers: tuple[Layer, ...]
    """The layers, in the order in which the picture goes through them."""
    input: Shape | None = None
    """Channels, height, width; None where data decides."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise NetworkError(
                "network",
                needed="at least one layer",
                came="none",
                remedy="write layers separated by '|', as in 'flatten | dense 10'",
            )
        if self.input is not None:
            object.__setattr__(self, "input", checked_shape(self.input, "input"))


LAYERS: tuple[type[Layer], ...] = (
    Conv,
    ConvTranspose,
    MaxPool,
    AvgPool,
    GlobalPool,
    BatchNorm,
    Dropout,
    Flatten,
    Dense,
    Activation,
    Upsample,
    Reshape,
    SpaceToDepth,
    DepthToSpace,
    Resize,
    Centre,
    Offset,
    Sample,
    Timm,
    Residual,
    Repeat,
)
