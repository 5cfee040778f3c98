"""Loading a model: nothing in a file is executed, and nothing that does not belong is believed."""

from __future__ import annotations

import copyreg
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import nn

from foveal import tensor_files
from foveal.device import Device, available, choose
from foveal.errors import FovealError, ModelFileError, UsageError
from foveal.model.card import FORMAT, Card
from foveal.model.contents import CHOSE, NETWORK, SNAPSHOTS, TRAINED
from foveal.model.familiar import Familiar, sizes_of
from foveal.model.fitted import FittedModel, placed
from foveal.model.held_out import HeldOutLogits
from foveal.model.normal import NormalStats
from foveal.nets import notation
from foveal.nets.build import build, part
from foveal.nets.plan import Plan, plan_network
from foveal.parameters import one_of
from foveal.targets.kinds import target_of
from foveal.training.snapshots import first_kernels

LARGEST_ACTIVATIONS = 16_000_000_000
"""Bytes that the layers of a network may give for one picture."""
MOST_CHARACTERS = 10_000_000
"""Characters of the longest class name times the number of classes."""
Half = Literal["encoder", "decoder"]


def load(
    path: str | Path,
    *,
    half: Half | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> FittedModel:
    """Load a model file, or half of an autoencoder; see `foveal.model.opening.load`.

    Nothing in the file is executed.

    Raises
    ------
    ModelFileError
        Where the file is damaged, foreign, or of another version.
    UsageError
        For half of a model that is no autoencoder.
    """
    place = Path(path)
    model = _loaded(place, *tensor_files.read_tensors(place), choose(device, threads))
    if half is None:
        return model
    one_of("half", half, get_args(Half))
    if not model.autoencodes:
        raise UsageError(
            str(place),
            needed="an autoencoder",
            came="a classifier, which has no codes",
            remedy="name the file of an autoencoder, or use predict",
        )
    ends = (
        (0, model.plan.encoder_layers) if half == "encoder" else (model.plan.encoder_layers, None)
    )
    digest = model.digest()
    return replace(
        model, network=part(model.network, model.plan, *ends), half=half, kept_digest=digest
    )


def unpacked(data: bytes, device: str, threads: int) -> FittedModel:
    """Load a model from the bytes of a file: how models are copied and pickled."""
    place = Path("a pickled model")
    chosen = choose(device if device in available() else "auto", threads)
    return _loaded(place, *tensor_files.unpacked(data, place), chosen)


def _reduced(model: FittedModel) -> tuple[Any, ...]:
    """Copy and pickle a model as the file it would be: the same model gives the same bytes."""
    return unpacked, (model.packed(), model.device.name, model.device.threads)


copyreg.pickle(FittedModel, _reduced)


def _loaded(
    place: Path, tensors: dict[str, torch.Tensor], facts: dict[str, Any], chosen: Device
) -> FittedModel:
    if facts.get("format") != FORMAT:
        raise ModelFileError(
            str(place),
            needed=f"format {FORMAT}",
            came=f"format {facts.get('format')!r}",
            remedy="use the version of Foveal that wrote it, or train again",
        )
    try:
        card = Card.model_validate_json(json.dumps(facts))
        network = notation.read(card.network)
        target = target_of(card.task, card.classes, card.kept or {})
        planned = plan_network(network, None, target.outputs)
        planned = replace(planned, fixed=card.fixed, encoder_layers=card.code)
    except (ValueError, FovealError) as error:
        raise tensor_files.foreign(
            place, f"a card that does not hold: {_first_line(error)}"
        ) from error
    weights = {
        name.removeprefix(NETWORK): value
        for name, value in tensors.items()
        if name.startswith(NETWORK)
    }
    missing = [name for name in (SNAPSHOTS, TRAINED, CHOSE) if name not in tensors]
    stored = sum(value.numel() for value in weights.values())
    if missing or planned.parameters > stored or planned.input != card.recipe.shape:
        raise tensor_files.foreign(place, "tensors that do not belong to its network")
    if card.fixed >= len(planned.layers):
        raise tensor_files.foreign(place, "a network all of whose layers are fixed")
    if card.code:
        _check_halves(place, planned)
    if planned.activation_bytes > LARGEST_ACTIVATIONS:
        raise tensor_files.foreign(place, "a network that needs more memory than any machine has")
    _check_contents(place, card, tensors)
    normal = _normal_stats(place, planned, tensors) if card.code else None
    held_out = _held_out(place, tensors, target.outputs or 0)
    familiar = _familiar(place, planned, card, tensors)
    module = build(planned, seed=0)
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise tensor_files.foreign(place, f"other weights ({_first_line(error)})") from error
    _check_snapshots(place, card, module, tensors[SNAPSHOTS])
    return FittedModel(
        plan=planned,
        network=placed(module, chosen),
        recipe=card.recipe,
        target=target,
        temperature=card.temperature,
        provenance=card.provenance,
        trained_on=tensors[TRAINED].numpy(),
        chosen_on=tensors[CHOSE].numpy(),
        snapshots=tensors[SNAPSHOTS],
        normal=normal,
        held_out=held_out,
        familiar=familiar,
        device=chosen,
    )


def _check_halves(place: Path, plan: Plan) -> None:
    """Check the halves of an autoencoder against what they must give."""
    code = plan.layers[plan.encoder_layers - 1]
    if len(code.out_shape) != 1 or plan.output != plan.input:
        raise tensor_files.foreign(place, "an autoencoder that gives no code, or no picture")


def _normal_stats(place: Path, plan: Plan, tensors: dict[str, torch.Tensor]) -> NormalStats:
    """Read what held-out pictures are like."""
    found = NormalStats.of_tensors(tensors, plan.code_size)
    if found is None:
        raise tensor_files.foreign(place, "an autoencoder without the spread of its codes")
    return found


def _held_out(place: Path, tensors: dict[str, torch.Tensor], outputs: int) -> HeldOutLogits | None:
    """Read what judged a classifier, where it was kept."""
    try:
        return HeldOutLogits.of_tensors(tensors, outputs)
    except ValueError as error:
        raise tensor_files.foreign(place, str(error)) from error


def _familiar(
    place: Path, plan: Plan, card: Card, tensors: dict[str, torch.Tensor]
) -> Familiar | None:
    """Read what is kept of training pictures; older files say nothing of it."""
    sizes = sizes_of(plan, card.recipe)
    try:
        return Familiar.of_tensors(tensors, sizes)
    except ValueError as error:
        raise tensor_files.foreign(place, str(error)) from error


def _check_contents(place: Path, card: Card, tensors: dict[str, torch.Tensor]) -> None:
    """Refuse what no training leaves: weights that are no numbers, classes that are the same."""
    for name in (TRAINED, CHOSE):
        if tensors[name].dtype != torch.int64 or tensors[name].ndim != 1:
            raise tensor_files.foreign(place, f"{name} of another form")
    for name, value in tensors.items():
        if value.is_complex() or (value.is_floating_point() and not value.isfinite().all()):
            raise tensor_files.foreign(place, f"{name} with values that are no finite numbers")
    if len(set(map(str, card.classes))) != len(card.classes):
        raise tensor_files.foreign(place, "classes that are the same")
    longest = max((len(str(label)) for label in card.classes), default=0)
    if longest * len(card.classes) > MOST_CHARACTERS:
        raise tensor_files.foreign(place, "classes with names beyond all measure")


def _check_snapshots(place: Path, card: Card, network: nn.Module, snapshots: torch.Tensor) -> None:
    """Check that what is kept of the first kernels is as many of them, and of their shape."""
    steps, kernels = card.provenance.snapshot_steps, first_kernels(network)
    shape = (0,) if not steps or kernels is None else (len(steps), *kernels.shape)
    if tuple(snapshots.shape) != shape or steps != sorted(set(steps)):
        raise tensor_files.foreign(place, "kernels over the epochs that are not the network's")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(lines[:2])[:160]
