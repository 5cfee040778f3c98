"""Where there is something to see in a picture: contrast, and even bars at its edges.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter

from foveal.arrays import Array
from foveal.looking.centres import centres
from foveal.nets.planned import PlannedLayer

SMOOTH = 32
"""How many times finer a picture is than the place that is looked for in it."""
ENOUGH = 0.5
"""Share of the greatest contrast that is worth a look."""


def content(pictures_nchw: Array) -> Array:
    """Find what lies between even bars at the edges, as a letterbox has them.

    Returns
    -------
    array, (n, 4)
        First row and one past the last, first column and one past the last; the whole picture
        where all of it is even.
    """
    found = []
    for axis in (3, 2):
        first = pictures_nchw.take([0], axis=axis)
        varied = (pictures_nchw != first).any(axis=(1, axis))
        length = varied.shape[1]
        some = varied.any(axis=1)
        found += [
            np.where(some, varied.argmax(axis=1), 0),
            np.where(some, length - varied[:, ::-1].argmax(axis=1), length),
        ]
    return np.stack(found, axis=1)


def contrast(picture_chw: Array, across: float = math.inf) -> Array:
    """Measure how much a picture varies around each pixel, (h, w); 0 in even bars at edges.

    Parameters
    ----------
    picture_chw : array
        The picture.
    across : float
        Pixels of the place that is looked at, about, where it is smaller than a sixteenth of the
        picture.
    """
    width = min(max(picture_chw.shape[1:]) / SMOOTH, across / 2)
    top, bottom, left, right = content(picture_chw[None])[0].tolist()
    crop, axes = picture_chw[:, top:bottom, left:right], (0, width, width)
    spread = gaussian_filter(crop**2, axes) - gaussian_filter(crop, axes) ** 2
    found: Array = np.zeros(picture_chw.shape[1:])
    found[top:bottom, left:right] = np.sqrt(np.maximum(spread, 0)).mean(axis=0)
    return found


def in_content(layer: PlannedLayer, bounds_n4: Array, sides: tuple[int, ...]) -> Array:
    """Find the pixels of a layer's maps whose middle lies between even bars at the edges.

    Parameters
    ----------
    layer : PlannedLayer
        The layer.
    bounds_n4 : array
        What lies between the bars of each picture; see `content`.
    sides : (height, width)
        Of the pictures.

    Returns
    -------
    array, (n, h, w)
        Bool; of a picture where that is none, all.
    """
    down, across = centres(layer, sides)
    rows = (down >= bounds_n4[:, :1]) & (down < bounds_n4[:, 1:2])
    columns = (across >= bounds_n4[:, 2:3]) & (across < bounds_n4[:, 3:])
    found: Array = rows[:, :, None] & columns[:, None, :]
    found[~found.any(axis=(1, 2))] = True
    return found


def worth_seeing(layer: PlannedLayer, picture_chw: Array) -> Array:
    """Find the pixels of a layer's maps that see contrast, and neither padding nor even bars.

    Returns
    -------
    array, (h, w)
        Bool; all where no pixel sees so.
    """
    sides, bounds_n4 = picture_chw.shape[1:], content(picture_chw[None])
    allowed = in_content(layer, bounds_n4, sides)[0]
    if layer.fields is not None:
        rows, columns = (
            (starts >= first) & (starts + float(field.size) <= last)
            for field, starts, (first, last) in zip(
                layer.fields, _starts(layer), bounds_n4.reshape(2, 2).tolist(), strict=True
            )
        )
        inner = rows[:, None] & columns
        allowed = inner if inner.any() else allowed
    lines = (
        np.clip(np.rint(middle).astype(int), 0, side - 1)
        for middle, side in zip(centres(layer, sides), sides, strict=True)
    )
    across = max((float(one.size) for one in layer.fields or ()), default=math.inf)
    seen = contrast(picture_chw, across)[np.ix_(*lines)]
    found: Array = allowed & (seen >= ENOUGH * seen[allowed].max())
    return found


def _starts(layer: PlannedLayer) -> list[Array]:
    """Return where what each row of a layer's maps sees begins, and so for columns."""
    assert layer.fields is not None
    return [
        float(field.start) + float(field.step) * np.arange(count)
        for field, count in zip(layer.fields, layer.out_shape[1:], strict=True)
    ]
