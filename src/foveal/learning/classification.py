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
from foveal.learning.data import TrainingData
from foveal.learning.descent import TRAINING_RULES, check_batches
from foveal.model.card import Provenance
from foveal.model.fitted import FittedModel, placed
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.nets.spec import Activation, Dense
from foveal.parameters import Choice, Either, Kind, Real, Rule
from foveal.pictures.augment import Augmentation
from foveal.training.config import TrainingConfig
from foveal.training.loop import TrainingState
from foveal.training.steps import Batches, LossOf, Scores, classification, judge_logits, logits_of
from foveal.version import __version__

SHARED_RULES: dict[str, Rule] = {
    **TRAINING_RULES,
    "label_smoothing": Real(0, 1, below=True),
    "class_weight": Either(
        (Kind((type(None), dict), "None or a dictionary"), Choice(("balanced",)))
    ),
}
"""What the parameters of all classifiers may be."""
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
        return self.data.batches(self.batch_size, self.augmentation, self.seed, self.device.name)

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
        return self.data.inputs(self.data.split.validation, JUDGING_BATCH, self.device.name)

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
            validation_right=round((best.accuracy or 0.0) * best.pictures) if best else None,
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
