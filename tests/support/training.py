"""A small network and how to train it."""

from __future__ import annotations

from torch import nn

from foveal.nets.build import build
from foveal.training import config as configs


def small_network() -> nn.Sequential:
    return build("1x4x4 | conv 2 3x3 | flatten | dense 2", seed=0)


def small_config() -> configs.TrainingConfig:
    return configs.default("sgd", 4, steps=10, seed=0)
