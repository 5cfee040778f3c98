"""Snapshots: the kernels of the first layer over the epochs, for looking at how they formed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

MOST_SNAPSHOTS = 32
MOST_SNAPSHOT_BYTES = 1_000_000


class KernelWatcher:
    """Copies the first layer's kernels when a copy is due.

    Parameters
    ----------
    network : torch.nn.Module
        The network in training.
    steps, steps_per_epoch : int
        Steps planned, in all and an epoch.
    """

    def __init__(self, network: nn.Module, steps: int, steps_per_epoch: int) -> None:
        self.kernels = first_kernels(network)
        self.due = snapshot_steps(self.kernels, steps, steps_per_epoch)

    def look(self, step: int, last: int, taken: Sequence[int]) -> torch.Tensor | None:
        """Return a copy of the kernels, (k, c, h, w), float32 on the processor, where one is due.

        Parameters
        ----------
        step, last : int
            Steps done, and the step at which training ends.
        taken : sequence of int
            Steps of which there is a copy already.
        """
        due = step in self.due or (bool(self.due) and step == last)
        if self.kernels is None or not due or step in taken:
            return None
        kernels = self.kernels.detach().to("cpu", torch.float32)
        return kernels.clone(memory_format=torch.contiguous_format)


def first_kernels(network: nn.Module) -> torch.Tensor | None:
    """Return the kernels of the first convolution, (k, c, h, w); None where there is none."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight
    return None


def snapshot_steps(
    kernels: torch.Tensor | None, steps: int, steps_per_epoch: int
) -> frozenset[int]:
    """Choose the steps at which kernels are kept: the start, the end, and epochs between."""
    if kernels is None:
        return frozenset()
    most = min(MOST_SNAPSHOTS, MOST_SNAPSHOT_BYTES // (4 * kernels.numel()))
    if most < 2:
        return frozenset()
    starts = range(0, steps, steps_per_epoch)
    count = len(starts) + 1
    picked = (
        range(count)
        if count <= most
        else [round(index * (count - 1) / (most - 1)) for index in range(most)]
    )
    return frozenset(steps if index == len(starts) else starts[index] for index in picked)
