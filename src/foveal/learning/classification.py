"""What the loop needs of a classifier: batches, loss, judge, and what is kept at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from foveal.device import Device
from foveal.errors import UsageError
from foveal.evaluation.calibration import fit_temperature
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.descent import Habits, Trained, batch_size_of, check_batches, planned
from foveal.learning.options import Descent, Labels, Pixels
from foveal.model.fitted import FittedModel
from foveal.model.freezing import best_network, freeze
from foveal.model.held_out import HeldOutLogits
from foveal.nets.plan import Plan, plan
from foveal.nets.spec import Activation, Dense, Network
from foveal.parameters import Real
from foveal.pictures.augment import Augmentation
from foveal.progress.events import Planned
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.steps import (
    Batches,
    LossOf,
    Scores,
    classification,
    judge_logits,
    logits_of,
)

JUDGING_BATCH = 256
"""Validation pictures that go through the network at once."""


@dataclass(slots=True, kw_only=True)
class ClassifierTask:
    """A classifier in training: its pictures and how its network is taught and judged on them."""

    data: TrainingData
    context: FitContext
    batch_size: int
    augmentation: Augmentation
    labels: Labels
    notes: tuple[str, ...] = ()
    """What a reader of its plan should know."""

    @property
    def batches(self) -> Batches:
        """The training pictures, by epoch."""
        return self.data.batches(
            self.batch_size, self.augmentation, self.context.seed, self.device.name
        )

    @property
    def loss_of(self) -> LossOf:
        """The loss to minimise."""
        weights = class_weights(self.labels.class_weight, self.data)
        return classification(
            self.labels.label_smoothing, None if weights is None else weights.to(self.device.name)
        )

    @property
    def habits(self) -> Habits:
        """What its training does where nothing else is asked for."""
        return Habits(
            epochs=configs.epochs_for(len(self.data.split.train), self.batch_size),
            label_smoothing=self.labels.label_smoothing,
        )

    @property
    def device(self) -> Device:
        """Where it is computed."""
        return self.context.device

    def initial(self, network: nn.Sequential) -> nn.Sequential:
        """Begin with weights as they are drawn."""
        return network

    def planned(self, plan: Plan, config: TrainingConfig) -> Planned:
        """Return the event that says what is trained, and how."""
        return planned(
            plan,
            config,
            epochs=config.steps / len(self.batches),
            augmentation=self.augmentation.level,
            flip=self.augmentation.flip,
            notes=self.notes,
        )

    def logits(self, network: nn.Module) -> torch.Tensor:
        """Run the validation pictures through a network."""
        return logits_of(network, self._validation())

    def _validation(self) -> Iterator[torch.Tensor]:
        return self.data.inputs(self.data.split.validation, JUDGING_BATCH, self.device.name)

    def judge(self, network: nn.Module) -> Scores | None:
        """Score a network on the validation pictures; None where there are none."""
        rows = self.data.split.validation
        if not len(rows):
            return None
        return judge_logits(self.logits(network), torch.from_numpy(self.data.class_ids[rows]))

    def frozen(self, plan: Plan, trained: Trained) -> FittedModel:
        """Make the fitted model of the best weights, its temperature fitted on validation."""
        state, data, rows = trained.state, self.data, self.data.split.validation
        network = best_network(plan, state, self.device)
        temperature, worth, held_out = 1.0, None, None
        if len(rows):
            logits = self.logits(network).double().numpy()
            temperature = fit_temperature(logits, data.class_ids[rows])
            held_out = HeldOutLogits.of(data.store.hashes[rows], logits)
            worth = data.worth(logits.argmax(axis=1) == data.class_ids[rows], rows)
        best = state.best
        return freeze(
            plan,
            network,
            data.recipe,
            self.device,
            classes=data.classes,
            temperature=temperature,
            trained_on=data.store.hashes[data.split.train],
            chosen_on=data.store.hashes[rows],
            held_out=held_out,
            state=state,
            config=trained.config,
            augmentation=self.augmentation.level,
            flip=self.augmentation.flip,
            class_counts=[int(count) for count in data.class_counts],
            validation_pictures=len(rows),
            validation_right=round((best.accuracy or 0.0) * best.pictures) if best else None,
            validation_effective=worth,
        )


def scratch_task(
    data: TrainingData, asked: Descent, pixels: Pixels, labels: Labels, context: FitContext
) -> ClassifierTask:
    """Decide how a classifier from scratch is taught: batches, variations, mirroring."""
    count = len(data.split.train)
    level = pixels.augmentation or configs.augmentation_for(count)
    colour = data.recipe.channels == 3 and pixels.augmentation != "none"
    flip = colour if pixels.flip is None else pixels.flip
    notes = ("pictures are not mirrored: grey ones may be characters (`flip` allows it)",)
    return ClassifierTask(
        data=data,
        context=context,
        batch_size=batch_size_of(asked, count),
        augmentation=Augmentation(level=level, flip=flip),
        labels=labels,
        notes=() if flip or level == "none" else notes,
    )


def scratch_plan(net: str | Network | Plan, data: TrainingData, asked: Descent) -> Plan:
    """Plan a network for the pictures and the classes that there are."""
    described = net.network if isinstance(net, Plan) else net
    found = plan(described, input=data.recipe.shape, classes=len(data.classes))
    count = len(data.split.train)
    check_trainable(found, batch_size_of(asked, count), count)
    return found


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


def check_trainable(plan: Plan, batch_size: int, pictures: int, *, kept: int = 0) -> None:
    """Refuse a network that gradient descent cannot teach to tell classes apart.

    Parameters
    ----------
    kept : int
        First layers whose normalisations keep their statistics.

    Raises
    ------
    UsageError
        Where `check_batches` does, and for a last layer that already squashes its sums.
    """
    check_batches(plan, batch_size, pictures, kept=kept)
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
