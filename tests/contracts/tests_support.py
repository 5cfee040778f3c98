"""Small things that several tests build."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from foveal.model.card import Provenance
from foveal.model.fitted import FittedModel
from foveal.nets.build import build
from foveal.nets.notation import read
from foveal.nets.plan import plan_network
from foveal.recipe import PictureRecipe
from foveal.training import config as configs

SMALL_NET = (
    "conv 16 3x3 same | batchnorm | relu | conv 32 3x3 same relu | maxpool 4 | flatten | dense"
)


def small_network() -> nn.Sequential:
    return build("1x4x4 | conv 2 3x3 | flatten | dense 2", seed=0)


def small_config() -> configs.TrainingConfig:
    return configs.default("sgd", 4, steps=10, seed=0)


def small_model(net: str = SMALL_NET, channels: int = 1, side: int = 8) -> FittedModel:
    """Make a fitted model of a small network with random kernels, without any training."""
    plan = plan_network(read(f"{channels}x{side}x{side} | {net}"), None, 3)
    nothing = np.empty(0, dtype=np.int64)
    return FittedModel(
        plan=plan,
        network=build(plan, seed=0).eval(),
        recipe=PictureRecipe(height=side, width=side, channels=channels),
        classes=np.array(["a", "b", "c"]),
        temperature=1.0,
        provenance=Provenance(
            foveal="0",
            torch="0",
            augmentation="none",
            flip=False,
            class_counts=[1, 1, 1],
            validation_pictures=0,
            validation_right=None,
            best_epoch=0,
            snapshot_steps=[],
        ),
        trained_on=nothing,
        chosen_on=nothing,
        snapshots=torch.empty(0),
    )
