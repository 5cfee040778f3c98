"""From one picture to another, along the straight line between their codes.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError, UsageError
from foveal.looking.selection import seen
from foveal.looking.traversal import code_of
from foveal.pictures.sources import gather
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Interpolation:
    """Two pictures, and what an autoencoder makes of the codes between theirs."""

    names: tuple[str, str]
    """The two pictures."""
    ends: Array
    """The two pictures as the network sees them, (2, h, w, c), black = 0 and white = 1."""
    pictures: Array
    """Reconstructions, evenly spaced from one to the other, (steps, h, w, c)."""

    @property
    def changes(self) -> Array:
        """Mean squared difference of each from the one before it, both ends included.

        (steps + 1,): from the first picture to its reconstruction, ..., to the second picture.
        """
        way = np.concatenate([self.ends[:1], self.pictures, self.ends[1:]]).astype(np.float64)
        found: Array = np.square(np.diff(way, axis=0)).mean(axis=(1, 2, 3))
        return found


def interpolated(model: FittedModel, first: Any, second: Any, steps: int = 9) -> Interpolation:
    """Decode what lies between two pictures: evenly spaced on the straight line of their codes.

    Parameters
    ----------
    model : FittedModel
        An autoencoder.
    first, second : path, or array of one picture
        The ends; arrays (1, h, w) or (1, h, w, c).
    steps : int
        Reconstructions in all, those of both ends included.

    Raises
    ------
    UsageError
        For fewer than 2 steps, and for a network that gives no numbers.
    DataError
        For anything but one picture at each end that can be read.
    """
    if steps < 2:
        raise UsageError(
            "steps", needed="at least 2, the ends", came=str(steps), remedy="write 9, or more"
        )
    ends = [_one(gather(one)) for one in (first, second)]
    start, end = (code_of(model, one)[None] for one in ends)
    shares = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return Interpolation(
        names=(str(ends[0].names[0]), str(ends[1].names[0])),
        ends=np.concatenate([seen(model, one) for one in ends]),
        pictures=model.decode((1 - shares) * start + shares * end),
    )


def _one(found: Pictures) -> Pictures:
    """Check that an end is one picture."""
    if len(found) != 1:
        raise DataError(
            "the ends",
            needed="one picture each",
            came=counted(len(found), "picture"),
            remedy="name one file for each end, or give an array (1, h, w) or (1, h, w, c)",
        )
    return found
