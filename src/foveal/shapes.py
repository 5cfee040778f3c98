"""Integer arithmetic of convolution and pooling. No pictures, no torch.

Sources: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(arXiv:1603.07285); Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
Neural Networks" (Distill, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Shape = tuple[int, ...]
"""A picture or a stack of feature maps is (channels, height, width); a vector is (length,)."""


def written(shape: Shape) -> str:
    """Write a shape the way Foveal writes shapes everywhere.

    >>> written((6, 28, 28))
    '6x28x28'
    """
    return "x".join(str(side) for side in shape)


def channels_first(shape: Shape) -> Shape | None:
    """Return a shape that looks like height x width x channels with the channels first.

    Few pictures are 1, 3 or 4 pixels wide, and many have so many channels. None for any other.

    >>> channels_first((32, 32, 3)), channels_first((3, 32, 32))
    ((3, 32, 32), None)
    """
    if len(shape) != 3 or shape[2] not in (1, 3, 4) or min(shape[:2]) <= 4:
        return None
    return shape[2], shape[0], shape[1]


def volume(shape: Shape) -> int:
    """Count the numbers in a tensor of this shape.

    >>> volume((3, 32, 32))
    3072
    """
    product = 1
    for side in shape:
        product *= side
    return product


def span(window: int, dilation: int = 1) -> int:
    """Length of input under a window whose taps are `dilation` apart.

    >>> span(3), span(3, dilation=2)
    (3, 5)
    """
    return (window - 1) * dilation + 1


def output_size(
    size: int, window: int, stride: int = 1, padding: tuple[int, int] = (0, 0), dilation: int = 1
) -> int:
    """Number of places where the window fits; zero or less where it fits nowhere.

    >>> output_size(32, 5)
    28
    >>> output_size(28, 2, stride=2)
    14
    """
    return (size + sum(padding) - span(window, dilation)) // stride + 1


def same_padding(size: int, window: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Padding before and after that makes the output ceil(size / stride).

    With stride 1 the output is as large as the input. Where the total is odd, the
    extra row goes after, as in TensorFlow and in torch's own ``padding="same"``.

    >>> same_padding(28, 5)
    (2, 2)
    >>> same_padding(28, 2, stride=1)
    (0, 1)
    """
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + span(window, dilation) - size, 0)
    return total // 2, total - total // 2


def transposed_size(
    size: int, window: int, stride: int = 1, padding: int = 0, output_padding: int = 0
) -> int:
    """Output size of a transposed convolution.

    >>> transposed_size(7, 4, stride=2, padding=1)
    14
    """
    return (size - 1) * stride - 2 * padding + window + output_padding


@dataclass(frozen=True, slots=True)
class Move:
    """How a layer changes the receptive field along one axis, in pixels of the maps below.

    Where a layer enlarges, what its pixels see does not move evenly; the move then holds all
    that any of them sees, and less than a pixel of the maps below too much.
    """

    stride: Fraction = Fraction(1)
    """Pixels between what two neighbouring pixels above see; below 1 where maps are enlarged."""
    shift: Fraction = Fraction(0)
    """First pixel that pixel 0 above sees; negative in padding."""
    reach: Fraction = Fraction(0)
    """Pixels that a pixel above sees beyond one."""


def sliding(window: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Move:
    """Return the move of a convolution or pooling; `padding` is that before the first pixel."""
    return Move(Fraction(stride), Fraction(-padding), Fraction(span(window, dilation) - 1))


def transposed(window: int, stride: int = 1, padding: int = 0) -> Move:
    """Return the move of a transposed convolution.

    Pixel o above sees the pixels from (o + padding - window + 1) / stride, rounded up, to
    (o + padding) / stride, rounded down.
    """
    return Move(
        Fraction(1, stride),
        Fraction(padding - window + 1, stride),
        Fraction(window - 1, stride),
    )


def upsampled(factor: int, mode: str = "nearest") -> Move:
    """Return the move of an enlargement by a whole factor, nearest or bilinear."""
    if factor == 1:
        return Move()
    if mode == "nearest":
        return transposed(factor, factor)
    return Move(
        Fraction(1, factor),
        Fraction(1, factor) - Fraction(3, 2),
        2 - Fraction(1, 2 * factor),
    )


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The stretch of the input, along one axis, that one feature-map pixel stands for.

    Attributes
    ----------
    size : Fraction
        Input pixels one feature-map pixel can see.
    step : Fraction
        Input pixels between the fields of two neighbouring feature-map pixels.
    start : Fraction
        Input coordinate of the first pixel seen by feature-map pixel 0; negative in padding.
    """

    size: Fraction = Fraction(1)
    step: Fraction = Fraction(1)
    start: Fraction = Fraction(0)

    def after(self, move: Move) -> ReceptiveField:
        """Return the field one layer up.

        >>> field = ReceptiveField().after(sliding(5)).after(sliding(2, stride=2))
        >>> int(field.size), int(field.step)
        (6, 2)
        """
        return ReceptiveField(
            size=self.size + move.reach * self.step,
            step=self.step * move.stride,
            start=self.start + move.shift * self.step,
        )

    def joined(self, other: ReceptiveField) -> ReceptiveField:
        """Return the smallest field that holds this one and another of the same map."""
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return ReceptiveField(end - start, max(self.step, other.step), start)

    def seen(self, position: int, size: int) -> tuple[int, int]:
        """Return first and one-past-last input pixel seen by a feature-map pixel.

        Parameters
        ----------
        position : int
            Index of the feature-map pixel along this axis.
        size : int
            Length of the input along this axis; the answer is cut to 0..size.
        """
        first = self.start + position * self.step
        last = first + self.size
        floor, ceiling = first.__floor__(), last.__ceil__()
        return min(max(floor, 0), size), min(max(ceiling, 0), size)
