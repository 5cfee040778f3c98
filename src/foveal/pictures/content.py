"""Where the pixels of pictures come from: what every source of them must be able to answer.

A new source (shards, tables that hold bytes, addresses) is one class that answers as `Content`
asks; nobody else needs to know which it is. Rows count from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from foveal.arrays import Array, Rows
from foveal.pictures.remarks import Remarks
from foveal.recipe import PictureRecipe


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
