"""Where on the picture the pixels of a layer's maps lie: in the middle of what each sees."""

from __future__ import annotations

import numpy as np

from foveal.arrays import Array
from foveal.nets.planned import PlannedLayer
from foveal.shapes import ReceptiveField


def centres(layer: PlannedLayer, sides: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the row of the picture in the middle of each row of the maps, and so for columns.

    Parameters
    ----------
    layer : PlannedLayer
        A layer that gives maps.
    sides : tuple of int
        Height and width of the picture.

    Returns
    -------
    tuple of array
        In pixels from the middle of the first one; where nobody knows what the layer sees, the
        maps are spread evenly over the picture.
    """
    fields = layer.fields or (None, None)
    down, across = (
        _along(field, count, side)
        for field, count, side in zip(fields, layer.out_shape[1:], sides, strict=True)
    )
    return down, across


def _along(field: ReceptiveField | None, count: int, side: int) -> Array:
    steps = np.arange(count)
    if field is None:
        return np.asarray((steps + 0.5) * side / count - 0.5)
    return np.asarray(float(field.start + (field.size - 1) / 2) + steps * float(field.step))
