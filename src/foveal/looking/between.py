"""From one picture to another, along the straight line between their codes.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.errors import DataError, UsageError
from foveal.looking.chosen import seen
from foveal.looking.drawing import (
    FAINT,
    GRID,
    INK,
    LABEL,
    WIDEST,
    Colour,
    Floats,
    abreast,
    celled,
    counted,
    drawn,
    number,
    page,
    shortened,
    stacked,
    words,
)
from foveal.looking.figure import Figure
from foveal.model.codec import coding
from foveal.pictures.sources import gather
from foveal.shapes import written

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

CAPTION = (
    "At the ends are two pictures, and between them what the network makes of codes on the "
    "straight line from one to the other. Where all of them look like pictures of this kind, "
    "near codes stand for like pictures, and one may search and group by them."
)


def between(model: FittedModel, first: Any, second: Any, steps: int = 9) -> Floats:
    """Decode what lies between two pictures: evenly spaced on the straight line of their codes.

    Parameters
    ----------
    model : FittedModel
        An autoencoder.
    first, second : path, or array of one picture
        The ends; arrays (1, h, w) or (1, h, w, c).
    steps : int
        Pictures in all, the reconstructions of both ends included.

    Returns
    -------
    array
        (steps, h, w, c), black = 0 and white = 1.

    Raises
    ------
    UsageError
        For fewer than 2 steps.
    DataError
        For anything but one picture at each end that can be read.
    """
    if steps < 2:
        raise UsageError(
            "steps", needed="at least 2, the ends", came=str(steps), remedy="write 9, or more"
        )
    start, end = (_code_of(model, one) for one in (first, second))
    shares = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return model.decode((1 - shares) * start + shares * end)


def interpolation(model: FittedModel, first: Any, second: Any, steps: int = 9) -> Figure:
    """Draw two pictures and what lies `between` them, with the same parameters."""
    made = between(model, first, second, steps)
    names = [str(gather(one).names[0]) for one in (first, second)]
    ends = [seen(model, gather(one)) for one in (first, second)]
    shares = [f"{100 * share:.3g} %" for share in np.linspace(0, 1, steps)]
    return strip(
        np.concatenate([ends[0], made, ends[1]]),
        [names[0], *shares, names[1]],
        heading="From one picture to another",
        caption=CAPTION,
    )


def strip(pictures: Floats, titles: Sequence[str], *, heading: str, caption: str) -> Figure:
    """Draw pictures (n, h, w, c) in a row, each with its title and its change from the last.

    Parameters
    ----------
    heading, caption : str
        What stands above and below.
    """
    if len(pictures) != len(titles) or not len(titles):
        raise UsageError(
            "titles",
            needed="at least 1, and one for each picture",
            came=f"{len(titles)} for {len(pictures)} pictures",
            remedy="give as many titles as pictures",
        )
    steps = np.square(np.diff(pictures.astype(np.float64), axis=0)).mean(axis=(1, 2, 3)).tolist()
    changes = [None, *steps]
    images = [drawn(picture) for picture in pictures]
    width = max(max(image.width for image in images), 6 * LABEL)
    height = max(image.height for image in images)
    cells = [
        stacked(
            [
                celled(image, width, height),
                _label(title, width, INK),
                _label("" if change is None else number(change), width, FAINT),
            ],
            GRID // 2,
        )
        for image, title, change in zip(images, titles, changes, strict=True)
    ]
    across = max(1, (WIDEST + GRID) // (width + GRID))
    blocks = [abreast(cells[start : start + across]) for start in range(0, len(cells), across)]
    count, high, wide, channels = pictures.shape
    facts = (
        f"{counted(count, 'picture')} of {written((channels, high, wide))}",
        "beneath each its mean squared difference from the one before",
    )
    return Figure(
        image=page(heading, facts, [stacked(blocks, 2 * GRID)], caption),
        caption=caption,
        columns=("title", "change"),
        rows=tuple(zip(titles, changes, strict=True)),
    )


def _label(text: str, width: int, ink: Colour) -> Image.Image:
    return celled(words(shortened(text, width), LABEL, ink), width, 1)


def _code_of(model: FittedModel, picture: Any) -> Floats:
    found = gather(picture)
    if len(found) != 1:
        raise DataError(
            "the ends",
            needed="one picture each",
            came=counted(len(found), "picture"),
            remedy="name one file for each end, or give an array (1, h, w) or (1, h, w, c)",
        )
    (codes,) = coding(model, found)
    if codes.reasons[0]:
        raise DataError(
            str(found.names[0])[:200],
            needed="a picture that can be read",
            came=codes.reasons[0],
            remedy="name another",
        )
    return codes.values
