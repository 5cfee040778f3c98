"""What kernels like: of each the nine patches of all pictures that excite it most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.drawing.colours import FAINT, INK, PALE
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, WIDEST, abreast, flowing, page, stacked
from foveal.drawing.text import BODY, LABEL, number, shortened, words
from foveal.drawing.thumbnails import fitted, hairlined, marked, thumbnail
from foveal.looking.favourites import Favourite, Favourites, favourites
from foveal.looking.leaders import BEST
from foveal.looking.subject import subject_of
from foveal.parameters import Whole, check, optional
from foveal.pictures.sources import gather
from foveal.shapes import written
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.pictures.store import Progress

FEW, MANY, MOST = 6, 18, 64
"""Kernels of a layer that are drawn: where several layers are, where one is, and at most."""
ACROSS = 3
"""Patches of a row."""
TILE = 72
"""Longer side of a patch on the sheet, in pixels, about."""
CAPTION = (
    "Each block is a kernel, and in it the nine patches, out of all pictures, that it answers "
    "most; what these share is what the kernel looks for. Early layers like edges and colours, "
    "later ones patterns, and the last ones parts of the things that the network tells apart."
)


def draw_favourites(
    model: Any,
    X: Any,
    *,
    layer: str | int | None = None,
    count: int | None = None,
    progress: Progress | None = None,
) -> Figure[list[Favourites]]:
    """Draw the patches of pictures that kernels like, of up to three layers side by side.

    Parameters
    ----------
    model : FittedModel, learner that was fitted, Plan or str
        The network; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures, in any number; those that cannot be read are left out.
    layer : int or str, optional
        One layer, by its number in the plan; low-, mid- and high-level ones where left out.
    count : int, optional
        Kernels of a layer that are drawn, 64 at most: those that tell pictures apart most; 6, or
        18 of one layer, where left out.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Returns
    -------
    Figure of list of Favourites
        One value a layer; the numbers beside the sheet say of each patch which picture it is of
        and where.

    Raises
    ------
    UsageError
        For a network without convolutions, a layer that there is not, and a count out of range.
    DataError
        Where no picture can be read.
    """
    check({"count": count}, {"count": optional(Whole(1))})
    found = favourites(
        subject_of(model),
        gather(X),
        layer=layer,
        count=min(count or (FEW if layer is None else MANY), MOST),
        progress=progress,
    )
    return Figure(
        values=found,
        image=page(
            "What kernels like", tuple(_facts(found)), [_layer(one) for one in found], CAPTION
        ),
        caption=CAPTION,
        columns=_COLUMNS,
        rows=tuple(_numbers(found)),
    )


_COLUMNS = (
    *("layer", "kernel", "place", "path", "answer", "row", "column"),
    *("top", "bottom", "left", "right"),
)


def _facts(found: list[Favourites]) -> Iterator[str]:
    first = found[0]
    bad = f", {first.unreadable:,} more cannot be read" if first.unreadable else ""
    yield f"out of {counted(first.pictures, 'picture')}{bad}; of a picture one patch at most"
    yield "under each block: its answers to the best and the last patch, and the best one's name"
    if first.pictures <= BEST:
        yield "so few say little of what a kernel likes: name a folder of pictures"
    elif any(len(one.kernels) < one.shape[0] for one in found):
        yield "shown are the kernels whose best pictures stand out most from all others"
    if any(one.whole and len(one.shape) == 3 for one in found):
        yield "where a kernel sees as much as a picture, a square marks the place"


def _layer(found: Favourites) -> Image.Image:
    level = f"{found.level}: " if found.level else ""
    silent = f", {found.silent:,} answer all alike" if found.silent else ""
    head = [
        words(f"{level}layer {found.number}, {found.title}", BODY, INK),
        words(
            f"{written(found.shape)}; {found.sees}; {len(found.kernels)} of "
            f"{counted(found.shape[0], 'kernel')}{silent}",
            LABEL,
            FAINT,
        ),
    ]
    blocks = [
        _kernel(kernel, patches, found)
        for kernel, patches in zip(found.kernels, found.patches, strict=True)
    ]
    return stacked([stacked(head, 0), flowing(blocks, 2 * GRID, WIDEST)], GRID)


def _kernel(kernel: int, patches: tuple[Favourite, ...], found: Favourites) -> Image.Image:
    """Draw the patches of one kernel, three in a row, and say how much it answers."""
    tiles = [hairlined(_tile(one, found)) for one in patches]
    rows = [abreast(tiles[at : at + ACROSS], 2) for at in range(0, len(tiles), ACROSS)]
    block = stacked(rows, 2)
    width = max(block.width, 7 * LABEL)
    said = [words(shortened(f"kernel {kernel}", width), LABEL)]
    if patches:
        answers = number(patches[0].value)
        answers += f" to {number(patches[-1].value)}" if len(patches) > 1 else ""
        said += [words(shortened(text, width), LABEL, FAINT) for text in (answers, patches[0].name)]
    return stacked([block, stacked(said, 0)], GRID // 2)


def _tile(one: Favourite, found: Favourites) -> Image.Image:
    height, width, channels = one.patch.shape
    colours = one.patch if channels == 3 else one.patch.mean(axis=2, keepdims=True)
    colours = np.broadcast_to(colours, (height, width, 3))
    beyond = np.isnan(colours)
    image = thumbnail(np.where(beyond, np.array(PALE) / 255, colours), fitted(height, width, TILE))
    if not found.whole or len(found.shape) != 3:
        return image
    return marked(image, (one.mark[0] + 0.5) / height, (one.mark[1] + 0.5) / width)


def _numbers(found: list[Favourites]) -> Iterator[tuple[Any, ...]]:
    for layer in found:
        for kernel, patches in zip(layer.kernels, layer.patches, strict=True):
            for place, one in enumerate(patches, start=1):
                yield (layer.number, kernel, place, one.name, one.value, *one.pixel, *one.box)
