"""What the file of a model holds: its tensors by name, and its card.

Whatever writes or reads one takes the names from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from foveal import files
from foveal.arrays import Hashes
from foveal.errors import UsageError
from foveal.model.card import FORMAT, Card, Provenance
from foveal.nets.plan import Plan
from foveal.recipe import PictureRecipe
from foveal.targets.target import Target

NETWORK = "network/"
SNAPSHOTS = "kernels/snapshots"
TRAINED = "hashes/train"
CHOSE = "hashes/validation"


class Kept(Protocol):
    """What a model may keep beside its network, under names of its own."""

    def tensors(self) -> Mapping[str, torch.Tensor]:
        """Return what a file holds of it, by name."""
        ...


def tensors_of(
    network: nn.Module,
    snapshots: torch.Tensor,
    trained_on: Hashes,
    chosen_on: Hashes,
    kept: Iterable[Kept | None],
) -> dict[str, torch.Tensor]:
    """Return what a file holds of a model but its card, by name."""
    tensors = {f"{NETWORK}{name}": value for name, value in network.state_dict().items()}
    tensors[SNAPSHOTS] = snapshots
    tensors[TRAINED] = torch.from_numpy(trained_on)
    tensors[CHOSE] = torch.from_numpy(chosen_on)
    for one in kept:
        tensors |= {} if one is None else one.tensors()
    return tensors


def card_of(
    plan: Plan, recipe: PictureRecipe, target: Target, temperature: float, provenance: Provenance
) -> dict[str, Any]:
    """Return the card of a model, as JSON can keep it."""
    card = Card(
        format=FORMAT,
        task=target.task,
        network=plan.text,
        fixed=plan.fixed,
        code=plan.encoder_layers,
        recipe=recipe,
        classes=target.names.tolist(),
        kept=dict(target.kept) or None,
        temperature=temperature,
        provenance=provenance,
    )
    return card.model_dump(mode="json", by_alias=True)


def checked_path(path: str | Path) -> Path:
    """Check the name under which a model is to be saved.

    Raises
    ------
    UsageError
        Where it does not end in .safetensors, or its folder is not there.
    """
    return files.checked_output(Path(path), (".safetensors",), "model", exact=True)


def check_whole(half: str | None) -> None:
    """Refuse to save or copy half a model."""
    if half is not None:
        raise UsageError(
            "the model",
            needed="a model loaded whole",
            came=f"its {half} alone",
            remedy="load it without half, or copy its file",
        )


def check_finite(tensors: Mapping[str, torch.Tensor]) -> None:
    """Refuse to save or copy a model whose file nobody could load."""
    for name, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise UsageError(
                "the model",
                needed="weights that are finite numbers",
                came=f"NaN or infinity in {name}",
                remedy="train it again, at a smaller learning rate",
            )
