"""What the loop needs of a classifier: batches, loss, judge, and what is kept at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from foveal.backbones.features import Features
from foveal.device import DEVICES, Device
from foveal.errors import UsageError
from foveal.estimators._prepare import TrainingData
from foveal.evaluation.calibration import fit_temperature
from foveal.model.card import Provenance
from foveal.model.fitted import FittedModel, placed
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.nets.spec import Activation, BatchNorm, Dense
from foveal.parameters import FLAG, Choice, Either, Kind, Real, Rule, Whole, optional
from foveal.pictures.augment import LEVELS, Augmentation
from foveal.pictures.batches import (
    Batches,
    FeatureBatches,
    TrainingBatches,
    feature_tensor,
    ordered,
)
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.events import Finished
from foveal.training.loop import TrainingState
from foveal.training.pace import measure_pace, steps_within
from foveal.training.run import Run
from foveal.training.steps import LossOf, Scores, classification, judge_logits, logits_of
from foveal.version import __version__

JUDGING_BATCH = 256
"""Validation pictures that go through the network at once."""


@dataclass(slots=True, kw_only=True)
class ClassifierTask:
    """A classifier in training: its pictures and how its network is taught and judged on them."""

    data: TrainingData
    device: Device
    batch_size: int
    augmentation: Augmentation
    class_weights: torch.Tensor | None
    label_smoothing: float
    seed: int

    @property
    def batches(self) -> Batches:
        """The training pictures, by epoch."""
        store = self.data.store
        if isinstance(store, Features):
            return FeatureBatches(
                views=store.views,
                codes=self.data.codes,
                rows=self.data.split.train,
                batch_size=self.batch_size,
                seed=self.seed,
                device=self.device.name,
            )
        return TrainingBatches(
            images=store.images,
            codes=self.data.codes,
            rows=self.data.split.train,
            recipe=self.data.recipe,
            batch_size=self.batch_size,
            augmentation=self.augmentation,
            seed=self.seed,
            device=self.device.name,
        )

    @property
    def loss_of(self) -> LossOf:
        """The loss to minimise."""
        weights = self.class_weights
        return classification(
            self.label_smoothing, None if weights is None else weights.to(self.device.name)
        )

    def logits(self, network: nn.Module) -> torch.Tensor:
        """Run the validation pictures through a network."""
        return logits_of(network, self._validation())

    def _validation(self) -> Iterator[torch.Tensor]:
        store, rows = self.data.store, self.data.split.validation
        if isinstance(store, Features):
            for start in range(0, len(rows), JUDGING_BATCH):
                part = store.rows(rows[start : start + JUDGING_BATCH])
                yield feature_tensor(part, self.device.name)
            return
        yield from ordered(
            store.images,
            rows,
            self.data.recipe,
            batch_size=JUDGING_BATCH,
            device=self.device.name,
        )

    def judge(self, network: nn.Module) -> Scores | None:
        """Score a network on the validation pictures; None where there are none."""
        rows = self.data.split.validation
        if not len(rows):
            return None
        return judge_logits(self.logits(network), torch.from_numpy(self.data.codes[rows]))

    def frozen(self, plan: Plan, config: TrainingConfig, state: TrainingState) -> FittedModel:
        """Make the fitted model of the best weights, its temperature fitted on validation."""
        network = build(plan, seed=0)
        network.load_state_dict(state.best_weights or state.candidate.state_dict())
        network = placed(network, self.device)
        data, rows = self.data, self.data.split.validation
        temperature = 1.0
        if len(rows):
            logits = self.logits(network).double().numpy()
            temperature = fit_temperature(logits, data.codes[rows])
        best = state.best
        provenance = Provenance(
            foveal=__version__,
            torch=torch.__version__,
            config=config,
            augmentation=self.augmentation.level,
            flip=self.augmentation.flip,
            class_counts=[int(count) for count in data.class_counts],
            validation_pictures=len(rows),
            validation_right=round(best.accuracy * best.pictures) if best else None,
            best_epoch=state.best_epoch,
            snapshot_steps=list(state.snapshot_steps),
        )
        return FittedModel(
            plan=plan,
            network=network,
            recipe=data.recipe,
            classes=data.classes,
            temperature=temperature,
            provenance=provenance,
            trained_on=data.store.hashes[data.split.train],
            chosen_on=data.store.hashes[rows],
            snapshots=torch.stack(state.snapshots) if state.snapshots else torch.empty(0),
            device=self.device,
        )


def class_weights(wanted: dict[Any, float] | str | None, data: TrainingData) -> torch.Tensor | None:
    """Turn scikit-learn's ``class_weight`` into a weight a class; None for equal weights."""
    if wanted is None:
        return None
    if isinstance(wanted, str):  # "balanced", as in scikit-learn
        counts = data.class_counts
        weights = counts.sum() / (len(counts) * counts)
        return torch.tensor(weights, dtype=torch.float32)
    labels = data.classes.tolist()
    unknown = [label for label in wanted if label not in labels]
    if unknown:
        raise UsageError(
            "class_weight",
            needed=f"classes among {', '.join(map(str, labels[:10]))}",
            came=repr(unknown[0]),
            remedy="name the classes as the labels do",
        )
    weights = [wanted.get(label, 1.0) for label in labels]
    rule = Real(0)
    if not all(map(rule.accepts, weights)) or not any(weights):
        raise UsageError(
            "class_weight",
            needed="finite numbers of at least 0, not all of them 0",
            came=repr(wanted)[:100],
            remedy="give each class a weight, 1 for the usual",
        )
    return torch.tensor([float(weight) for weight in weights])


