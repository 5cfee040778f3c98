"""The few modules that torch does not have. Each class stands alone: `calls` prints its source."""

import torch
from torch import nn


class Residual(nn.Module):
    """Adds a shortcut of its input to its branch (He et al., 2015)."""

    def __init__(self, branch: nn.Sequential, shortcut: nn.Sequential) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, maps_nchw: torch.Tensor) -> torch.Tensor:
        """Return branch and shortcut, added."""
        out: torch.Tensor = self.branch(maps_nchw) + self.shortcut(maps_nchw)
        return out


class UnevenAvgPool2d(nn.Module):
    """Average pooling with unlike padding on opposite sides, which is not counted."""

    def __init__(
        self,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int, int, int],
    ) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d(padding)
        self.pool = nn.AvgPool2d(kernel_size, stride)

    def forward(self, maps_nchw: torch.Tensor) -> torch.Tensor:
        """Return the average of the pixels that are there."""
        there = torch.ones_like(maps_nchw[:1, :1])
        out: torch.Tensor = self.pool(self.pad(maps_nchw)) / self.pool(self.pad(there))
        return out
