"""What follows for a layer, and why one cannot work. Never imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from foveal.nets.ranges import Pair
from foveal.shapes import (
    Move,
    Shape,
)

Pads = tuple[tuple[int, int], tuple[int, int]]
"""Rows above and below, columns left and right."""
NO_PADS: Pads = ((0, 0), (0, 0))


class ShapeError(Exception):
    """A layer that cannot work on its input; `plan` adds the repairs and raises NetworkError."""

    def __init__(self, what: str, *, needed: str, came: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.needed, self.came, self.remedy = what, needed, came, remedy
        self.number = ""
        self.shape: Shape = ()


STAY = (Move(), Move())


@dataclass(frozen=True, slots=True)
class Inferred:
    """What `infer` finds for one layer."""

    out_shape: Shape
    """Shape of one output."""
    weights: Mapping[str, Shape] = field(default_factory=dict)
    """Shapes of the weights by name."""
    multiply_adds: int = 0
    """Multiply-adds for one picture."""
    pads: Pads = NO_PADS
    """Padding in numbers, where the layer pads."""
    moves: tuple[Move, Move] | None = STAY
    """Change of the receptive field; None where every output sees all, or it is not known."""
    stride: Pair = (1, 1)
    """Stride of the projection of a residual."""
    believed: int = 0
    """Learned numbers beside `weights` whose shapes are not known."""


Branch = tuple[Shape, tuple[Fraction, Fraction] | None]
"""What comes out of the layers of a residual, and their stride where they keep maps."""


def activation_weights(function: str | None) -> dict[str, Shape]:
    """Return the weights of an activation function that a layer carries: those of PReLU."""
    return {"activation.weight": (1,)} if function == "prelu" else {}
