"""The colours of all figures, each with its one meaning, and those of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

WHITE: Colour = (255, 255, 255)
INK: Colour = (32, 33, 36)
FAINT: Colour = (95, 99, 104)
"""Text of less weight; contrast on white 6.0, where WCAG AA asks for 4.5."""
PALE: Colour = (218, 220, 224)
"""Frames that mean nothing, and hairlines."""
ORANGE: Colour = (230, 97, 0)
"""The one hue of differences; of what has a sign that of what is above zero."""
BLUE: Colour = (30, 104, 190)
"""The hue of what is below zero."""
CLASSES: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
    (0, 0, 0),
    (136, 34, 85),
    (153, 153, 153),
)
"""Colours of classes: the eight of Okabe and Ito (2008), then Tol's wine, then grey."""


def class_colours(labels: Sequence[Any], classes: Sequence[Any] = ()) -> dict[str, Colour]:
    """Return a colour for each class, by its place among the classes.

    Parameters
    ----------
    labels : sequence
        Classes that are to be drawn; None stands for no class.
    classes : sequence, optional
        All classes of the model, or of the folder that `labels` is a part of, in order: a class
        then has the same colour in every figure, whichever others stand beside it. Classes of
        `labels` that are not among them come after them, by name or number.

    Returns
    -------
    dict
        From the text of each class of `labels` to its colour, by its place; empty where one of
        them stands beyond the tenth place, since no more colours can be told apart.

    Examples
    --------
    >>> class_colours(["dog"], ["cat", "dog"]) == {"dog": CLASSES[1]}
    True
    """
    known = {one for one in labels if one is not None}
    numeric = all(isinstance(one, int | float | np.number) for one in known)
    names = [str(one) for one in (sorted(known) if numeric else sorted(known, key=str))]
    order = dict.fromkeys([*map(str, classes), *names])
    places = {name: place for place, name in enumerate(order) if name in set(names)}
    if max(places.values(), default=0) >= len(CLASSES):
        return {}
    return {name: CLASSES[place] for name, place in places.items()}
