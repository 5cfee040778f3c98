"""Which layer a format cannot express."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import nn

from foveal.errors import UsageError
from foveal.exporting.format import Format
from foveal.exporting.program import Port, Program, settled
from foveal.model.fitted import FittedModel
from foveal.nets.build import part


def blamed(model: FittedModel, found: Format, error: Exception) -> UsageError:
    """Make the error for a network that cannot be written, which names its first such layer.

    Parameters
    ----------
    error : Exception
        What the whole network raised.
    """
    reason, what = error, "the network"
    values = torch.rand(2, *model.recipe.shape)
    for number, planned in enumerate(model.plan.layers):
        layer = settled(part(model.network, model.plan, number, number + 1))
        try:
            _try(layer, values, found)
        except Exception as own:
            reason, what = own, f"layer {planned.number}, {planned.layer}"
            break
        with torch.inference_mode():
            values = layer(values).clone()
    lines = str(reason).strip().splitlines() or [""]
    return UsageError(
        what,
        needed=f"what {found.name} can express",
        came=f"{type(reason).__name__}: {lines[0]}"[:200],
        remedy="write another format, or train with another layer there",
    )


def _try(layer: nn.Module, values: torch.Tensor, found: Format) -> None:
    """Write one layer."""
    port = Port(name="x", dtype="float32", shape=("n", *values.shape[1:]), values="")
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        shape = tuple(layer(values).shape[1:])
        out = Port(name="y", dtype="float32", shape=("n", *shape), values="")
        program = Program(module=layer, input=port, output=out)
        found.write(program, {}, Path(folder) / f"layer{found.suffix}")
