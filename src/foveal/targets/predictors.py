"""What comes after the outputs of a network, as modules of torch: for files that stand alone."""

from __future__ import annotations

import torch
from torch import nn


class TemperedSoftmax(nn.Module):
    """The softmax at a temperature, over the last axis."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, outputs_nk: torch.Tensor) -> torch.Tensor:
        """Return probabilities (n, k) of logits (n, k)."""
        return torch.softmax(outputs_nk / self.temperature, dim=-1)
