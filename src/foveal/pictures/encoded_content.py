"""Pictures that are decoded when they are asked for: files, or what lies within files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from foveal.arrays import Array, Rows
from foveal.errors import DataError
from foveal.pictures import decode, depth
from foveal.pictures.content import Head
from foveal.pictures.decoders import ask
from foveal.pictures.encoded import Encoded, Picked, last_name, mark, whole_name
from foveal.pictures.ground import ground_for
from foveal.pictures.hashing import encoded_ids, hash_encoded
from foveal.pictures.ranges import WHOLE
from foveal.pictures.remarks import Remark, Remarks
from foveal.pictures.remote_objects import stamped
from foveal.pictures.texts import Texts
from foveal.recipe import PictureRecipe

MOST_CLEAR = 64
"""Transparent files that are read to choose what they are laid over, evenly spaced."""


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
