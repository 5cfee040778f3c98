"""A small network and how to train it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import nn

from foveal.device import Device
from foveal.nets.build import build
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import TrainingBatches
from foveal.pictures.scaling import of_bytes
from foveal.progress.events import StepEnded
from foveal.recipe import PictureRecipe
from foveal.training import config as configs
from foveal.training.loop import start, train
from foveal.training.steps import classification


def small_network() -> nn.Sequential:
    return build("1x4x4 | conv 2 3x3 | flatten | dense 2", seed=0)


def small_config() -> configs.TrainingConfig:
    return configs.default("sgd", 4, steps=10, seed=0)


CPU = Device(name="cpu", threads=1)
NET = "1x8x8 | conv 4 3x3 same relu | batchnorm | flatten | dropout 0.5 | dense 3"


def batches(seed: int = 0, count: int = 30) -> TrainingBatches:
    generator = np.random.default_rng(0)
    return TrainingBatches(
        images=generator.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8),
        values=generator.integers(0, 3, count),
        rows=np.arange(count),
        scaling=of_bytes(PictureRecipe(height=8, width=8, channels=1)),
        batch_size=8,
        augmentation=Augmentation(level="light"),
        seed=seed,
        device="cpu",
    )


def fresh(config: configs.TrainingConfig):
    return start(build(NET, seed=config.seed), config)


def config(**changes) -> configs.TrainingConfig:
    return replace(configs.default("sgd", 8, steps=17, seed=3), ema=0.9, **changes)


def never(network) -> None:
    return None


def run(state, steps_config, *, until: int | None = None, judge=never, budget=None):
    events, loss_of = [], classification(0.1, None)
    for event in train(state, batches(), loss_of, judge, steps_config, CPU, budget):
        events.append(event)
        if until is not None and isinstance(event, StepEnded) and event.step == until:
            break
    return events
