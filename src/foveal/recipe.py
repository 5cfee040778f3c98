"""How pictures become numbers: the one record that training and every later use obey."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Literal

from foveal.errors import UsageError
from foveal.parameters import one_of
from foveal.shapes import Shape

Resize = Literal["stretch", "letterbox", "crop"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
RESIZES: tuple[Resize, ...] = ("stretch", "letterbox", "crop")
INTERPOLATIONS: tuple[Interpolation, ...] = ("nearest", "bilinear", "bicubic", "lanczos")
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey picture (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecipe:
    """Size, channels and scaling of pictures.

    A model carries its recipe; whatever it is shown later is prepared by it.
    """

    height: int
    """Rows of a prepared picture."""
    width: int
    """Columns of a prepared picture."""
    channels: int
    """1 for grey, 3 for colour; arrays may have 2 or 4."""
    resize: Resize = "stretch"
    """"stretch" and "letterbox" keep the whole picture, "crop" keeps its middle."""
    kept: float = 1.0
    """Share of the shorter side that "crop" keeps: 0.875 for ImageNet's customary margin."""
    interpolation: Interpolation = "bilinear"
    """Filter used in resizing files; always antialiased."""
    low: float = 0.0
    """Stored value that stands for black."""
    high: float = 255.0
    """Stored value that stands for white."""
    mean: tuple[float, ...] = (0.5,)
    """Mean of each channel over the training pictures, black = 0, white = 1."""
    std: tuple[float, ...] = (0.5,)
    """Standard deviation of each channel in the same unit."""
    deep_low: float = 0.0
    """Black of files of more than 8 bits a channel, one range for a whole data set."""
    deep_high: float = 65535.0
    """White of such files."""
    ground: int | None = None
    """Grey, 0 to 255, over which transparent pictures are laid; None for white, or black where
    nothing would be seen on white."""
    folded: bool = False
    """Whether the pictures are rows of pixels, (n, pixels), folded to height x width."""
    adapts: bool = False
    """Whether arrays of any size are brought to this one; otherwise they must have it already."""

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1 or max(self.height, self.width) > LARGEST_SIDE:
            raise UsageError(
                "size",
                needed=f"sides of 1 to {LARGEST_SIDE} pixels",
                came=f"{self.height}x{self.width}",
                remedy="choose a size in that range, such as 64",
            )
        if not 1 <= self.channels <= 4:
            raise UsageError(
                "channels",
                needed="1 (grey), 3 (colour), or 2 or 4 in arrays",
                came=str(self.channels),
                remedy="keep at most four planes; more are not supported",
            )
        for name in ("mean", "std"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) == 1:
                values *= self.channels
            if len(values) != self.channels or not all(map(math.isfinite, values)):
                raise UsageError(
                    name,
                    needed=f"one finite number, or {self.channels}, one a channel",
                    came=str(values),
                    remedy=f"give {self.channels}",
                )
            object.__setattr__(self, name, values)
        extents = (self.high - self.low, self.deep_high - self.deep_low)
        if min(self.std) < 1e-9 or not all(0 < one < math.inf for one in extents):
            raise UsageError(
                "std, low and high",
                needed="positive deviations, and black below white",
                came=f"{self.std}, {self.low} to {self.high}, {self.deep_low} to {self.deep_high}",
                remedy="measure them on training pictures",
            )
        if self.ground is not None and not 0 <= self.ground <= 255:
            raise UsageError(
                "ground",
                needed="a grey of 0 to 255",
                came=str(self.ground),
                remedy="leave it out: white, or black where nothing would be seen on white",
            )
        if not 0 < self.kept <= 1:
            raise UsageError(
                "kept",
                needed="a share above 0 and at most 1",
                came=str(self.kept),
                remedy="leave it out: all of the shorter side is kept",
            )
        one_of("resize", self.resize, RESIZES)
        one_of("interpolation", self.interpolation, INTERPOLATIONS)

    @property
    def shape(self) -> Shape:
        """Channels, height, width: the input of a network."""
        return self.channels, self.height, self.width

    @property
    def decoding(self) -> dict[str, object]:
        """The part that decides what the decoder makes of a file."""
        scaling = ("low", "high", "mean", "std", "folded", "adapts")
        names = (one.name for one in fields(self) if one.name not in scaling)
        return {name: getattr(self, name) for name in names}

    def scaled(
        self, *, low: float, high: float, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> PictureRecipe:
        """Return the recipe with the scaling found on training pictures."""
        return replace(self, low=low, high=high, mean=mean, std=std)


LARGEST_SIDE = 4096
"""Largest side of a prepared picture, in pixels."""
