"""A strip from one picture to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.drawing.figure import Figure
from foveal.drawing.layout import page
from foveal.drawing.panel import panel
from foveal.drawing.text import number
from foveal.drawing.thumbnails import drawn
from foveal.looking.interpolation import Interpolation, interpolated
from foveal.shapes import written
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

CAPTION = (
    "At the ends are two pictures, and between them what the network makes of codes on the "
    "straight line from one to the other. Where all of them look like pictures of this kind, "
    "near codes stand for like pictures, and one may search and group by them."
)


def interpolate(
    model: FittedModel, first: Any, second: Any, steps: int = 9
) -> Figure[Interpolation]:
    """Decode and draw what lies between two pictures, on the straight line of their codes.

    Parameters
    ----------
    model : FittedModel
        An autoencoder.
    first, second : path, or array of one picture
        The ends; arrays (1, h, w) or (1, h, w, c).
    steps : int
        Reconstructions in all, those of both ends included.

    Returns
    -------
    Figure of Interpolation
        Its `values.pictures` are the reconstructions, (steps, h, w, c); `save` writes the strip.

    Raises
    ------
    UsageError
        For fewer than 2 steps, and a model that is no autoencoder.
    DataError
        For anything but one picture at each end that can be read.
    """
    return draw_interpolation(interpolated(model, first, second, steps))


def draw_interpolation(found: Interpolation) -> Figure[Interpolation]:
    """Draw a strip: both pictures at its ends, each step with its change from the last."""
    steps = len(found.pictures)
    shares = [f"{100 * share:.3g} %" for share in np.linspace(0, 1, steps)]
    titles = [found.names[0], *shares, found.names[1]]
    changes = [None, *found.changes.tolist()]
    pictures = [found.ends[0], *found.pictures, found.ends[1]]
    captions = [
        (title, "" if change is None else number(change))
        for title, change in zip(titles, changes, strict=True)
    ]
    high, wide, channels = found.ends.shape[1:]
    facts = (
        f"{counted(len(pictures), 'picture')} of {written((channels, high, wide))}",
        "beneath each its mean squared difference from the one before",
    )
    strip = panel([drawn(picture) for picture in pictures], captions)
    return Figure(
        values=found,
        image=page("From one picture to another", facts, [strip], CAPTION),
        caption=CAPTION,
        columns=("title", "change"),
        rows=tuple(zip(titles, changes, strict=True)),
    )