# Parameters that classifiers share --------------------------------------------------------

MOST_EPOCHS = 1e6
"""Epochs that can be asked for."""

SHARED_RULES: dict[str, Rule] = {
    "epochs": optional(Real(0, MOST_EPOCHS, above=True)),
    "seconds": optional(Real(0, above=True)),
    "batch_size": optional(Whole(1)),
    "optimizer": Choice(configs.OPTIMIZERS),
    "learning_rate": optional(Real(0, above=True)),
    "momentum": Real(0, 1, below=True),
    "weight_decay": optional(Real(0)),
    "schedule": Choice(configs.SCHEDULES),
    "label_smoothing": Real(0, 1, below=True),
    "ema": Real(0, 1, below=True),
    "clip_norm": optional(Real(0)),
    "patience": optional(Whole(1)),
    "class_weight": Either(
        (Kind((type(None), dict), "None or a dictionary"), Choice(("balanced",)))
    ),
    "augmentation": optional(Choice(LEVELS)),
    "flip": optional(FLAG),
    "size": optional(Either((Whole(1), Kind((tuple, list), "(height, width)")))),
    "test_share": Real(0, 1, below=True),
    "device": Choice(DEVICES),
    "threads": optional(Whole(1)),
    "verbose": FLAG,
}
"""What the parameters of all classifiers may be."""


class Wished(Protocol):
    """The parameters of training by gradient descent, as an estimator holds them."""

    epochs: float | None
    seconds: float | None
    optimizer: configs.Optimizer
    learning_rate: float | None
    momentum: float
    weight_decay: float | None
    schedule: configs.Schedule
    label_smoothing: float
    ema: float
    clip_norm: float | None
    patience: int | None


def configured(
    wished: Wished, task: ClassifierTask, network: nn.Module, run: Run, began: float
) -> TrainingConfig:
    """Decide everything that was left open; a budget of seconds is measured once."""
    count = len(task.data.split.train)
    batch = task.batches.batch_size
    default = configs.epochs_for(count, batch)
    epochs = default if wished.epochs is None else wished.epochs
    steps = max(round(epochs * len(task.batches)), 1)
    normalised = any(isinstance(one, _BatchNorm) for one in network.modules())
    rate = wished.learning_rate or configs.learning_rate_for(
        wished.optimizer, batch, normalised=normalised
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
        label_smoothing=wished.label_smoothing,
        ema=wished.ema,
        clip_norm=_clip_norm(wished.clip_norm, normalised=normalised),
        patience=wished.patience,
        seed=task.seed,
    )

    def affordable() -> int:
        if wished.seconds is None:
            return steps
        pace = measure_pace(network, task.batches, task.loss_of, config, task.device, task.judge)
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


def check_trainable(plan: Plan, batch_size: int, pictures: int, *, kept: int = 0) -> None:
    """Refuse a network that gradient descent cannot teach to tell classes apart.

    Parameters
    ----------
    kept : int
        First layers whose normalisations keep their statistics.

    Raises
    ------
    UsageError
        For batches of one picture with batch normalisation, and for a last layer that already
        squashes its sums.
    """
    fewest = pictures // -(-pictures // batch_size)  # batches differ by one picture at most
    taught = replace(plan, layers=plan.layers[kept:], fixed=0).walk()
    if fewest < 2 and any(isinstance(one.layer, BatchNorm) for one in taught):
        raise UsageError(
            "batch_size",
            needed="at least 2 pictures a step for batch normalisation",
            came="1",
            remedy="choose a larger batch, or a network without batchnorm",
        )
    last = plan.layers[-1].layer
    if isinstance(last, Dense | Activation):
        function = last.activation if isinstance(last, Dense) else last.function
        if function in ("softmax", "sigmoid"):
            raise UsageError(
                f"layer {plan.layers[-1].number}",
                needed="plain sums at the end: the loss and predict_proba apply the softmax",
                came=function,
                remedy=f"end the network with 'dense {plan.output[0]}'",
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
