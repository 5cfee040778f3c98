"""Optimizers and the moving average of the weights."""

from __future__ import annotations

import torch
from torch import nn

from foveal.training.config import TrainingConfig


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Make the optimizer of a run; vectors (biases, normalisation) are not decayed."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = config.learning_rate
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=(config.momentum, 0.999), fused=True)
    nesterov = config.momentum > 0
    return torch.optim.SGD(groups, lr=rate, momentum=config.momentum, nesterov=nesterov, fused=True)


def update_average(averaged: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move an averaged copy of a network towards the network.

    The decay grows from 0.1 to its full value over the first steps, so that the average soon
    forgets where training began.
    """
    share = 1 - min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        old = [*averaged.parameters(), *_float_buffers(averaged)]
        new = [*network.parameters(), *_float_buffers(network)]
        torch._foreach_lerp_(old, new, share)


def _float_buffers(network: nn.Module) -> list[torch.Tensor]:
    return [buffer for buffer in network.buffers() if buffer.is_floating_point()]
