"""Which pixels of the picture each feature-map pixel sees, one by one. Never imports torch.

The plan gives the law of a layer: size, step and start of its receptive fields (Araujo, Norris and
Sim, Distill, 2019), evenly spaced and without an end. What is given here is what the law leaves
out: that a picture ends, that so do the maps between, and that enlarging layers move unevenly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from foveal.arrays import Rows
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    Conv,
    ConvTranspose,
    DepthToSpace,
    Pool,
    Residual,
    SpaceToDepth,
    Upsample,
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Spans:
    """Rows and columns of the picture that the pixels of a layer's maps see.

    First and one past the last; equal where a pixel sees nothing, such as one that a transposed
    convolution never paints. A layer that gives a vector has one row and one column.
    """

    rows: Rows
    """For each row of the maps, (h, 2)."""
    columns: Rows
    """For each column of the maps, (w, 2)."""


def receptive_spans(plan: Plan) -> dict[str, Spans]:
    """Compute what the feature-map pixels of every layer see.

    A pixel sees what lies in its rows and in its columns. Where a layer's maps are `unknown` it
    is taken to see the whole picture.

    Parameters
    ----------
    plan : Plan
        The network.

    Returns
    -------
    dict
        By the layer's number, in the order of ``plan.walk()``.
    """
    sides = plan.input[1:]
    found: dict[str, Spans] = {}
    _chain(plan.layers, [_each(side) for side in sides], sides, found)
    return found


def _each(side: int) -> Rows:
    """Return the spans of pixels that see themselves."""
    first = np.arange(side)
    return np.stack([first, first + 1], axis=1)


def _chain(
    layers: tuple[PlannedLayer, ...],
    seen: list[Rows],
    sides: tuple[int, ...],
    found: dict[str, Spans],
) -> list[Rows]:
    """Go through layers in a row, and note what each of them sees, down and across."""
    for layer in layers:
        found[layer.number] = Spans(rows=seen[0], columns=seen[1])  # keeps the order of the plan
        branch = _chain(layer.inner, seen, sides, found) if layer.inner else None
        seen = [_after(layer, axis, seen[axis], sides[axis]) for axis in (0, 1)]
        if branch is not None and layer.fields is not None:
            seen = [_joined(*both) for both in zip(branch, seen, strict=True)]
        found[layer.number] = Spans(rows=seen[0], columns=seen[1])
    return seen


def _after(layer: PlannedLayer, axis: int, seen: Rows, side: int) -> Rows:
    """Find what the pixels above a layer see along an axis, from what those below it see."""
    count = layer.out_shape[1 + axis] if len(layer.out_shape) == 3 else 1
    if layer.fields is None:
        all_rows = (np.array([row]) for row in range(len(seen)))
        whole = np.array([[0, side]]) if layer.unknown else _hull(all_rows, seen, 1)
        return np.repeat(whole, count, axis=0)
    taps = taps_of(layer, axis, np.arange(count))
    return seen if taps is None else _hull(taps, seen, count)


def _hull(taps: Iterator[Rows], seen: Rows, count: int) -> Rows:
    """Return the smallest spans that hold those of all taps; empty where they hold nothing."""
    first, end = np.full(count, np.iinfo(np.intp).max), np.zeros(count, np.intp)
    sees = seen[:, 0] < seen[:, 1]
    for rows in taps:
        there = (rows >= 0) & (rows < len(seen))
        there &= sees[rows * there]
        first = np.where(there, np.minimum(first, seen[rows * there, 0]), first)
        end = np.where(there, np.maximum(end, seen[rows * there, 1]), end)
    return np.stack([np.minimum(first, end), end], axis=1)


def _joined(one: Rows, other: Rows) -> Rows:
    """Return the smallest spans that hold both."""
    places = np.arange(len(one))
    return _hull(iter([places, places + len(one)]), np.concatenate([one, other]), len(one))


def taps_of(planned: PlannedLayer, axis: int, rows: Rows) -> Iterator[Rows] | None:
    """Say which rows of a layer's inputs make rows of its outputs.

    Parameters
    ----------
    planned : PlannedLayer
        A layer that keeps maps.
    axis : {0, 1}
        Down or across.
    rows : array of int, (n,)
        Rows of the outputs, or columns.

    Returns
    -------
    iterator of array, (n,), or None
        One row of the inputs for each of them, tap by tap of the kernel; beyond the inputs where
        there is padding, -1 where a tap meets none. None where each row makes its own.
    """
    match planned.layer:
        case Conv() as layer:
            start, step = planned.inferred.pads[axis][0], layer.stride[axis]
            reach, apart = layer.size[axis], layer.dilation[axis]
            return (rows * step - start + apart * tap for tap in range(reach))
        case Pool() as layer:
            start, step = planned.inferred.pads[axis][0], (layer.stride or layer.window)[axis]
            return (rows * step - start + tap for tap in range(layer.window[axis]))
        case ConvTranspose() as layer:
            painted = rows + layer.padding[axis]
            return _painting(painted, layer.size[axis], layer.stride[axis])
        case Upsample(factor, mode):
            return _enlarging(rows, factor[axis], mode, planned.in_shape[1 + axis])
        case SpaceToDepth(block):
            return (rows * block + place for place in range(block))
        case DepthToSpace(block):
            return iter([rows // block])
        case Residual():
            return iter([rows * planned.inferred.stride[axis]])
    return None


def _painting(painted: Rows, window: int, stride: int) -> Iterator[Rows]:
    """Give, for each row of a kernel, the row that paints with it: row r begins at r * stride."""
    for tap in range(window):
        there = (painted >= tap) & ((painted - tap) % stride == 0)
        yield np.where(there, (painted - tap) // stride, -1)


def _enlarging(rows: Rows, factor: int, mode: str, size: int) -> Iterator[Rows]:
    if mode == "nearest":
        yield rows // factor
        return
    twice = np.maximum(2 * rows + 1 - factor, 0)  # centres below, in halves of a row above
    lower = twice // (2 * factor)
    yield lower
    yield np.where(twice % (2 * factor) > 0, np.minimum(lower + 1, size - 1), -1)
