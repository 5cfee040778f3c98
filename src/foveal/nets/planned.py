"""What is known of a planned network and its layers: shapes, weights, costs, receptive fields."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from foveal.errors import UsageError
from foveal.nets import notation
from foveal.nets.inferred import Inferred
from foveal.nets.layer import Layer
from foveal.nets.spec import Activation, Dense, Network
from foveal.shapes import ReceptiveField, Shape, volume, written
from foveal.wording import counted

BYTES = 4
"""Bytes of one number: single precision."""
LONGEST = 40
"""Letters of a layer or a network in a line of their own."""

Fields = tuple[ReceptiveField, ReceptiveField]
"""The receptive field down and across."""


def cut(text: str) -> str:
    """Cut what is too long for a line of its own."""
    return f"{text[:LONGEST]}..." if len(text) > LONGEST else text


@dataclass(frozen=True, slots=True, repr=False)
class PlannedLayer:
    """One layer with everything that follows from its place in the network."""

    number: str
    """Place in the plan: "4", or "4.2" for the second layer inside a residual at 4."""
    layer: Layer
    """What was asked for, with the nodes of the last dense layer filled in."""
    in_shape: Shape
    """Shape of one input, without the batch."""
    out_shape: Shape
    """Shape of one output, without the batch."""
    inferred: Inferred
    """Weights, multiply-adds and padding that follow from the shapes."""
    fields: Fields | None
    """Receptive field of one feature-map pixel; None once every number sees the whole picture,
    and where it is not known."""
    inner: tuple[PlannedLayer, ...] = ()
    """Layers inside a residual."""
    unknown: bool = False
    """Whether nobody knows what it sees: maps of a unit of timm, and maps made of them."""

    @property
    def weights(self) -> Mapping[str, Shape]:
        """Shapes of the weights by name, as torch names them."""
        return self.inferred.weights

    @property
    def parameters(self) -> int:
        """Number of learned numbers, those of inner layers included."""
        own = sum(volume(shape) for shape in self.weights.values()) + self.inferred.believed
        return own + sum(layer.parameters for layer in self.inner)

    @property
    def multiply_adds(self) -> int:
        """Multiplications, each with its addition, for one picture."""
        return self.inferred.multiply_adds + sum(layer.multiply_adds for layer in self.inner)

    @property
    def activation_bytes(self) -> int:
        """Memory of the outputs for one picture in single precision."""
        return BYTES * volume(self.out_shape) + sum(one.activation_bytes for one in self.inner)

    def __repr__(self) -> str:
        inside = ", ".join(one.number for one in self.inner)
        text = f"residual of {inside}" if inside else notation.write_layer(self.layer)
        shapes = f"{written(self.in_shape)} -> {written(self.out_shape)}"
        return (
            f"PlannedLayer({self.number}: {cut(text)}, {shapes}, "
            f"{counted(self.parameters, 'parameter')})"
        )


@dataclass(frozen=True, slots=True)
class PlannedNetwork:
    """A network that is known to work, with its costs: what `Plan` is made of."""

    network: Network
    """The network as written, its input and last layer filled in."""
    layers: tuple[PlannedLayer, ...]
    """The layers in order, repetitions written out."""
    name: str | None = field(default=None, compare=False)
    """Name of the stock net it came from."""
    fixed: int = field(default=0, compare=False, kw_only=True)
    """How many of `layers`, from the first on, are kept as they are in training."""
    encoder_layers: int = field(default=0, compare=False, kw_only=True)
    """How many of `layers`, from the first on, are the encoder of an autoencoder; 0 in others."""

    def __post_init__(self) -> None:
        if not 0 <= self.fixed <= len(self.layers):
            raise UsageError(
                "fixed",
                needed=f"from 0 to the {counted(len(self.layers), 'layer')} of the network",
                came=str(self.fixed),
                remedy="count the layers of the plan without those inside residuals",
            )
        if not 0 <= self.encoder_layers < max(len(self.layers), 1):
            raise UsageError(
                "encoder_layers",
                needed=f"an encoder and a decoder within {counted(len(self.layers), 'layer')}",
                came=f"an encoder of {self.encoder_layers}",
                remedy="count the layers of the encoder",
            )

    @property
    def code_size(self) -> int:
        """Numbers of the code; 0 where the network is no autoencoder."""
        return self.layers[self.encoder_layers - 1].out_shape[0] if self.encoder_layers else 0

    @property
    def input(self) -> Shape:
        """Channels, height and width of the picture."""
        return self.layers[0].in_shape

    @property
    def output(self) -> Shape:
        """Shape of what comes out for one picture."""
        return self.layers[-1].out_shape

    @property
    def ending(self) -> str | None:
        """The function that the last layer applies; None where it ends with plain sums, or maps."""
        last = self.layers[-1].layer
        if isinstance(last, Dense):
            return last.activation
        return last.function if isinstance(last, Activation) else None

    @property
    def parameters(self) -> int:
        """Number of learned numbers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one forward pass of one picture."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Memory of all layers' outputs for one picture, kept for the backward pass."""
        return sum(layer.activation_bytes for layer in self.layers)

    @property
    def text(self) -> str:
        """The network in the notation."""
        return notation.write(self.network)

    def walk(self) -> Iterator[PlannedLayer]:
        """Go through all layers, those inside residuals after the residual that holds them."""
        yield from _walk(self.layers)

    def share(self, layer: PlannedLayer) -> float:
        """Share of the picture's area that one feature-map pixel can see; NaN if unknown."""
        if layer.fields is None:
            return math.nan if layer.unknown else 1.0
        _, height, width = self.input
        down, across = (field.size for field in layer.fields)
        seen = min(down, Fraction(height)) * min(across, Fraction(width))
        return float(seen / (height * width))


def _walk(layers: tuple[PlannedLayer, ...]) -> Iterator[PlannedLayer]:
    for layer in layers:
        yield layer
        yield from _walk(layer.inner)
