"""The range of values: how the numbers of prepared pictures become what a network sees.

Decided once, from pictures and recipe; torch, the engines, the figures and the units of answers
all take it from here. Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from foveal.pictures.collection import Pictures
from foveal.recipe import PictureRecipe

Stored = Literal["uint8", "float32", "own"]
"""Bytes from 0 to 255, floats from 0 to 1, or an array's own type in the range of the recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What stored values stand for, and the mean and deviation that a network expects of them."""

    stored: Stored
    """How prepared pictures are kept."""
    black: float
    """Stored value that stands for black."""
    white: float
    """Stored value that stands for white."""
    mean: tuple[float, ...]
    """Mean of each channel, black = 0, white = 1."""
    std: tuple[float, ...]
    """Standard deviation of each channel in the same unit."""

    @property
    def affine(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Factor and summand of each channel: the network sees ``value * factor + summand``."""
        extent = self.white - self.black
        factors = tuple(1.0 / (std * extent) for std in self.std)
        summands = tuple(
            -(self.black + mean * extent) * factor
            for mean, factor in zip(self.mean, factors, strict=True)
        )
        return factors, summands

    @property
    def unit(self) -> Scaling:
        """The same range with black = 0 and white = 1 as what is seen: for figures and answers."""
        channels = len(self.mean)
        return replace(self, mean=(0.0,) * channels, std=(1.0,) * channels)

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Type of prepared pictures; None for arrays that keep their own."""
        return None if self.stored == "own" else np.dtype(self.stored)


def scaling(pictures: Pictures, recipe: PictureRecipe) -> Scaling:
    """Describe how the values of pictures become a network's input.

    Decoded files are bytes whatever arrays were fitted on. Arrays that must have the network's
    size already keep their type and the recipe's range; others are prepared one by one.
    """
    if pictures.content.has_range and not recipe.adapts:
        return of_values(recipe)
    return of_prepared(pictures, recipe)


def of_prepared(pictures: Pictures, recipe: PictureRecipe) -> Scaling:
    """Return the scaling of pictures that were prepared one by one.

    Those are bytes where bytes have the recipe's range, and else floats from 0 to 1.
    """
    if pictures.content.gives_bytes(recipe):
        return of_bytes(recipe)
    return Scaling(stored="float32", black=0.0, white=1.0, mean=recipe.mean, std=recipe.std)


def of_bytes(recipe: PictureRecipe) -> Scaling:
    """Return the scaling of decoded files: black is 0 and white 255."""
    return Scaling(stored="uint8", black=0.0, white=255.0, mean=recipe.mean, std=recipe.std)


def of_values(recipe: PictureRecipe) -> Scaling:
    """Return the scaling of arrays as they come, in the range that was seen in fit."""
    return Scaling(
        stored="own", black=recipe.low, white=recipe.high, mean=recipe.mean, std=recipe.std
    )
