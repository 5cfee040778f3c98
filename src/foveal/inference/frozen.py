"""A network that stays as it is: its layers and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import nn

from foveal.nets.plan import Plan
from foveal.shapes import Shape
from foveal.tensor_files import content_hash

OWN = "own"
"""Name of networks of one's own among engines."""


@dataclass(frozen=True, kw_only=True)
class FrozenNetwork:
    """A network that stays as it is, ready to run."""

    name: str
    """Name by which its engine is chosen: that of its architecture, or `OWN`."""
    plan: Plan
    """What it is, layer by layer."""
    text: str
    """Its layers in the notation, and where its answers are taken from if not from the last."""
    network: nn.Module
    """The same as a module in evaluation mode."""
    shape: Shape
    """What it gives for one picture."""
    multiply_adds: int
    """What one picture costs."""

    @cached_property
    def fingerprint(self) -> str:
        """Hash of layers and weights."""
        state = {name: value.cpu() for name, value in self.network.state_dict().items()}
        return content_hash(state, {"network": self.text})

    @classmethod
    def of(cls, name: str, plan: Plan, network: nn.Module) -> FrozenNetwork:
        """Describe a built network."""
        return cls(
            name=name,
            plan=plan,
            text=plan.text,
            network=network,
            shape=plan.output,
            multiply_adds=plan.multiply_adds,
        )
