"""Where the pixels of pictures come from: what every source of them must be able to answer.

A new source (shards, tables that hold bytes, addresses) is one class that answers as `Content`
asks; nobody else needs to know which it is. Rows count from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from foveal.arrays import Array, Rows
from foveal.errors import DataError
from foveal.pictures import decode, depth
from foveal.pictures.adaptation import adapted, check_fits, fitted
from foveal.pictures.decoders import ask
from foveal.pictures.encoded import Encoded, Picked, last_name, mark, whole_name
from foveal.pictures.ground import ground_for
from foveal.pictures.hashing import ABSENT, array_ids, encoded_ids, hash_encoded, plain
from foveal.pictures.ranges import WHOLE, keeps_bytes, measure_range
from foveal.pictures.remarks import Remark, Remarks
from foveal.pictures.remote_objects import stamped
from foveal.pictures.suitability import refuse_channels_first, suited
from foveal.pictures.texts import Texts
from foveal.recipe import PictureRecipe
from foveal.wording import counted

MOST_CLEAR = 64
"""Transparent files that are read to choose what they are laid over, evenly spaced."""


class Head(NamedTuple):
    """What is known of a picture before its pixels are read."""

    row: int
    height: int
    width: int
    mode: str
    """Name of its mode, see `decode.Look`; empty for arrays."""
    clear: bool
    """Whether parts of it may be transparent."""
    format: str = ""
    """Pillow's name of its format; empty for arrays."""


