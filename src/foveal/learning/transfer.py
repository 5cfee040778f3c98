"""What a transfer does with features: fit the head, fine-tune what is above the cut, assemble."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from scipy.special import log_softmax
from torch import nn

from foveal import randomness
from foveal.backbones.catalog import Backbone, Stage
from foveal.backbones.cutting import cut, fixed_layers
from foveal.device import Device
from foveal.errors import UsageError
from foveal.evaluation.calibration import fit_temperature
from foveal.inference.features import Features
from foveal.learning.classification import (
    JUDGING_BATCH,
    ClassifierTask,
    check_trainable,
    class_weights,
)
from foveal.learning.cuts import LOGISTIC
from foveal.learning.data import TrainingData
from foveal.learning.descent import configured, finished
from foveal.learning.logistic import LogisticHead, fit_head
from foveal.model.card import Logistic, Origin, Provenance
from foveal.model.fitted import FittedModel, placed
from foveal.nets import notation
from foveal.nets.build import build, part
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import (
    AvgPool,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    DepthToSpace,
    Flatten,
    GlobalPool,
    Layer,
    MaxPool,
    Network,
    Offset,
    Residual,
    Resize,
    SpaceToDepth,
    Upsample,
)
from foveal.pictures.augment import Augmentation, Level
from foveal.pictures.batches import feature_tensor
from foveal.pictures.splits import Rows
from foveal.progress.events import HeadFitted, Planned
from foveal.recipe import PictureRecipe
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.loop import TrainingState, start, train
from foveal.training.run import Run
from foveal.training.steps import logits_of
from foveal.version import __version__

if TYPE_CHECKING:
    from foveal.estimators.transfer import TransferClassifier

ON_MAPS = (
    *(Conv, ConvTranspose, MaxPool, AvgPool, Flatten, Residual),
    *(SpaceToDepth, DepthToSpace, Upsample, Resize, Centre, Offset),
)
"""Layers with which a head takes maps as they are; before any other they are averaged."""
WEAK = 0.9
"""Held-out accuracy below which fine-tuning is likely to help."""
FEW = 20
"""Pictures of the smallest class below which a figure says little."""


@dataclass(slots=True)
class Held:
    """What held-out pictures say of a model."""

    logits_nk: np.ndarray[Any, Any]
    codes_n: Rows
    judged_by: Literal["validation", "cross-validation"]

    @property
    def right(self) -> int:
        """Pictures answered right."""
        return int((self.logits_nk.argmax(axis=1) == self.codes_n).sum())

    @property
    def log_loss(self) -> float | None:
        """Mean log loss, natural logarithm."""
        if not len(self.codes_n):
            return None
        logs = log_softmax(self.logits_nk, axis=1)
        return -float(logs[np.arange(len(self.codes_n)), self.codes_n].mean())


class Transfer:
    """One transfer: a backbone cut at a stage, and what is to be trained above it."""

    def __init__(
        self,
        backbone: Backbone,
        stage: Stage,
        learner: TransferClassifier,
        *,
        seed: int,
        device: Device,
    ) -> None:
        self.backbone, self.stage, self.learner = backbone, stage, learner
        self.seed, self.device = seed, device
        self.head = _head_layers(learner.head)
        self.fine = bool(learner.fine_tune)
        self.logistic = learner.head == LOGISTIC
        pooled = not (self.fine or isinstance(self.head[0], ON_MAPS))
        if pooled and isinstance(self.head[0], GlobalPool) and len(backbone.shape(stage)) == 3:
            self.head = self.head[1:]  # the cut averages the maps already
        self.fixed = fixed_layers(backbone, stage, pooled=pooled)
        self.cut = cut(backbone, stage, pooled=pooled)

    def plan(self, classes: int) -> Plan:
        """Plan the whole network: fixed layers, those above the cut that are kept, the head."""
        above = self.backbone.layers(self.stage.end, self.backbone.stages[-1].end)
        kept = (*self.fixed, *(above if self.fine else ()))
        top = plan_network(Network(kept, self.backbone.plan.input)).output
        maps = len(top) == 3 and not isinstance(self.head[0], (*ON_MAPS, GlobalPool))
        layers = (*kept, *([GlobalPool()] if maps else []), *self.head)
        self.kept = len(kept)
        planned = plan_network(Network(layers, self.backbone.plan.input), None, classes)
        return replace(planned, fixed=len(self.fixed))

    def fit(self, data: TrainingData, run: Run, began: float) -> FittedModel:
        """Fit the head, fine-tune where that is asked for, and put the model together."""
        plan = self.plan(len(data.classes))
        network = placed(self._initial(plan), self.device)
        head = part(network, plan, self.kept)
        top = self._beyond(data, part(network, plan, len(self.fixed), self.kept))
        config: TrainingConfig | None = None
        logistic: LogisticHead | None = None
        state: TrainingState | None = None
        if self.logistic:
            if not self.fine:
                run.tell(_planned(plan, None, self._task(data), ()))
            logistic, held, notes = self._regression(top, head)
            run.tell(_head_fitted(logistic, held, notes))
        else:
            held, config, state = self._descent(top, head, plan, run, began)
        if self.fine:
            rest = part(network, plan, len(self.fixed))
            held, config, state = self._fine_tuned(data, rest, plan, run, held)
        if state is not None:
            run.tell(finished(state))
        return self._assembled(plan, network, data, held, config, logistic, state)

    def _initial(self, plan: Plan) -> nn.Sequential:
        """Build the network with the backbone's weights and fresh ones in the head."""
        network = build(plan, seed=randomness.derive(self.seed, "weights"))
        state = network.state_dict()
        own = part(network, plan, 0, self.kept).state_dict()
        network.load_state_dict({**state, **{name: self.backbone.weights[name] for name in own}})
        return network

    def _beyond(self, data: TrainingData, middle: nn.Sequential) -> TrainingData:
        """Take features on through the layers between the cut and the head."""
        if not len(middle):
            return data
        store = data.store
        assert isinstance(store, Features)
        views = tuple(
            logits_of(
                middle,
                (
                    feature_tensor(view[rows], self.device.name)
                    for rows in _chunks(np.arange(len(store.reasons)))
                ),
            ).numpy()
            for view in store.views
        )
        return replace(data, store=replace(store, views=views))

    def _regression(
        self, data: TrainingData, head: nn.Sequential
    ) -> tuple[LogisticHead, Held, list[str]]:
        """Fit the logistic head: judged on held-out pictures, then on all but the test ones."""
        train, validation = data.split.train, data.split.validation
        found = self._fit_on(data, train, self.learner.strength)
        if len(validation):
            features = _vectors(data, validation)[0]
            logits = features @ found.weight_kd.T + found.bias_k
            held = Held(logits.astype(np.float64), data.codes[validation], "validation")
        else:
            codes = data.codes[train][found.held_out]
            held = Held(found.held_out_logits_nk, codes, "cross-validation")
        if len(validation) and not self.fine:  # fine-tuning is still to be judged on them
            every = np.sort(np.concatenate([train, validation]))
            again = self._fit_on(data, every, found.strength, judged=False)
            found = replace(again, folds=found.folds, seconds=found.seconds + again.seconds)
        last = head[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.copy_(torch.from_numpy(found.weight_kd))
            last.bias.copy_(torch.from_numpy(found.bias_k))
        return found, held, self._notes(data, held)

    def _fit_on(
        self, data: TrainingData, rows: Rows, strength: float | None, *, judged: bool = True
    ) -> LogisticHead:
        weights = class_weights(self.learner.class_weight, data)
        return fit_head(
            _vectors(data, rows),
            data.codes[rows],
            data.store.hashes[rows],
            classes=len(data.classes),
            class_weights=None if weights is None else weights.numpy(),
            seed=self.seed,
            threads=self.device.threads,
            strength=strength,
            judged=judged,
        )

    def _notes(self, data: TrainingData, held: Held) -> list[str]:
        notes: list[str] = []
        smallest = int(data.class_counts.min())
        if smallest < FEW:
            notes.append(
                f"pictures of the smallest class: {smallest}; any figure on so few is rough"
            )
        if held.codes_n.size and held.right < WEAK * len(held.codes_n) and not self.fine:
            notes.append(
                "fixed kernels do not tell these classes apart well: fine-tuning is likely to "
                "help (--fine-tune 5)"
            )
        return notes

    def _task(self, data: TrainingData) -> ClassifierTask:
        learner, count = self.learner, len(data.split.train)
        return ClassifierTask(
            data=data,
            device=self.device,
            batch_size=min(learner.batch_size or configs.batch_size_for(count), count),
            augmentation=Augmentation(level="none"),
            class_weights=class_weights(learner.class_weight, data),
            label_smoothing=learner.label_smoothing,
            seed=self.seed,
        )

    def _descent(
        self, data: TrainingData, head: nn.Sequential, plan: Plan, run: Run, began: float
    ) -> tuple[Held, TrainingConfig, TrainingState]:
        """Train the head by gradient descent on features, through the one loop."""
        task = self._task(data)
        check_trainable(plan, task.batch_size, len(data.split.train), kept=self.kept)
        config = configured(
            self.learner,
            task,
            head,
            run,
            began,
            usual_epochs=configs.epochs_for(len(data.split.train), task.batch_size),
            label_smoothing=self.learner.label_smoothing,
        )
        run.tell(_planned(plan, config, task, ()))
        state = start(head, config)
        if not self.fine:
            run.restore(state)
        events = train(state, task.batches, task.loss_of, task.judge, config, self.device)
        run.watch(events, state, keep=not self.fine)
        return self._taken(task, head, state), config, state

    def _fine_tuned(
        self, data: TrainingData, rest: nn.Sequential, plan: Plan, run: Run, before: Held
    ) -> tuple[Held, TrainingConfig, TrainingState]:
        """Train what is above the cut, the part below from what is kept of it."""
        task = self._task(data)
        config = configs.fine_tuning(
            epochs=self.learner.fine_tune,
            steps_per_epoch=len(task.batches),
            batch_size=task.batch_size,
            rate=self.learner.fine_tune_rate,
            label_smoothing=self.learner.label_smoothing,
            seed=self.seed,
        )
        decided = "steps" if self.logistic else "fine-tuning steps"  # a head had steps of its own
        config = configs.with_steps(config, run.decide(decided, lambda: config.steps))
        run.tell(_planned(plan, config, task, ("fine-tuning",)))
        state = start(rest, config)
        run.restore(state)
        if state.step == 0:
            state.judged(task.judge(rest), 0)  # the head alone may prove to be the best
        events = train(state, task.batches, task.loss_of, task.judge, config, self.device)
        run.watch(events, state)
        return self._taken(task, rest, state), config, state

    def _taken(self, task: ClassifierTask, network: nn.Sequential, state: TrainingState) -> Held:
        """Give a network the best weights it had, and what held-out pictures say of them."""
        network.load_state_dict(state.best_weights or state.candidate.state_dict())
        network.eval()
        rows = task.data.split.validation
        if not len(rows):
            return Held(np.empty((0, len(task.data.classes))), rows, "validation")
        return Held(task.logits(network).double().numpy(), task.data.codes[rows], "validation")

    def _assembled(
        self,
        plan: Plan,
        network: nn.Sequential,
        data: TrainingData,
        held: Held,
        config: TrainingConfig | None,
        logistic: LogisticHead | None,
        state: TrainingState | None,
    ) -> FittedModel:
        split, hashes = data.split, data.store.hashes
        varied = variations(self.learner, data.recipe)
        refitted = logistic is not None and not self.fine
        trained = np.concatenate([split.train, split.validation]) if refitted else split.train
        provenance = Provenance(
            foveal=__version__,
            torch=torch.__version__,
            config=config,
            logistic=None
            if logistic is None
            else Logistic(
                strength=float(logistic.strength), folds=logistic.folds, views=self.learner.views
            ),
            backbone=Origin(
                name=self.backbone.name,
                source=self.backbone.source,
                sha256=self.backbone.sha256,
                stage=self.stage.name,
            ),
            augmentation=varied.level if self.learner.views > 1 else "none",
            flip=varied.flip and self.learner.views > 1,
            class_counts=[int(count) for count in np.bincount(data.codes[trained])],
            judged_by=held.judged_by if len(held.codes_n) else "nothing",
            validation_pictures=len(held.codes_n),
            validation_right=held.right if len(held.codes_n) else None,
            best_epoch=state.best_epoch if state else 0,
            snapshot_steps=[],
        )
        network.requires_grad_(False)
        return FittedModel(
            plan=plan,
            network=network.eval(),
            recipe=data.recipe,
            classes=data.classes,
            temperature=fit_temperature(held.logits_nk, held.codes_n),
            provenance=provenance,
            trained_on=hashes[np.sort(trained)],
            chosen_on=hashes[split.validation if not refitted else split.validation[:0]],
            snapshots=torch.empty(0),
            device=self.device,
        )


def variations(learner: TransferClassifier, recipe: PictureRecipe) -> Augmentation:
    """Decide how the further views of pictures vary."""
    level: Level = learner.augmentation or "light"
    mirrored = recipe.channels == 3 and level != "none"
    return Augmentation(level=level, flip=mirrored if learner.flip is None else learner.flip)


def _head_layers(text: str) -> tuple[Layer, ...]:
    """Read a head; a last dense layer with a node a class is added where it is missing."""
    if text == LOGISTIC:
        return (Dense(),)
    network = notation.read(text, also=(LOGISTIC,))
    if network.input is not None:
        raise UsageError(
            "head",
            needed="layers alone: the backbone decides what they take",
            came=text,
            remedy="leave the shape out",
        )
    last = network.layers[-1]
    open_end = isinstance(last, Dense) and last.nodes is None
    return network.layers if open_end else (*network.layers, Dense())


def _chunks(rows: Rows) -> list[Rows]:
    return [rows[at : at + JUDGING_BATCH] for at in range(0, len(rows), JUDGING_BATCH)]


def _vectors(data: TrainingData, rows: Rows) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Give the features of all views as vectors, (views, n, features)."""
    found = np.stack([view[rows] for view in data.store.views])
    return found.reshape(*found.shape[:2], -1)


def _head_fitted(head: LogisticHead, held: Held, notes: list[str]) -> HeadFitted:
    return HeadFitted(
        strength=head.strength,
        folds=head.folds,
        log_loss=held.log_loss,
        right=held.right if len(held.codes_n) else None,
        judged=len(held.codes_n),
        judged_by=held.judged_by,
        seconds=head.seconds,
        notes=tuple(notes),
    )


def _planned(
    plan: Plan, config: TrainingConfig | None, task: ClassifierTask, notes: tuple[str, ...]
) -> Planned:
    return Planned(
        network=plan.text,
        parameters=plan.parameters,
        multiply_adds=plan.multiply_adds,
        table=str(plan),
        config=config.to_dict() if config else {},
        augmentation="none",
        flip=False,
        epochs=config.steps / len(task.batches) if config else 0.0,
        notes=notes,
    )
