"""What kernels like: the pictures that excite each kernel of a layer most, and where in them.

All pictures are gone through once, for all kernels of the layers asked for, in bounded memory.
Axes: k kernel, p place of the best, c channel, h height, w width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foveal.arrays import Array
from foveal.looking.centres import centres
from foveal.looking.fields import law_of
from foveal.looking.leaders import Leaders, led
from foveal.looking.levels import LEVELS, levels, sees, title_of
from foveal.looking.subject import AT_ONCE, NothingToSee, Subject
from foveal.nets.planned import PlannedLayer
from foveal.nets.tracing import planned_layer
from foveal.pictures.collection import Pictures

if TYPE_CHECKING:
    from foveal.pictures.store import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Favourite:
    """A patch that excites a kernel."""

    name: str
    """The picture it was cut out of."""
    value: float
    """What the kernel answers there."""
    pixel: tuple[int, int]
    """Row and column in the kernel's map."""
    box: tuple[int, int, int, int]
    """Top, bottom, left and right of the patch in the picture: below 0 or beyond it in padding."""
    mark: tuple[float, float]
    """Row and column, in the patch, of the middle of what the pixel stands for."""
    patch: Array
    """(h, w, c), black = 0 and white = 1; NaN beyond the picture."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Favourites:
    """What some kernels of one layer like, out of all pictures."""

    number: str
    """The layer, as the plan numbers it."""
    title: str
    """What it is."""
    level: str
    """Whether its features are low-, mid- or high-level among those shown; empty for one layer."""
    shape: tuple[int, ...]
    """Of its outputs."""
    sees: str
    """How much of the picture one of its numbers sees."""
    whole: bool
    """Whether patches are whole pictures: the field is that large, or unknown."""
    kernels: tuple[int, ...]
    """Kernels shown, those that tell pictures apart most first."""
    patches: tuple[tuple[Favourite, ...], ...]
    """The best of each kernel shown, the best first."""
    values: Array
    """What each kernel of the layer answers its best pictures, (k, p), best first; NaN for none."""
    rows: Array
    """Which pictures these are, (k, p); -1 for none."""
    silent: int
    """Kernels of the layer that answer all pictures alike."""
    pictures: int
    """Pictures gone through."""
    unreadable: int
    """Pictures that could not be read, left out."""


def favourites(
    subject: Subject,
    pictures: Pictures,
    *,
    layer: str | int | None = None,
    count: int = 6,
    progress: Progress | None = None,
) -> list[Favourites]:
    """Find the nine pictures that excite each kernel most, and the patches that do.

    Of a picture a kernel has one patch at most. Kernels answer after a normalisation that follows
    them and before an activation function that is a layer of its own, which may hold many answers
    at one limit.

    Parameters
    ----------
    subject : Subject
        The network.
    pictures : Pictures
        All of them are gone through once; those that cannot be read are left out.
    layer : int or str, optional
        One layer; where left out, up to three from the first to the last (`levels`).
    count : int
        Kernels of a layer whose patches are cut out: those whose best pictures stand out most from
        all others, in standard deviations of its answers.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Returns
    -------
    list of Favourites
        One a layer, in order.

    Raises
    ------
    NothingToSee
        For a network without convolutions, and one that gives no numbers.
    UsageError
        For a layer that there is not.
    DataError
        Where no picture can be read.
    """
    plan = subject.plan
    layers = levels(plan) if layer is None else [planned_layer(plan, layer)]
    if not layers:
        raise NothingToSee(
            "the look",
            needed="a network with kernels whose maps are larger than one pixel",
            came=subject.name,
            remedy="name a layer (`layer`): its numbers are looked at in the same way",
        )
    leaders, unreadable = led(subject, pictures, layers, progress)
    chosen = {number: one.chosen(count) for number, one in leaders.items()}
    patches = _cut_out(subject, pictures, layers, leaders, chosen)
    names = {1: ("",), 2: (LEVELS[0], LEVELS[2])}.get(len(layers), LEVELS)
    return [
        Favourites(
            number=one.number,
            title=title_of(one),
            level=name,
            shape=one.out_shape,
            sees=sees(one),
            whole=_window(one, subject.plan.input[1:], 0, 0) is None,
            kernels=tuple(chosen[one.number]),
            patches=tuple(tuple(patches[one.number, kernel]) for kernel in chosen[one.number]),
            values=np.where(leaders[one.number].known, leaders[one.number].values, np.nan),
            rows=np.where(leaders[one.number].known, leaders[one.number].rows, -1),
            silent=leaders[one.number].silent,
            pictures=len(pictures) - unreadable,
            unreadable=unreadable,
        )
        for one, name in zip(layers, names, strict=True)
    ]


def _cut_out(
    subject: Subject,
    pictures: Pictures,
    layers: Sequence[PlannedLayer],
    leaders: dict[str, Leaders],
    chosen: dict[str, list[int]],
) -> dict[tuple[str, int], list[Favourite]]:
    """Cut the patches of the chosen kernels out of their pictures, a few pictures at a time."""
    wanted: dict[int, list[tuple[PlannedLayer, int, int]]] = {}
    found: dict[tuple[str, int], dict[int, Favourite]] = {}
    for layer in layers:
        led = leaders[layer.number]
        for kernel in chosen[layer.number]:
            found[layer.number, kernel] = {}
            for place in np.flatnonzero(led.known[kernel]).tolist():
                row = int(led.rows[kernel, place])
                wanted.setdefault(row, []).append((layer, kernel, place))
    rows = sorted(wanted)
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        seen = subject.seen(pictures.take(some))
        for row, name, image in zip(some, seen.names, seen.images, strict=True):
            for layer, kernel, place in wanted[row]:
                led = leaders[layer.number]
                flat, value = int(led.places[kernel, place]), float(led.values[kernel, place])
                found[layer.number, kernel][place] = _favourite(layer, name, image, flat, value)
    return {key: [ones[place] for place in sorted(ones)] for key, ones in found.items()}


def _favourite(layer: PlannedLayer, name: str, image: Array, flat: int, value: float) -> Favourite:
    sides = image.shape[:2]
    columns = layer.out_shape[2] if len(layer.out_shape) == 3 else 1
    row, column = divmod(flat, columns)
    window = _window(layer, sides, row, column)
    top, bottom, left, right = window or (0, sides[0], 0, sides[1])
    if len(layer.out_shape) == 3:
        down, across = centres(layer, sides)
        middle = float(down[row]), float(across[column])
    else:
        middle = (sides[0] - 1) / 2, (sides[1] - 1) / 2
    return Favourite(
        name=name,
        value=value,
        pixel=(row, column),
        box=(top, bottom, left, right),
        mark=(middle[0] - top, middle[1] - left),
        patch=_patch(image, top, bottom, left, right),
    )


def _window(
    layer: PlannedLayer, sides: tuple[int, ...], row: int, column: int
) -> tuple[int, int, int, int] | None:
    """Return what a pixel sees, padding included; None where that is as large as the picture."""
    law = law_of(layer, row, column)
    if law is None:
        return None
    top, bottom, left, right = law
    if bottom - top >= sides[0] or right - left >= sides[1]:
        return None
    return math.floor(top), math.ceil(bottom), math.floor(left), math.ceil(right)


def _patch(image: Array, top: int, bottom: int, left: int, right: int) -> Array:
    """Cut a patch out of a picture; NaN beyond its edges."""
    height, width, channels = image.shape
    found = np.full((bottom - top, right - left, channels), np.nan, np.float32)
    inner = image[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    down, across = max(-top, 0), max(-left, 0)
    found[down : down + inner.shape[0], across : across + inner.shape[1]] = inner
    return found
