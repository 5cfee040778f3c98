"""Optimizers and the moving average of the weights.

Written out here rather than taken from ``torch.optim``: the first optimizer made there imports
torch's compiler, which takes longer than the first epoch of a small network; and a state that
is a plain dictionary of tensors can be saved and restored bit by bit. The tests hold each step
against torch's own.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from foveal.training.config import TrainingConfig

EPSILON = 1e-8
"""Epsilon of AdamW, as in the paper."""


@dataclass(frozen=True, slots=True)
class WeightGroup:
    """Weights that are changed alike."""

    weights: list[nn.Parameter]
    decay: float
    factor: float = 1.0
    """Factor of the learning rate."""


class Optimizer(ABC):
    """Changes weights by their gradients."""

    buffers: tuple[str, ...]
    """Names of the tensors it keeps beside each weight."""

    def __init__(self, groups: list[WeightGroup], momentum: float, squares: float = 0.999) -> None:
        self.groups = [group for group in groups if group.weights]
        self.momentum = momentum
        self.squares = squares
        self.kept: dict[str, list[list[torch.Tensor]]] = {
            name: [[torch.zeros_like(one) for one in group.weights] for group in self.groups]
            for name in self.buffers
        }

    def clear(self) -> None:
        """Forget the gradients."""
        for group in self.groups:
            for weight in group.weights:
                weight.grad = None

    @torch.no_grad()
    def step(self, rate: float, step: int) -> None:
        """Take a step.

        Parameters
        ----------
        rate : float
            Learning rate.
        step : int
            Number of the step, from 1.
        """
        for index, group in enumerate(self.groups):
            gradients = [
                torch.zeros_like(one) if one.grad is None else one.grad for one in group.weights
            ]
            kept = {name: self.kept[name][index] for name in self.buffers}
            self._change(group, gradients, kept, rate * group.factor, step)

    def state(self) -> dict[str, torch.Tensor]:
        """Name the tensors to be saved; they are the optimizer's own, not copies."""
        return {
            f"{name}/{index}/{place}": value
            for name, groups in self.kept.items()
            for index, group in enumerate(groups)
            for place, value in enumerate(group)
        }

    @abstractmethod
    def _change(
        self,
        group: WeightGroup,
        gradients: list[torch.Tensor],
        kept: dict[str, list[torch.Tensor]],
        rate: float,
        step: int,
    ) -> None: ...


class Sgd(Optimizer):
    """Stochastic gradient descent with Nesterov momentum (Sutskever et al., 2013).

    The decay is added to the gradient, as in ``torch.optim.SGD``.
    """

    buffers = ("velocity",)

    def _change(
        self,
        group: WeightGroup,
        gradients: list[torch.Tensor],
        kept: dict[str, list[torch.Tensor]],
        rate: float,
        step: int,
    ) -> None:
        weights: list[torch.Tensor] = list(group.weights)
        if group.decay:
            torch._foreach_add_(gradients, weights, alpha=group.decay)
        if self.momentum:
            velocity = kept["velocity"]
            torch._foreach_mul_(velocity, self.momentum)
            torch._foreach_add_(velocity, gradients)
            torch._foreach_add_(gradients, velocity, alpha=self.momentum)
        torch._foreach_add_(weights, gradients, alpha=-rate)


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101)."""

    buffers = ("mean", "square")

    def _change(
        self,
        group: WeightGroup,
        gradients: list[torch.Tensor],
        kept: dict[str, list[torch.Tensor]],
        rate: float,
        step: int,
    ) -> None:
        weights: list[torch.Tensor] = list(group.weights)
        mean, square = kept["mean"], kept["square"]
        torch._foreach_mul_(weights, 1 - rate * group.decay)
        torch._foreach_lerp_(mean, gradients, 1 - self.momentum)
        torch._foreach_mul_(square, self.squares)
        torch._foreach_addcmul_(square, gradients, gradients, 1 - self.squares)
        root = torch._foreach_sqrt(square)
        torch._foreach_div_(root, math.sqrt(1 - self.squares**step))
        torch._foreach_add_(root, EPSILON)
        torch._foreach_addcdiv_(weights, mean, root, -rate / (1 - self.momentum**step))


def make_optimizer(network: nn.Module, config: TrainingConfig) -> Optimizer:
    """Make the optimizer of a run; vectors (biases, normalisation) are not decayed."""
    groups: list[WeightGroup] = []
    for weights, factor in _by_height(network, config.lowest_rate):
        matrices = [weight for weight in weights if weight.ndim > 1]
        vectors = [weight for weight in weights if weight.ndim <= 1]
        decayed = WeightGroup(matrices, config.weight_decay, factor)
        groups += [decayed, WeightGroup(vectors, 0.0, factor)]
    kind = {"sgd": Sgd, "adamw": AdamW}[config.optimizer]
    return kind(groups, config.momentum, config.squares)


def _by_height(network: nn.Module, lowest: float) -> list[tuple[list[nn.Parameter], float]]:
    """Divide the weights by layer, each with the factor of its learning rate."""
    if lowest == 1.0:
        return [(list(network.parameters()), 1.0)]
    layers = [list(child.parameters()) for child in network.children()]
    learned = [weights for weights in layers if weights]
    below = max(len(learned) - 1, 1)
    return [
        (weights, lowest ** (depth / below))  # depth 0, perhaps the only one, is the highest
        for depth, weights in zip(range(len(learned) - 1, -1, -1), learned, strict=True)
    ]


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
