"""Pictures of a content read in order, several at once in each of several threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from foveal.arrays import Array
from foveal.pictures.content import Content
from foveal.pictures.decoders import AT_ONCE
from foveal.pictures.workers import in_order
from foveal.recipe import PictureRecipe


def read_in_order(
    content: Content, rows: Sequence[int], recipe: PictureRecipe, threads: int, ahead: int
) -> Iterator[Array | str]:
    """Prepare the pictures of some rows, in order, at most so many ahead of whoever takes them."""
    fair = -(-len(rows) // threads)
    size = max(min(AT_ONCE, fair, ahead // (2 * threads)), 1)

    def some(number: int) -> list[Array | str]:
        return content.prepare(rows[number * size : (number + 1) * size], recipe)

    for several in in_order(some, -(-len(rows) // size), threads, max(ahead // size, 1)):
        yield from several
