"""Rows of pictures: what each number of a code does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.drawing.colours import FAINT
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.panel import difference_bar, panel
from foveal.drawing.text import BODY, LABEL, number, words
from foveal.drawing.thumbnails import fitted, hairlined, over_grey, resized, thumbnail
from foveal.looking.subject import subject_of
from foveal.looking.traversal import Traversal, traversal
from foveal.parameters import Whole, check
from foveal.pictures.sources import gather
from foveal.shapes import written
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.pictures.store import Progress

MOST, MOST_STEPS = 64, 25
"""Rows and steps of a sheet, at most."""
SIDE, WIDE = 96, 1200
"""Longer side of a picture in a row, about, and width of a row at most, in pixels."""
OPAQUE = 99.5
"""Percentile of the differences on a sheet from which on they are drawn opaque."""
MARGINAL = 18 * GRID
LEVEL = 1 / 255
"""Difference of a pixel that one can see, at least."""
CAPTION = (
    "In each row one number of the code moves from low to high while the others stay, and the "
    "network decodes what comes of it; the last picture shows in orange what changed. Where one "
    "number changes one thing, such as a slant, the code has taken the pictures apart; where "
    "each changes a little everywhere, the meaning is spread over many numbers."
)


def draw_traversal(
    model: Any,
    X: Any,
    *,
    count: int = 12,
    steps: int = 9,
    progress: Progress | None = None,
) -> Figure[Traversal]:
    """Draw what becomes of a picture where single numbers of its code move.

    Parameters
    ----------
    model : FittedModel, learner that was fitted, or str
        An autoencoder; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The first picture is decoded; the codes of all, 20 at least, say how far a number moves.
        With fewer it moves as far as the codes of the pictures that taught the model.
    count : int
        Numbers of the code, 64 at most: those that change the picture most.
    steps : int
        Values of each, 2 to 25.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Returns
    -------
    Figure of Traversal
        Its `values.pictures` are the reconstructions, (rows, steps, h, w, c).

    Raises
    ------
    UsageError
        For a network that is no autoencoder, and counts out of range.
    DataError
        Where the first picture cannot be read.
    """
    check({"count": count, "steps": steps}, {"count": Whole(1), "steps": Whole(2)})
    found = traversal(
        subject_of(model),
        gather(X),
        count=min(count, MOST),
        steps=min(steps, MOST_STEPS),
        progress=progress,
    )
    return Figure(
        values=found,
        image=page(
            "What each number of the code does", tuple(_facts(found)), _blocks(found), CAPTION
        ),
        caption=CAPTION,
        columns=("number", "step", "value", "change"),
        rows=tuple(_numbers(found)),
    )


def _facts(found: Traversal) -> Iterator[str]:
    height, width, channels = found.image.shape
    shown, size = len(found.numbers), len(found.code)
    yield f"{found.name}, {written((channels, height, width))}, {counted(size, 'number')} a code"
    yield f"each moves from {found.source}; change: mean squared difference of the ends"
    left = f"; {counted(size - shown, 'number')} left out" if shown < size else ""
    still = f"; {found.still:,} change nothing" if found.still else ""
    yield f"those first that change the picture most{left}{still}"
    if found.largest < LEVEL:
        yield "none changes any pixel by as much as one can see, 1 of 255 levels"


def _blocks(found: Traversal) -> list[Image.Image]:
    height, width = found.image.shape[:2]
    steps = found.steps.shape[1]
    side = max(8, min(SIDE, (WIDE - MARGINAL) // (steps + 1) - GRID))
    size = fitted(height, width, side)
    ends = panel(
        [thumbnail(one, size) for one in (found.image, found.reconstruction)],
        [("the picture",), ("its reconstruction",)],
        least=9 * LABEL,
    )
    limit = float(np.percentile(found.differences, OPAQUE)) or 1.0
    rows = []
    for row, (pictures, apart) in enumerate(zip(found.pictures, found.differences, strict=True)):
        shown = [hairlined(thumbnail(one, size)) for one in pictures]
        where = over_grey(found.reconstruction, apart / limit, 1, max(height, width))
        shown.append(hairlined(resized(where, size)))
        rows.append(abreast([_marginal(found, row, size[1]), *shown], GRID // 2))
    return [ends, stacked(rows), difference_bar(limit, "difference of the ends")]


def _marginal(found: Traversal, row: int, height: int) -> Image.Image:
    low, high = found.steps[row, [0, -1]].tolist()
    said = [
        words(f"number {found.numbers[row]}", BODY),
        words(f"{number(low)} to {number(high)}", LABEL, FAINT),
    ]
    if height >= 3 * BODY:
        said.append(words(f"change {number(found.changes[row])}", LABEL, FAINT))
    return celled(stacked(said, 0), MARGINAL, height, "left")


def _numbers(found: Traversal) -> Iterator[tuple[Any, ...]]:
    for row, (which, values) in enumerate(zip(found.numbers, found.steps.tolist(), strict=True)):
        for step, value in enumerate(values):
            yield which, step, value, float(found.changes[row])
