"""Pictures that are an array in memory, whose values may have a range of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from foveal.arrays import Array, Rows
from foveal.pictures import decode
from foveal.pictures.adaptation import adapted, check_fits, fitted
from foveal.pictures.content import Head
from foveal.pictures.hashing import ABSENT, array_ids, plain
from foveal.pictures.ranges import keeps_bytes, measure_range
from foveal.pictures.remarks import Remarks
from foveal.pictures.suitability import refuse_channels_first, suited
from foveal.recipe import PictureRecipe
from foveal.wording import counted


@dataclass(frozen=True, slots=True, eq=False)
class ArrayContent:
    """Pictures that are an array, (n, height, width, channels), of any numeric dtype."""

    array: Array
    folded: bool = False
    plain: bool = False
    """Whether it came without an axis of channels, (n, height, width)."""
    reasons: Mapping[int, str] = field(default_factory=dict)
    """Why rows hold no picture, such as those of damaged files, by row; they are zeros."""
    known: Mapping[PictureRecipe, PictureRecipe] = field(default_factory=dict, repr=False)
    """Recipes as they are for all rows of which these are some, by those of networks."""

    has_range = True

    def __len__(self) -> int:
        return len(self.array)

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width, channels)."""
        return tuple(map(int, self.array.shape[1:]))

    @property
    def in_memory(self) -> Array:
        """The array."""
        return self.array

    def take(self, rows: Sequence[int]) -> ArrayContent:
        """Return some rows, in this order."""
        picked = list(rows)
        reasons = {at: self.reasons[row] for at, row in enumerate(picked) if row in self.reasons}
        return replace(self, array=self.array[picked], reasons=reasons)

    def piece(self, start: int, stop: int) -> ArrayContent:
        """Return some rows."""
        rows = range(start, stop)
        reasons = {at: self.reasons[row] for at, row in enumerate(rows) if row in self.reasons}
        return replace(self, array=self.array[start:stop], reasons=reasons)

    def settled(self, recipe: PictureRecipe) -> ArrayContent:
        """Return the rows; what their values are by a recipe is said by all of them."""
        return replace(self, known={**self.known, recipe: self.suited(recipe)})

    def whole_names(self, names: Sequence[str]) -> Sequence[str]:
        """Return the names given: rows of an array have no others."""
        return names

    def marks(self) -> Iterator[bytes]:
        """Name shape and dtype."""
        yield f"{self.array.shape} {self.array.dtype}".encode()

    def ids(self, threads: int) -> list[bytes]:
        """Hash values, shape and dtype of each picture."""
        found = array_ids(self.array)
        for row in self.reasons:
            found[row] = ABSENT
        return found

    def id(self, row: int) -> bytes:
        """Hash values, shape and dtype of one picture."""
        return ABSENT if row in self.reasons else array_ids(self.array[row][None])[0]

    def heads(self, rows: Rows) -> list[Head]:
        """Return the head that all rows share."""
        height, width = self.array.shape[1:3]
        return [Head(0, height, width, "", clear=False)]

    def deep_range(self, heads: Sequence[Head]) -> tuple[float, float]:
        """Return the range of nothing measured: arrays are not decoded."""
        return decode.UNMEASURED

    def ground(self, heads: Sequence[Head]) -> None:
        """Return None: nothing is laid under arrays."""
        return None

    def span(self, rows: Rows) -> tuple[float, float]:
        """Find black and white in these rows: 0 and 255 in bytes, else the range seen."""
        return measure_range(self.array, np.setdiff1d(rows, list(self.reasons)))

    def suited(self, recipe: PictureRecipe) -> PictureRecipe:
        """Return the recipe with the black and white that these values have; see `suitability`."""
        if recipe in self.known:
            return self.known[recipe]
        if self.plain:
            refuse_channels_first(self.array, recipe)
        check_fits(self.array, recipe, folded=self.folded)
        return suited(self.array, recipe)

    def gives_bytes(self, recipe: PictureRecipe) -> bool:
        """Whether bytes stay bytes."""
        return keeps_bytes(self.array, recipe)

    def picture(self, row: int, recipe: PictureRecipe) -> Array | str:
        """Bring one picture to size, channels and range of a recipe."""
        if reason := self.reasons.get(row):
            return reason
        return adapted(check_fits(self.array, recipe)[row], recipe)

    def prepare(self, rows: Sequence[int], recipe: PictureRecipe) -> list[Array | str]:
        """Bring several pictures to size, channels and range of a recipe."""
        return [self.picture(row, recipe) for row in rows]

    def upright(self, row: int, recipe: PictureRecipe) -> Array | str:
        """Return one picture of bytes, greys in three channels."""
        picture = self.array[row]
        if picture.dtype != np.uint8 or picture.shape[2] not in (1, 3):
            return (
                f"{picture.dtype} of {counted(picture.shape[2], 'channel')}, and no bytes of 1 or 3"
            )
        return self.reasons.get(row) or np.broadcast_to(picture, (*picture.shape[:2], 3))

    def remarks(self, row: int) -> Remarks:
        """Return none: nothing is decoded."""
        return ()

    def known_by(self, row: int, picture_hwc: Array, recipe: PictureRecipe) -> Array:
        """Return bytes, prepared, or numbers as they came: a range is no content."""
        if picture_hwc.dtype == np.uint8:
            return picture_hwc
        numbers = plain(self.array[row])
        return fitted(numbers, recipe) if numbers.dtype == np.uint8 else numbers
