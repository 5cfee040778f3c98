"""Small pictures, kept by the content of each: none is decoded twice, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from foveal.arrays import Array, Rows
from foveal.pictures import decode
from foveal.pictures.by_content import kept_as, key_of
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT
from foveal.pictures.reading import read_in_order
from foveal.recipe import PictureRecipe

AT_ONCE = 500
"""Pictures that are kept at once."""


class SmallPictures:
    """Pictures by a recipe of few pixels, read when they are asked for.

    Where the cache cannot be read or written, each is decoded anew.

    Parameters
    ----------
    pictures : Pictures
        All that may be asked for.
    recipe : PictureRecipe
        How they are made small.
    threads : int
        Decoding threads.
    """

    def __init__(self, pictures: Pictures, recipe: PictureRecipe, threads: int) -> None:
        self.content, self.recipe, self.threads = pictures.content, recipe, threads
        self.found: dict[int, Array | str] = {}
        self.ids: list[bytes] | None = None

    def __call__(self, row: int) -> Array | str:
        """Return the picture of a row, (height, width, channels); a text says why not."""
        if self.content.in_memory is not None:
            found: Array = self.content.in_memory[row]
            return found
        if row not in self.found:
            self.fetch(np.array([row]))
        return self.found[row]

    def fetch(self, rows: Rows) -> None:
        """Read pictures at once: those of the cache, and the others decoded."""
        new = [row for row in rows.tolist() if row not in self.found]
        if self.content.in_memory is not None:
            return
        if self.ids is None:
            self.ids = self.content.ids(self.threads)
        how = {"recipe": self.recipe.decoding, "decoder": decode.identity()}
        keys = {row: key_of(self.ids[row], **how) for row in new if self.ids[row] != ABSENT}
        with kept_as("small") as kept:
            known = kept.get(list(keys.values()))
            for row, key in keys.items():
                picture = _unpacked(known.get(key, b""), self.recipe.shape)
                if picture is not None:
                    self.found[row] = picture
            left = [row for row in new if row not in self.found]
            for start in range(0, len(left), AT_ONCE):
                some = left[start : start + AT_ONCE]
                self._decode(some)
                kept.put({keys[row]: data for row, data in self._packed(some) if row in keys})

    def _decode(self, rows: list[int]) -> None:
        read = read_in_order(self.content, rows, self.recipe, self.threads, 8 * self.threads)
        self.found.update(zip(rows, read, strict=True))

    def _packed(self, rows: list[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the pixels of those that can be read; the others are asked for again."""
        for row in rows:
            one = self.found[row]
            if not isinstance(one, str) and one.dtype == np.uint8:
                yield row, one.tobytes()


def _unpacked(pixels: bytes, shape_chw: tuple[int, ...]) -> Array | None:
    """Return a picture (h, w, c); None where there are other bytes than it takes."""
    channels, height, width = shape_chw
    if len(pixels) != channels * height * width:
        return None
    return np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, channels)
