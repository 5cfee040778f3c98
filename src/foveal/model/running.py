"""Running a trained network over pictures: in order, in bounded memory, by the fastest engine.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from foveal.backbones.cut import Cut
from foveal.backbones.passes import Eager, Extraction, Runner, is_unit, runner, scaling_of
from foveal.device import Device
from foveal.pictures.catalogue import Array, Pictures, check_fits
from foveal.pictures.stream import prepared
from foveal.recipe import PictureRecipe

Outputs = tuple[int, np.ndarray[Any, np.dtype[np.float64]], list[str]]
"""Row of the first picture, outputs (NaN where there is no picture), reasons."""


def outputs(
    cut: Cut, recipe: PictureRecipe, device: Device, pictures: Pictures
) -> Iterator[Outputs]:
    """Run pictures through a network in evaluation mode.

    Parameters
    ----------
    cut : Cut
        The network, on its device.
    recipe : PictureRecipe
        How pictures become its input.
    device : Device
        Where to compute.
    pictures : Pictures
        Files or an array.
    """
    engine = _engine(cut, scaling_of(pictures, recipe), device, pictures)
    waiting: deque[tuple[int, list[str]]] = deque()

    def feed() -> Iterator[Array]:
        for start, images, reasons in batches(pictures, recipe, device.threads, engine.batch):
            waiting.append((start, reasons))
            yield images

    with device.at_work():
        for found in engine.run(feed()):
            start, reasons = waiting.popleft()
            values = np.array(found, dtype=np.float64)
            values[[bool(reason) for reason in reasons]] = np.nan
            yield start, values, reasons


def _engine(cut: Cut, recipe: PictureRecipe, device: Device, pictures: Pictures) -> Runner:
    unit = recipe.adapts and is_unit(pictures)
    extraction = Extraction(cut=cut, recipe=recipe, threads=device.threads, device=device.name)
    if pictures.array is not None and not recipe.adapts:
        return Eager(extraction, unit)  # arrays of a network of their own size have any dtype
    return runner(extraction, len(pictures), unit=unit)


def batches(
    pictures: Pictures, recipe: PictureRecipe, threads: int, size: int
) -> Iterator[tuple[int, Array, list[str]]]:
    """Prepare pictures in batches: first row, pictures, reasons; black where there is none."""
    if pictures.array is not None and not recipe.adapts:
        array = check_fits(pictures.array, recipe)
        for start in range(0, len(array), size):
            part = array[start : start + size]
            yield start, part, [""] * len(part)
        return
    shape = (recipe.height, recipe.width, recipe.channels)
    dtype = np.float32 if is_unit(pictures) else np.uint8
    images: list[Array] = []
    reasons: list[str] = []
    for row, picture in enumerate(prepared(pictures, recipe, range(len(pictures)), threads)):
        unreadable = isinstance(picture, str)
        images.append(np.zeros(shape, dtype) if isinstance(picture, str) else picture)
        reasons.append(str(picture) if unreadable else "")
        if len(images) == size or row + 1 == len(pictures):
            yield row + 1 - len(images), np.stack(images), reasons
            images, reasons = [], []
