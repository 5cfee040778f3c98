"""A kernel designed by hand that slides over a picture and fills its map, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from foveal.drawing.cells import cells
from foveal.drawing.colours import FAINT, ORANGE, PALE
from foveal.drawing.figure import Figure, Frames
from foveal.drawing.layout import GRID, MARGIN, abreast, celled, page, stacked
from foveal.drawing.panel import panel
from foveal.drawing.scales import diverging
from foveal.drawing.text import BODY, LABEL, length, number, shortened, words
from foveal.drawing.thumbnails import hairlined, sized
from foveal.drawing.tiles import as_colours
from foveal.looking.convolutions import limit_of
from foveal.looking.slide import Alike, Slide, slide
from foveal.looking.subject import subject_of
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from foveal.shapes import written

if TYPE_CHECKING:
    from foveal.arrays import Array
    from foveal.drawing.scales import Levels

SIDE = 256
"""Side of a picture, in pixels, up to which it is enlarged, and beyond which it is reduced."""
CELL = 36
"""Side of a weight with its number, at least."""
READABLE = 7
"""Longer side of kernels whose weights are written."""
PIXELS, FIRST_ROW, ROWS = 64, 16, 48
"""Frames: of a map of so few pixels one for each; else of its first row, and of all rows."""
OUTLINE = 2
PAUSE = 120
MOST_NUMBERS = 10_000
"""Pixels of a map that the table holds; of a larger one it holds the least, mean and greatest."""
CAPTION = (
    "The kernel is laid on every place of the picture; the brightness under it is multiplied by "
    "its weights and added up, which makes one number of the map. A convolutional network does "
)
FOUND = (
    "just this, with kernels that nobody designed: it finds them in training, and often finds some "
    "that people had thought of."
)
DRAWN = (
    "just this, with kernels that nobody designed: before any training, as here, they are random, "
    "and what is like a designed one is so by chance."
)


def draw_designed(model: Any, X: Any, kernel: Any = "sobel") -> Figure[Slide]:
    """Draw what a kernel made by hand makes of a picture, and the network's kernel most like it.

    Parameters
    ----------
    model : FittedModel, Plan or str
        What sees the picture; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The picture; of several the first. It is taken as the network sees it, in grey.
    kernel : {"sobel", "edge", "blur", "sharpen", "emboss"}, path or array
        The kernel: by name, a .csv, .txt or .npy file, or a matrix of at most 31x31.

    Returns
    -------
    Figure of Slide
        Its numbers are the weights and the map; its `frames` show the kernel on its way.

    Raises
    ------
    UsageError
        For a kernel that cannot be used.
    NothingToSee
        Where the picture is smaller than the kernel.
    DataError
        Where the picture cannot be read.
    """
    subject = subject_of(model)
    found = slide(subject, gather(X), kernel)
    drawn, caption = _Drawing(found), CAPTION + (FOUND if subject.trained else DRAWN)
    done = steps(*found.map.shape)
    blocks = [drawn.still(), *([_learned(found.alike)] if found.alike else [])]
    return Figure(
        values=found,
        image=page(f"A kernel designed by hand: {_name(found)}", _facts(found), blocks, caption),
        caption=caption,
        columns=("what", "row", "column", "value"),
        rows=tuple(_numbers(found)),
        frames=Frames(lambda place: drawn.frame(done[place]), len(done)),
        pause=PAUSE,
    )


def steps(high: int, wide: int) -> list[int]:
    """Choose after how many pixels of a map a frame is drawn; the last has all of them.

    >>> steps(2, 3)
    [1, 2, 3, 4, 5, 6]
    """
    if high * wide <= PIXELS:
        return list(range(1, high * wide + 1))
    first = (1 + evenly(wide, FIRST_ROW)).tolist()
    rows = (wide * (1 + evenly(high, ROWS))).tolist()
    return sorted({*first, *rows})


class _Drawing:
    """The picture, the kernel and the map of one slide, coloured once for all frames."""

    def __init__(self, found: Slide) -> None:
        self.found = found
        self.picture = _as_grey(found.picture)
        self.map = _map_colours(found)
        self.kernel = kernel_cells(found.kernel.weights)

    def still(self) -> Image.Image:
        """Draw all three beside one another."""
        found = self.found
        images = [self._enlarged(self.picture), self.kernel, self._enlarged(self.map)]
        least, greatest = number(found.map.min()), number(found.map.max())
        shapes = [written(one.shape) for one in (found.picture, found.kernel.weights, found.map)]
        return panel(
            images,
            [
                ("the picture in grey", shapes[0]),
                (_name(found), shapes[1]),
                ("its map", f"{shapes[2]}, {least} to {greatest}"),
            ],
        )

    def frame(self, done: int) -> Image.Image:
        """Draw the kernel on its way, so many pixels of the map filled."""
        row, column = divmod(done - 1, self.found.map.shape[1])
        picture = self._outlined(self._enlarged(self.picture), row, column)
        part = self.map.copy()
        part.reshape(-1, 3)[done:] = PALE
        made = number(float(self.found.map[row, column]))
        said = words(f"row {row}, column {column}: the sum of products is {made}", LABEL, FAINT)
        images = [hairlined(one) for one in (picture, self.kernel, self._enlarged(part))]
        whole = abreast(images, 2 * GRID, "center")
        sheet = stacked([whole, celled(said, whole.width, 1, "left")])
        return celled(sheet, whole.width + MARGIN, sheet.height + MARGIN)

    def _enlarged(self, colours: Levels) -> Image.Image:
        return sized(Image.fromarray(colours), SIDE, SIDE)

    def _outlined(self, image: Image.Image, row: int, column: int) -> Image.Image:
        """Outline what lies under the kernel, in orange."""
        found = image.copy()
        scale = image.width / self.picture.shape[1]
        high, wide = self.found.kernel.weights.shape
        left, top, right, bottom = (
            round(scale * side) for side in (column, row, column + wide, row + high)
        )
        box = (left - OUTLINE, top - OUTLINE, right + OUTLINE - 1, bottom + OUTLINE - 1)
        ImageDraw.Draw(found).rectangle(box, outline=ORANGE, width=OUTLINE)
        return found


def _name(found: Slide) -> str:
    return shortened(found.kernel.name, SIDE)


def kernel_cells(weights_hw: Array) -> Image.Image:
    """Draw a kernel, with its numbers where they can be read."""
    colours = diverging(weights_hw, float(np.abs(weights_hw).max()))
    if max(weights_hw.shape) > READABLE:
        return sized(Image.fromarray(colours), SIDE, SIDE)
    whole = bool((weights_hw == weights_hw.round()).all())
    texts = [[_weight(one, whole) for one in row] for row in weights_hw.tolist()]
    widest = max(length(text, LABEL) for row in texts for text in row)
    side = max(CELL, round(widest) + 2 * GRID)
    return cells(colours, texts, (side, side))


def _weight(value: float, whole: bool) -> str:
    """Write a weight as others beside it: where all are whole numbers without a point."""
    return f"{value:,.0f}" if whole or not value else number(value)


def _as_grey(picture_hw: Array) -> Levels:
    levels = np.rint(255 * np.clip(picture_hw, 0, 1)).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def _map_colours(found: Slide) -> Levels:
    """Colour a map: as a picture where the kernel keeps its brightness, else as signed numbers."""
    if found.kernel.keeps_brightness:
        return _as_grey(found.map)
    return diverging(found.map, limit_of(found.map))


def _facts(found: Slide) -> list[str]:
    how = (
        "its weights add up to 1, so that the map is a picture as bright as the one it is made of"
        if found.kernel.keeps_brightness
        else f"its weights add up to {_sum(found.kernel.weights)}; "
        "in the map orange is above 0, blue below"
    )
    return [f"{found.name}, {written(found.picture.shape)} pixels, in grey", how]


def _sum(weights_hw: Array) -> str:
    """Write what weights add up to, without the error of adding them."""
    total = round(float(weights_hw.sum()), 9)
    return _weight(total, total == round(total))


def _learned(alike: Alike) -> Image.Image:
    """Draw the network's kernel that is most like the designed one, with its map."""
    limit = limit_of(alike.weights)
    colours = (
        as_colours(alike.weights, limit)
        if len(alike.weights) == 3
        else diverging(np.concatenate(list(alike.weights)), limit)
    )
    made = diverging(alike.map, limit_of(alike.map))
    heading = words(
        f"Kernel {alike.kernel} of layer {alike.layer}, of the network's own the most like it"
        f"{', reversed' if alike.cosine < 0 else ''}: cosine {alike.cosine:.2f}",
        BODY,
    )
    drawn = panel(
        [
            sized(Image.fromarray(colours), SIDE // 2, SIDE // 2),
            kernel_cells(alike.grey),
            sized(Image.fromarray(made), SIDE, SIDE),
        ],
        [
            ("its weights", written(alike.weights.shape)),
            ("its channels added", "what it is to a grey picture"),
            ("its map", f"{written(alike.map.shape)}, before any activation"),
        ],
    )
    return stacked([heading, drawn])


def _numbers(found: Slide) -> Iterator[tuple[Any, ...]]:
    for (row, column), value in np.ndenumerate(found.kernel.weights):
        yield "kernel", row, column, float(value)
    if found.map.size <= MOST_NUMBERS:
        for (row, column), value in np.ndenumerate(found.map):
            yield "map", row, column, float(value)
    else:
        for what, made in (("least", np.min), ("mean", np.mean), ("greatest", np.max)):
            yield f"map: {what}", None, None, float(made(found.map))
