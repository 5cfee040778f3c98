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


class TemperedSigmoid(nn.Module):
    """The sigmoid at a temperature, of each output by itself."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, outputs_nk: torch.Tensor) -> torch.Tensor:
        """Return probabilities (n, k) of logits (n, k)."""
        return torch.sigmoid(outputs_nk / self.temperature)


class NumbersWithin(nn.Module):
    """A number out of spreads from a middle, with the low and the high end of its interval."""

    def __init__(self, middle: float, spread: float, reach: float) -> None:
        super().__init__()
        self.middle, self.spread, self.reach = middle, spread, reach

    def forward(self, outputs_nk: torch.Tensor) -> torch.Tensor:
        """Return numbers and the ends of their intervals (n, 3) of outputs (n, 1)."""
        made = self.middle + self.spread * outputs_nk
        return torch.cat([made, made - self.reach, made + self.reach], dim=-1)
