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


class Centre(nn.Module):
    """Subtracts a mean that is kept beside the weights and not learned."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.register_buffer("mean", torch.zeros(shape))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the difference from the mean."""
        return values - self.mean


class Offset(nn.Module):
    """Adds a learned number at every place."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        return values + self.weight


class Sample(nn.Module):
    """Draws from normal distributions in training; gives their means otherwise."""

    def forward(self, means_and_logs: torch.Tensor) -> torch.Tensor:
        """Return one value for each pair of mean and logarithm of the variance."""
        means, logs = means_and_logs.chunk(2, dim=1)
        if not self.training:
            return means
        return means + torch.randn_like(means) * torch.exp(logs / 2)


class TimmUnit(nn.Module):
    """One unit of an architecture of timm, or "all" of it but its classifier.

    The architecture gets random initial weights; none are ever fetched. Creating it for each of
    its units would be slow, so the last one created is kept in `last`, and every unit is a copy
    out of it: no two share weights, but units made from the same one begin alike. Whoever wants
    initial weights that follow from torch's random state alone sets `last` to None before.

    Nothing in it changes what it is given in place: what passes between units can be looked at.
    """

    last: tuple[str, nn.Module] | None = None

    def __init__(self, architecture: str, unit: str) -> None:
        import copy
        import re

        import timm

        super().__init__()
        # Names with ':' or '/' would lead timm to files and other hosts.
        if not re.fullmatch(r"[a-z0-9_.]{1,100}", architecture) or not timm.is_model(architecture):
            raise ValueError(f"no architecture {architecture!r}")
        last = TimmUnit.last
        if last is None or last[0] != architecture:
            try:
                timm.get_pretrained_cfg(architecture)  # facts alone; refuses a tag it lacks
            except RuntimeError as error:
                raise ValueError(str(error)) from error
            model = timm.create_model(architecture, pretrained=False, num_classes=0)
            TimmUnit.last = last = (architecture, model)
        units = {**dict(last[1].named_modules(remove_duplicate=False)), "all": last[1]}
        if not unit or unit not in units:
            raise ValueError(f"no unit {unit!r}")
        self.unit = copy.deepcopy(units[unit])
        for module in self.unit.modules():
            if getattr(module, "inplace", False):
                vars(module)["inplace"] = False

    def forward(self, maps_nchw: torch.Tensor) -> torch.Tensor:
        """Return what the unit makes of the maps."""
        out: torch.Tensor = self.unit(maps_nchw)
        return out