class Content(Protocol):
    """The pixels of pictures, row by row, wherever they lie."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """(height, width, channels) that all have, and keep; None where each has its own."""

    @property
    def folded(self) -> bool:
        """Whether each picture came as a row of pixels."""

    @property
    def has_range(self) -> bool:
        """Whether values have a range of their own, not that of bytes."""

    @property
    def in_memory(self) -> Array | None:
        """All pictures (n, height, width, channels), where nothing has to be decoded."""

    @property
    def reasons(self) -> Mapping[int, str]:
        """Why rows of `in_memory` hold no picture, by row."""

    def __len__(self) -> int: ...

    def take(self, rows: Sequence[int]) -> Content:
        """Return some rows, in this order."""

    def piece(self, start: int, stop: int) -> Content:
        """Return the rows from start to stop, to be worked on by themselves.

        They hold nothing of the others, and can be sent; what is kept of them goes with them.
        Those of values of their own are settled before, see `settled`.
        """

    def settled(self, recipe: PictureRecipe) -> Content:
        """Return these pictures, and let some of them mean by a recipe what they mean among all.

        Raises
        ------
        DataError
            As `suited` does.
        """

    def whole_names(self, names: Sequence[str]) -> Sequence[str]:
        """Return names by which the pictures can be opened from here, else those given."""

    def marks(self) -> Iterator[bytes]:
        """Tell these pictures from others without reading a pixel."""

    def ids(self, threads: int) -> list[bytes]:
        """Hash the content of each picture; `hashing.ABSENT` where it cannot be read."""

    def id(self, row: int) -> bytes:
        """Hash the content of one picture as it is now."""

    def heads(self, rows: Rows) -> list[Head]:
        """Read the heads of some pictures, those that can be read, each once.

        Raises
        ------
        DataError
            Where there is none.
        """

    def deep_range(self, heads: Sequence[Head]) -> tuple[float, float]:
        """Find one black and white for all pictures of more than 8 bits among these."""

    def ground(self, heads: Sequence[Head]) -> int | None:
        """Choose what all transparent pictures among these are laid over; None for no such."""

    def span(self, rows: Rows) -> tuple[float, float]:
        """Find the values that stand for black and white in these rows."""

    def suited(self, recipe: PictureRecipe) -> PictureRecipe:
        """Return the recipe of a network as it is for these pictures: with their black and white.

        Raises
        ------
        DataError
            For pictures of a shape, or values of a range, that the network was not taught.
        """

    def gives_bytes(self, recipe: PictureRecipe) -> bool:
        """Whether `picture` answers with bytes from 0 to 255, and else with 0.0 to 1.0."""

    def picture(self, row: int, recipe: PictureRecipe) -> Array | str:
        """Prepare one picture by a recipe, (height, width, channels); a text says why not."""

    def prepare(self, rows: Sequence[int], recipe: PictureRecipe) -> list[Array | str]:
        """Prepare several pictures, as `picture` does each."""

    def upright(self, row: int, recipe: PictureRecipe) -> Array | str:
        """Read one picture before it is resized by a recipe, uint8 (h, w, 3); a text says why not.

        As other programs would read it to resize it themselves.
        """

    def remarks(self, row: int) -> Remarks:
        """Return what a reader should know of how `picture` read a row; nothing before it did."""

    def known_by(self, row: int, picture_hwc: Array, recipe: PictureRecipe) -> Array:
        """Return what a prepared picture is known by: pixels that are equal for equal pictures."""


@dataclass(frozen=True, slots=True)
class EncodedContent:
    """Encoded pictures, files or parts of files, decoded when they are asked for."""

    pictures: Sequence[Encoded]
    _remarks: dict[Encoded, Remarks] = field(default_factory=dict, repr=False, compare=False)
    """Of the pictures that were decoded so far; shared by all that were taken from these."""

    shape = None
    folded = False
    has_range = False
    in_memory = None
    reasons: ClassVar[Mapping[int, str]] = {}

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, rows: Sequence[int]) -> EncodedContent:
        """Return some pictures, in this order."""
        return EncodedContent(Picked(self.pictures, rows), self._remarks)

    def piece(self, start: int, stop: int) -> EncodedContent:
        """Return some pictures; remarks on them are kept by themselves."""
        return EncodedContent(Picked(self.pictures, range(start, stop)))

    def settled(self, recipe: PictureRecipe) -> EncodedContent:
        """Return these pictures: each means the same whatever lies beside it."""
        return self

    def whole_names(self, names: Sequence[str]) -> Sequence[str]:
        """Return the paths, and beneath them what lies within files."""
        return Texts(map(whole_name, self.pictures))

    def marks(self) -> Iterator[bytes]:
        """Name path, size and times of each picture."""
        return map(mark, stamped(self.pictures))

    def ids(self, threads: int) -> list[bytes]:
        """Hash the bytes of each picture; those of files that did not change are remembered."""
        return encoded_ids(self.pictures, threads)

    def id(self, row: int) -> bytes:
        """Hash the bytes of one picture."""
        return hash_encoded(self.pictures[row])

    def heads(self, rows: Rows) -> list[Head]:
        """Read the heads of some pictures."""
        heads: list[Head] = []
        reasons: list[str] = []
        row_of = {self.pictures[row]: int(row) for row in rows}
        for (picture, row), answer in zip(row_of.items(), ask("look", [*row_of]), strict=True):
            if isinstance(answer, str):
                reasons.append(f"{last_name(picture)}: {answer}")
            else:
                heads.append(Head(row, *answer.facts["look"]))
        if not heads:
            raise DataError(
                "pictures",
                needed="at least one file that is a picture",
                came="; ".join(reasons[:3]) or "no files",
                remedy="name the folder that holds the pictures",
            )
        return heads

    def deep_range(self, heads: Sequence[Head]) -> tuple[float, float]:
        """Find one black and white for all files of more than 8 bits among these."""
        deep = [self.pictures[head.row] for head in heads if head.mode in depth.MODES]
        answers = ask("deep_range", deep)  # why there is none is in the ledger, for the store
        ranges = [one.facts["range"] for one in answers if not isinstance(one, str)]
        if not ranges:
            return decode.UNMEASURED
        low, high = min(one[0] for one in ranges), max(one[1] for one in ranges)
        return (low, high) if high > low else (low, low + 1.0)

    def ground(self, heads: Sequence[Head]) -> int | None:
        """Choose one ground by what is seen of some transparent files on white and on black."""
        clear = [head for head in heads if head.clear]
        some = [self.pictures[head.row] for head in clear[:: -(-len(clear) // MOST_CLEAR) or 1]]
        answers = ask("lost", some)  # why there is none is in the ledger, for the store
        return ground_for([one.facts["lost"] for one in answers if not isinstance(one, str)])

    def span(self, rows: Rows) -> tuple[float, float]:
        """Return the range of bytes."""
        return WHOLE

    def suited(self, recipe: PictureRecipe) -> PictureRecipe:
        """Return the recipe: the decoder brings all files to it."""
        return recipe

    def gives_bytes(self, recipe: PictureRecipe) -> bool:
        """Return True: the decoder gives bytes whatever arrays a recipe was measured on."""
        return True

    def picture(self, row: int, recipe: PictureRecipe) -> Array | str:
        """Decode one picture."""
        return self.prepare([row], recipe)[0]

    def prepare(self, rows: Sequence[int], recipe: PictureRecipe) -> list[Array | str]:
        """Decode several pictures, in a process of their own."""
        several, found = [self.pictures[row] for row in rows], list[Array | str]()
        for encoded, answer in zip(several, ask("decoded", several, recipe), strict=True):
            if isinstance(answer, str):
                found.append(answer)
                continue
            if remarks := answer.facts["remarks"]:
                self._remarks[encoded] = tuple(Remark(*one) for one in remarks)
            assert answer.pixels is not None
            found.append(answer.pixels)
        return found

    def upright(self, row: int, recipe: PictureRecipe) -> Array | str:
        """Decode one picture at its own size."""
        (answer,) = ask("upright", [self.pictures[row]], recipe)
        if isinstance(answer, str):
            return answer
        assert answer.pixels is not None
        return answer.pixels

    def remarks(self, row: int) -> Remarks:
        """Return the remarks on one picture, once it was decoded."""
        return self._remarks.get(self.pictures[row], ())

    def known_by(self, row: int, picture_hwc: Array, recipe: PictureRecipe) -> Array:
        """Return the decoded bytes."""
        return picture_hwc


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
