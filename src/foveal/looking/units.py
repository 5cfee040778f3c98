"""What a unit of timm is made of: its convolutions and dense layers, in the notation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from foveal.nets.notation import write_layer
from foveal.nets.spec import Conv, Dense
from foveal.shapes import Shape, written

MOST = 16
"""Parts of a unit that are listed, the first ones."""
MOST_KINDS = 4
"""Kinds of other parts that are named, the most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPart:
    """A layer with weights within a unit."""

    path: str
    """Where it is in the unit, as timm names it; empty where it is the unit."""
    text: str
    """What it is, in the notation."""
    weights: Shape

    def __str__(self) -> str:
        named = f"{self.path}: " if self.path else ""
        return f"{named}{self.text}, {written(self.weights)} weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitParts:
    """What a unit holds."""

    listed: tuple[UnitPart, ...]
    """Its convolutions and dense layers, the first ones, in the order of its code."""
    left_out: int
    """Further ones."""
    others: str
    """All other parts, by their kind; empty where there are none."""


def unit_parts(unit: nn.Module) -> UnitParts:
    """List what a unit of timm is made of.

    It says which layers there are, not how they are joined, which only the code of timm knows.

    Parameters
    ----------
    unit : nn.Module
        The unit, as timm has it.
    """
    leaves = [(path, module) for path, module in unit.named_modules() if not any(module.children())]
    parts = list(_parts(leaves))
    known = {path for path, _ in parts}
    kinds = Counter(
        type(module).__name__
        for path, module in leaves
        if path not in known and not isinstance(module, nn.Identity)
    )
    named = [f"{kind} ({count})" for kind, count in kinds.most_common(MOST_KINDS)]
    rest = len(kinds) - len(named)
    found = [UnitPart(path=path, text=text, weights=weights) for path, (text, weights) in parts]
    return UnitParts(
        listed=tuple(found[:MOST]),
        left_out=max(len(found) - MOST, 0),
        others=", ".join([*named, *[f"{rest} more kinds"] * (rest > 0)]),
    )


def _parts(leaves: list[tuple[str, nn.Module]]) -> Iterator[tuple[str, tuple[str, Shape]]]:
    for path, module in leaves:
        if isinstance(module, nn.Conv2d):
            yield path, (write_layer(_convolution(module)), tuple(module.weight.shape))
        elif isinstance(module, nn.Linear):
            dense = Dense(module.out_features, bias=module.bias is not None)
            yield path, (write_layer(dense), tuple(module.weight.shape))


def _convolution(module: nn.Conv2d) -> Conv:
    """Describe a convolution; those of timm that pad as TensorFlow does say so by their name."""
    even = "Same" in type(module).__name__ or module.padding == "same"
    padding: Any = "same" if even else module.padding
    return Conv(
        module.out_channels,
        _pair(module.kernel_size),
        stride=_pair(module.stride),
        padding="valid" if padding in ("valid", (0, 0)) else padding,
        dilation=_pair(module.dilation),
        groups=module.groups,
        bias=module.bias is not None,
    )


def _pair(sides: tuple[int, ...]) -> tuple[int, int]:
    high, wide = sides
    return high, wide
