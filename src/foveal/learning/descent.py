"""What all trainings by gradient descent share: parameters, configuration, first checks."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

import numpy as np
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from foveal.device import DEVICES, Device
from foveal.errors import UsageError
from foveal.learning.data import TrainingData
from foveal.nets.plan import Plan
from foveal.nets.spec import BatchNorm
from foveal.parameters import FLAG, Choice, Either, Kind, Real, Rule, Whole, optional
from foveal.pictures.augment import LEVELS
from foveal.progress.events import Finished
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.loop import TrainingState
from foveal.training.pace import measure_pace, steps_within
from foveal.training.run import Run
from foveal.training.steps import Batches, LossOf, Scores

MOST_EPOCHS = 1e6
"""Epochs that can be asked for."""

TRAINING_RULES: dict[str, Rule] = {
    "epochs": optional(Real(0, MOST_EPOCHS, above=True)),
    "seconds": optional(Real(0, above=True)),
    "batch_size": optional(Whole(1)),
    "optimizer": Choice(configs.OPTIMIZERS),
    "learning_rate": optional(Real(0, above=True)),
    "momentum": Real(0, 1, below=True),
    "weight_decay": optional(Real(0)),
    "schedule": Choice(configs.SCHEDULES),
    "ema": Real(0, 1, below=True),
    "clip_norm": optional(Real(0)),
    "patience": optional(Whole(1)),
    "augmentation": optional(Choice(LEVELS)),
    "flip": optional(FLAG),
    "size": optional(Either((Whole(1), Kind((tuple, list), "(height, width)")))),
    "test_share": Real(0, 1, below=True),
    "device": Choice(DEVICES),
    "threads": optional(Whole(1)),
    "verbose": FLAG,
}
"""What the parameters of all that is trained may be."""


class Wished(Protocol):
    """The parameters of training by gradient descent, as an estimator holds them."""

    epochs: float | None
    seconds: float | None
    optimizer: configs.Optimizer
    learning_rate: float | None
    momentum: float
    weight_decay: float | None
    schedule: configs.Schedule
    ema: float
    clip_norm: float | None
    patience: int | None


class Task(Protocol):
    """What is trained on which pictures: what the loop needs besides the network."""

    data: TrainingData
    device: Device
    seed: int

    @property
    def batches(self) -> Batches:
        """The training pictures, by epoch."""
        ...

    @property
    def loss_of(self) -> LossOf:
        """The loss to minimise."""
        ...

    def judge(self, network: nn.Module) -> Scores | None:
        """Score a network on the validation pictures; None where there are none."""
        ...


def configured(
    wished: Wished,
    task: Task,
    network: nn.Module,
    run: Run,
    began: float,
    *,
    usual_epochs: float,
    label_smoothing: float = 0.0,
    squares: float = 0.999,
    halved: bool = True,
) -> TrainingConfig:
    """Decide everything that was left open; a budget of seconds is measured once.

    Parameters
    ----------
    usual_epochs : float
        Epochs where neither epochs nor seconds are asked for.
    halved : bool
        Whether networks without batch normalisation get half the usual learning rate.
    """
    batch = task.batches.batch_size
    epochs = usual_epochs if wished.epochs is None else wished.epochs
    steps = max(round(epochs * len(task.batches)), 1)
    normalised = any(isinstance(one, _BatchNorm) for one in network.modules())
    rate = wished.learning_rate or configs.learning_rate_for(
        wished.optimizer, batch, normalised=normalised or not halved
    )
    decay = wished.weight_decay
    config = TrainingConfig(
        steps=steps,
        batch_size=batch,
        optimizer=wished.optimizer,
        learning_rate=float(rate),
        momentum=wished.momentum,
        weight_decay=configs.WEIGHT_DECAYS[wished.optimizer] if decay is None else float(decay),
        schedule=wished.schedule,
        label_smoothing=label_smoothing,
        ema=wished.ema,
        clip_norm=_clip_norm(wished.clip_norm, normalised=normalised),
        patience=wished.patience,
        seed=task.seed,
        squares=squares,
    )

    def affordable() -> int:
        if wished.seconds is None:
            return steps
        pace = measure_pace(
            network,
            task.batches,
            task.loss_of,
            config,
            task.device,
            task.judge,
            budget=float(wished.seconds),
        )
        left = float(wished.seconds) - (time.perf_counter() - began)
        return steps_within(left, pace, len(task.batches), configs.FEWEST_STEPS)

    return configs.with_steps(config, run.decide("steps", affordable))


def _clip_norm(asked: float | None, *, normalised: bool) -> float | None:
    if asked is None:
        return None if normalised else configs.CLIP_WITHOUT_NORMALISATION
    return float(asked) or None


def refuse_both(epochs: float | None, seconds: float | None) -> None:
    """Refuse a length of training that is given twice."""
    if epochs is not None and seconds is not None:
        raise UsageError(
            "epochs and seconds",
            needed="one of them",
            came=f"epochs={epochs:g} and seconds={seconds:g}",
            remedy="leave one of them out",
        )


def check_batches(plan: Plan, batch_size: int, pictures: int, *, kept: int = 0) -> None:
    """Refuse batches of one picture with batch normalisation.

    Parameters
    ----------
    kept : int
        First layers whose normalisations keep their statistics.
    """
    fewest = pictures // -(-pictures // batch_size)  # batches differ by one picture at most
    taught = replace(plan, layers=plan.layers[kept:], fixed=0, code=0).walk()
    if fewest < 2 and any(isinstance(one.layer, BatchNorm) for one in taught):
        raise UsageError(
            "batch_size",
            needed="at least 2 pictures a step for batch normalisation",
            came="1",
            remedy="choose a larger batch, or a network without batchnorm",
        )


def sides_of(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Read a size, one side or (height, width)."""
    if size is None or isinstance(size, int | np.integer):
        return None if size is None else (int(size), int(size))
    if len(size) != 2:
        raise UsageError(
            "size",
            needed="one side, or (height, width)",
            came=repr(size),
            remedy="write 64, or (48, 64)",
        )
    return int(size[0]), int(size[1])


def finished(state: TrainingState) -> Finished:
    """Say that training is done."""
    best = state.best
    return Finished(
        steps=state.step,
        best_epoch=state.best_epoch,
        validation_accuracy=best.accuracy if best else None,
        validation_pictures=best.pictures if best else 0,
    )
