"""A trained network becomes a fitted model: the one place where models are made."""

from __future__ import annotations

from typing import TypedDict, Unpack

import numpy as np
import torch
from torch import nn

from foveal.arrays import Hashes
from foveal.device import Device
from foveal.evaluation.intervals import Estimate
from foveal.model import loading  # noqa: F401  says how models are copied and pickled
from foveal.model.card import Coding, Fit, Origin, Provenance
from foveal.model.fitted import FittedModel, placed
from foveal.model.held_out import HeldOutLogits
from foveal.model.normal import NormalStats
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.recipe import PictureRecipe
from foveal.targets.target import Target
from foveal.training.config import TrainingConfig
from foveal.training.loop import TrainingState
from foveal.version import __version__
from foveal.vocabulary import Judge, Level

NOTHING = np.empty(0, dtype=np.int64)


class _Origins(TypedDict):
    """What a `Provenance` always says."""

    augmentation: Level
    flip: bool
    class_counts: list[int]
    validation_pictures: int
    validation_right: int | None


class Origins(_Origins, total=False):
    """The fields of a `Provenance` that whoever trained a network knows."""

    config: TrainingConfig | None
    logistic: Fit | None
    ridge: Fit | None
    backbone: Origin | None
    coding: Coding | None
    judged_by: Judge
    validation_effective: float | None
    calibrated_loss: float | None
    figures: dict[str, Estimate] | None
    unjudged: list[int] | None
    labelled_by: list[str] | None


def freeze(
    plan: Plan,
    network: nn.Sequential,
    recipe: PictureRecipe,
    device: Device,
    *,
    target: Target,
    temperature: float = 1.0,
    trained_on: Hashes = NOTHING,
    chosen_on: Hashes = NOTHING,
    state: TrainingState | None = None,
    snapshots: bool = True,
    normal: NormalStats | None = None,
    held_out: HeldOutLogits | None = None,
    **origin: Unpack[Origins],
) -> FittedModel:
    """Make a fitted model.

    Parameters
    ----------
    plan, network, recipe, device
        What it is, how it wants its pictures, where it runs.
    target : Target
        What it says of a picture.
    temperature : float
        Divides the logits before the softmax.
    trained_on, chosen_on : array of int64
        Content hashes of the pictures that taught it, and that chose its weights.
    state : TrainingState, optional
        Of the training by gradient descent, where there was one.
    snapshots : bool
        Whether the first kernels over the epochs are kept with it.
    normal : NormalStats, optional
        What usual pictures are like to an autoencoder.
    held_out : HeldOutLogits, optional
        What judged a classifier.
    **origin
        Further fields of its `Provenance`.
    """
    steps = state.snapshot_steps if state and snapshots else []
    provenance = Provenance(
        foveal=__version__,
        torch=torch.__version__,
        best_epoch=state.best_epoch if state else 0,
        snapshot_steps=list(steps),
        **origin,
    )
    return FittedModel(
        plan=plan,
        network=network,
        recipe=recipe,
        target=target,
        temperature=temperature,
        provenance=provenance,
        trained_on=trained_on,
        chosen_on=chosen_on,
        snapshots=torch.stack(state.snapshots) if state and steps else torch.empty(0),
        normal=normal,
        held_out=held_out,
        device=device,
    )


def best_network(plan: Plan, state: TrainingState, device: Device) -> nn.Sequential:
    """Build the network of the best weights of a training."""
    network = build(plan, seed=0)
    network.load_state_dict(state.chosen)
    return placed(network, device)
