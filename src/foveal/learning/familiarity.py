"""What a classifier keeps of its training pictures, to tell others that are unlike them.

Axes: n picture.
"""

from __future__ import annotations

import numpy as np

from foveal.arrays import Rows
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.model.appearance import appearance
from foveal.model.familiar import (
    MOST_SETTING,
    Familiar,
    View,
    Views,
    drawn_evenly,
    familiarised,
    room,
    sizes_of,
)
from foveal.model.fitted import FittedModel
from foveal.nets.build import part
from foveal.randomness import generator
from foveal.targets.labelled import Labelled
from foveal.training.steps import judged_at_once, logits_of

Data = TrainingData[Labelled]


def familiar(
    model: FittedModel,
    data: Data,
    taught: Rows,
    held_out: Rows,
    context: FitContext,
) -> Familiar | None:
    """Choose what a model keeps of the pictures that taught it.

    Where those taught the features that are compared, pictures that did not set the threshold;
    without any, pixels alone are compared. Features that were there before treat pictures that
    taught the head as any other, so that these set it themselves.

    Parameters
    ----------
    model : FittedModel
        The model, as it will be.
    data : TrainingData
        Its pictures.
    taught, held_out : array of int
        Rows that taught it, and rows that only chose its weights or judged it.
    context : FitContext
        Seed and device.
    """
    sizes = sizes_of(model.plan, data.recipe)
    untaught = "features" in sizes and not model.taught_features
    held = held_out if len(held_out) else taught
    if not untaught and not len(held_out):
        sizes.pop("features", None)
    if not sizes:
        return None
    seed = context.seed
    first = np.unique(data.store.hashes[taught], return_index=True)[1]
    kept = taught[np.sort(first)]
    kept = kept[drawn_evenly(data.target.strata(data.values[kept]), room(sizes), seed)]
    setting = np.sort(np.concatenate([taught, held_out])) if untaught else held
    if len(setting) > MOST_SETTING:
        order = generator(seed, "threshold").permutation(len(setting))[:MOST_SETTING]
        setting = setting[np.sort(order)]
    return familiarised(
        *(_views(model, data, kept, sizes), data.units[kept]),
        *(_views(model, data, setting, sizes), data.units[setting]),
    )


def _views(model: FittedModel, data: Data, rows: Rows, sizes: dict[View, int]) -> Views:
    """Look at rows in each of the views, (n, d) each."""
    size = judged_at_once(model.device.name)
    found: dict[View, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    if "features" in sizes:
        begin = model.plan.fixed if data.store.images is None else 0
        front = part(model.network, model.plan, begin, len(model.plan.layers) - 1)
        values = logits_of(front, data.inputs(rows, size, model.device.name))
        found["features"] = values.float().reshape(len(rows), -1).numpy()
    if "pixels" in sizes:
        for at in range(0, len(rows), size):
            some = rows[at : at + size]
            pixels, statistics = appearance(data.images[some], data.scaling)
            if not at:  # all at once: small arrays would lie in the holes of large ones
                found["pixels"] = np.empty((len(rows), pixels.shape[1]), pixels.dtype)
                found["statistics"] = np.empty((len(rows), statistics.shape[1]), statistics.dtype)
            found["pixels"][at : at + size] = pixels
            found["statistics"][at : at + size] = statistics
    return found
