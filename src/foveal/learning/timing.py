"""How long a planned network takes to train here, measured on random pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal import device as devices
from foveal.errors import NetworkError
from foveal.model.fitted import placed
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import TrainingBatches
from foveal.pictures.scaling import of_bytes
from foveal.recipe import PictureRecipe
from foveal.shapes import written
from foveal.training import config as configs
from foveal.training.pace import measure_pace
from foveal.training.steps import classification

ROUNDS = 2
"""Batches of random pictures held in memory."""


def measure_plan(
    plan: Plan, *, pictures: int, batch_size: int, device: str = "auto", threads: int | None = None
) -> dict[str, Any]:
    """Time real training steps of a network.

    Parameters
    ----------
    plan : Plan
        A classifier: its output is one number a class.
    pictures : int
        Training pictures of the epoch that is told.
    batch_size : int
        Pictures a step.

    Returns
    -------
    dict
        seconds_a_step, seconds_an_epoch, pictures_a_second, device, threads.
    """
    if len(plan.output) != 1:
        raise NetworkError(
            "the network to be measured",
            needed="a network that ends with one number a class",
            came=written(plan.output),
            remedy="end it with 'flatten | dense 10'",
        )
    channels, height, width = plan.input
    chosen = devices.choose(device, threads)
    generator = np.random.default_rng(0)
    count = ROUNDS * batch_size
    batches = TrainingBatches(
        images=generator.integers(0, 256, (count, height, width, channels), dtype=np.uint8),
        values=generator.integers(0, plan.output[0], count),
        rows=np.arange(count),
        scaling=of_bytes(PictureRecipe(height=height, width=width, channels=channels)),
        batch_size=batch_size,
        augmentation=Augmentation(),
        seed=0,
        device=chosen.name,
    )
    config = configs.default("sgd", batch_size, steps=1, seed=0)
    with chosen.at_work():
        network = placed(build(plan, seed=0), chosen)
        pace = measure_pace(network, batches, classification(0.0, None), config, chosen)
    return {
        "seconds_a_step": pace.step,
        "seconds_an_epoch": pace.step * pictures / batch_size,
        "pictures_a_second": batch_size / pace.step,
        "device": chosen.name,
        "threads": chosen.threads,
    }
