"""Pictures as they are looked at, one by one: small, in colour, from wherever they come.

Axes: h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures import decode
from foveal.pictures.collection import Pictures
from foveal.pictures.content import Content, Head
from foveal.pictures.remarks import Remarks
from foveal.pictures.survey import look_over
from foveal.recipe import PictureRecipe

PLAIN = PictureRecipe(height=256, width=256, channels=3)
"""How files are decoded, but for their size."""


class View(NamedTuple):
    """One picture."""

    values_hwc: Array
    """It, black = 0 and white = 1, no larger than it is."""
    pixels_hwc: Array
    """What it is known by: equal for equal pictures."""
    head: Head
    remarks: Remarks
    """What a reader should know of how it was read."""


class Viewer(Protocol):
    """Looks at pictures."""

    @property
    def side(self) -> int:
        """Pixels of their longer side, at most."""
        ...

    @property
    def how(self) -> Mapping[str, Any]:
        """What else decides how it sees them, as plain values."""
        ...

    def __call__(self, row: int) -> View | str:
        """Return the picture of a row; a text says why there is none."""
        ...


def viewer(pictures: Pictures, side: int) -> Viewer:
    """Make what looks at pictures, brought to a longer side of so many pixels at most."""
    if pictures.content.in_memory is not None:
        return _ArrayViewer(pictures, pictures.content.in_memory, side)
    return FileViewer(pictures.content, side, plain_recipe(pictures))


def plain_recipe(pictures: Pictures) -> PictureRecipe:
    """Choose how files are decoded to be looked at, but for their size: all of them alike."""
    try:
        survey = look_over(pictures)
    except DataError:  # none can be read: each says why
        return PLAIN
    low, high = survey.deep
    return replace(PLAIN, deep_low=low, deep_high=high, ground=survey.ground)


@dataclass(frozen=True, slots=True)
class FileViewer:
    """Looks at pictures that are decoded."""

    content: Content
    side: int
    """Pixels of their longer side, at most."""
    recipe: PictureRecipe
    """How all of them are decoded, see `plain_recipe`."""

    @property
    def how(self) -> Mapping[str, Any]:
        """What decides how it sees them, as plain values."""
        return {"recipe": self.recipe.decoding, "decoder": decode.identity()}

    def __call__(self, row: int) -> View | str:
        """Return the picture of a row."""
        try:
            (head,) = self.content.heads(np.array([row]))
        except DataError:
            found = self.content.picture(row, self.recipe)
            return found if isinstance(found, str) else "its head cannot be read"
        scale = min(1.0, self.side / max(head.height, head.width))  # to enlarge would blur it
        height, width = (max(1, round(scale * one)) for one in (head.height, head.width))
        found = self.content.picture(row, replace(self.recipe, height=height, width=width))
        if isinstance(found, str):
            return found
        return View(found / np.float32(255), found, head, self.content.remarks(row))


class _ArrayViewer:
    """Looks at pictures that are there already."""

    def __init__(self, pictures: Pictures, whole: Array, side: int) -> None:
        self.content, self.whole, self.side = pictures.content, whole, side
        low, high = pictures.content.span(np.arange(len(pictures)))
        self.low, self.extent = low, (high - low) or 1.0

    @property
    def how(self) -> Mapping[str, Any]:
        """Return nothing: nothing is kept of arrays."""
        return {}

    def __call__(self, row: int) -> View | str:
        if reason := self.content.reasons.get(row):
            return reason
        picture = self.whole[row]
        values = (picture.astype(np.float32) - self.low) / self.extent
        if not np.isfinite(values).all():
            return "holds NaN or infinity"
        height, width = values.shape[:2]
        step = -(-max(height, width) // self.side)
        head = Head(row, height, width, "", clear=False)
        return View(values[::step, ::step], picture, head, ())
