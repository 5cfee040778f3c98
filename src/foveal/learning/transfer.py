"""What a transfer does with features: fit the head, fine-tune what is above the cut, assemble."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import nn

from foveal.arrays import Doubles, Rows
from foveal.backbones.catalog import Backbone, Stage
from foveal.backbones.cutting import cut, fixed_layers
from foveal.inference.extracting import Extraction
from foveal.inference.features import Features
from foveal.inference.frozen import FrozenNetwork
from foveal.inference.session import Session
from foveal.learning.classification import LabelledTask, unjudged
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.descent import (
    Trained,
    batch_size_of,
    budget_of,
    check_batches,
    configured,
    finished,
    follow,
    planned,
)
from foveal.learning.familiarity import familiar
from foveal.learning.heads import ON_MAPS, head_layers
from foveal.learning.held import Held
from foveal.learning.transfer_config import TransferConfig
from foveal.learning.transfer_options import LOGISTIC, RIDGE
from foveal.model.card import Fit, Origin
from foveal.model.fitted import FittedModel, placed
from foveal.model.freezing import freeze
from foveal.nets.build import build, part
from foveal.nets.numbering import Numbering
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import GlobalPool, Network
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import feature_tensor
from foveal.progress.events import HeadFitted
from foveal.recipe import PictureRecipe
from foveal.targets.blocks import IN_MEMORY, WIDEST, FeatureBlocks
from foveal.targets.head import FittedHead, Vectors
from foveal.targets.labelled import Labelled
from foveal.training import config as configs
from foveal.training.loop import TrainingState, start
from foveal.training.steps import logits_of

AT_ONCE = 256
"""Features that go through the layers above the cut at once."""


class Transfer:
    """One transfer: a backbone cut at a stage, and what is to be trained above it."""

    def __init__(
        self, backbone: Backbone, stage: Stage, config: TransferConfig, context: FitContext
    ) -> None:
        self.backbone, self.stage = backbone, stage
        self.config, self.context, self.device = config, context, context.device
        self.head = head_layers(config.start.head)
        self.fine = bool(config.start.fine_tune_epochs)
        self.pooled = not (self.fine or isinstance(self.head[0], ON_MAPS))
        averaged = self.pooled and len(backbone.shape(stage)) == 3  # by the cut already
        self.dropped = int(averaged and isinstance(self.head[0], GlobalPool))
        """First layers of the head as it was typed that are not needed."""
        self.head = self.head[self.dropped :]
        self.fixed = fixed_layers(backbone, stage, pooled=self.pooled)
        above = backbone.layers(stage.end, backbone.stages[-1].end)
        self.kept = (*self.fixed, *(above if self.fine else ()))
        """Layers of the backbone, in front of the head."""

    @cached_property
    def cut(self) -> FrozenNetwork:
        """What pictures go through: the backbone up to the cut."""
        return cut(self.backbone, self.stage, pooled=self.pooled)

    def extraction(self, recipe: PictureRecipe) -> Extraction:
        """Describe how the features are made that the head is fitted on."""
        start = self.config.start
        return Extraction(
            session=Session(self.cut, recipe, self.device, engine=start.here),
            float16=start.float16,
            cluster=start.cluster,
            views=self.config.views.views,
            augmentation=self.config.variations(recipe),
        )

    def suits(self, target: Labelled, recipe: PictureRecipe) -> None:
        """Refuse a head that does not suit what is to be said of pictures.

        Raises
        ------
        UsageError
            As `foveal.nets.plan.plan` and the target do.
        """
        planned = self.plan(target.outputs)
        if not self.config.start.at_once:
            target.check_end(planned)

    def plan(self, outputs: int | None) -> Plan:
        """Plan the whole network: fixed layers, those above the cut that are kept, the head."""
        below = plan_network(Network(self.kept, self.backbone.plan.input))
        maps = len(below.output) == 3 and not isinstance(self.head[0], (*ON_MAPS, GlobalPool))
        between = [GlobalPool()] if maps else []
        network = Network((*self.kept, *between, *self.head), self.backbone.plan.input)
        before = len(below.layers) + len(between) - self.dropped
        planned = plan_network(network, None, outputs, Numbering((("head", before),)))
        return replace(planned, fixed=len(self.fixed))

    def fit(self, data: TrainingData[Labelled]) -> FittedModel:
        """Fit the head, fine-tune where that is asked for, and put the model together."""
        run, plan = self.context.run, self.plan(data.target.outputs)
        network = placed(self._initial(plan), self.device)
        head = part(network, plan, len(self.kept))
        top = self._beyond(data, part(network, plan, len(self.fixed), len(self.kept)))
        fitted: FittedHead | None = None
        trained: Trained | None = None
        if self.config.start.at_once:
            if not self.fine:
                run.tell(planned(plan, None))
            fitted, held = self._regression(top, head)
            doubts = held.doubts(self._remedies(), fixed=not self.fine)
            run.tell(_head_fitted(fitted, held, doubts))
        else:
            held, trained = self._descent(top, head, plan)
        if self.fine:
            rest = part(network, plan, len(self.fixed))
            held, trained = self._fine_tuned(data, rest, plan)
        model = self._assembled(plan, network, data, held, fitted, trained)
        if trained is not None:
            known = model.provenance
            doubts = data.target.doubts(
                known.held_out_figures, known.class_counts, self._remedies()
            )
            run.tell(finished(trained.state, doubts))
        return model

    def _initial(self, plan: Plan) -> nn.Sequential:
        """Build the network with the backbone's weights and fresh ones in the head."""
        network = build(plan, seed=self.context.seed_of("weights"))
        state = network.state_dict()
        own = part(network, plan, 0, len(self.kept)).state_dict()
        network.load_state_dict({**state, **{name: self.backbone.weights[name] for name in own}})
        return network

    def _beyond(
        self, data: TrainingData[Labelled], middle: nn.Sequential
    ) -> TrainingData[Labelled]:
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
        self, data: TrainingData[Labelled], head: nn.Sequential
    ) -> tuple[FittedHead, Held]:
        """Fit a head at once: judged on held-out pictures, then on all but the test ones."""
        train, validation = data.split.train, data.split.validation
        found = self._fit_on(data, train, self.config.start.C)
        if len(validation):
            held = Held(data, _outputs(data, validation, found), validation, "validation")
        else:
            judged = train[found.held_out]
            held = Held(data, found.held_out_outputs_nk, judged, "cross-validation")
        if len(validation) and not self.fine:  # fine-tuning is still to be judged on them
            every = np.sort(np.concatenate([train, validation]))
            again = self._fit_on(data, every, found.C, judged=False)
            found = replace(again, folds=found.folds, seconds=found.seconds + again.seconds)
        last = head[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.copy_(torch.from_numpy(found.weight_kd))
            last.bias.copy_(torch.from_numpy(found.bias_k))
        return found, held

    def _fit_on(
        self, data: TrainingData[Labelled], rows: Rows, C: float | None, *, judged: bool = True
    ) -> FittedHead:
        examples = data.examples(rows, _vectors(data, rows), self.context)
        return data.target.fit_head(examples, data.taught, C, judged=judged)

    def _remedies(self) -> list[str]:
        """Say what may help classes that are not told apart, of what this transfer takes."""
        sized = self.backbone.source != "model"
        taught = not self.config.start.at_once
        return [
            *["give larger ones (`size`)"] * sized,
            *["train for more `epochs`"] * taught,
            "or fine-tune for more epochs (`fine_tune_epochs`)"
            if self.fine
            else "or fine-tune the network (`fine_tune_epochs`)",
        ]

    def _task(self, data: TrainingData[Labelled], note: str = "") -> LabelledTask:
        return LabelledTask(
            data=data,
            context=self.context,
            batch_size=batch_size_of(self.config.descent, len(data.split.train)),
            augmentation=Augmentation(level="none"),
            notes=(note,) if note else (),
        )

    def _descent(
        self, data: TrainingData[Labelled], head: nn.Sequential, plan: Plan
    ) -> tuple[Held, Trained]:
        """Train the head by gradient descent on features, through the one loop."""
        task, run = self._task(data), self.context.run
        check_batches(plan, task.fewest, kept=len(self.kept))
        config = configured(self.config.descent, task, head, self.context)
        run.tell(task.planned(plan, config))
        state = start(head, config)
        if not self.fine:
            run.restore(state)
        budget = budget_of(self.config.descent, config, self.context)
        follow(task, state, config, self.context, budget=budget, keep=not self.fine)
        trained = Trained(configs.with_steps(config, state.steps), state)
        return self._taken(task, head, state), trained

    def _fine_tuned(
        self, data: TrainingData[Labelled], rest: nn.Sequential, plan: Plan
    ) -> tuple[Held, Trained]:
        """Train what is above the cut, the part below from what is kept of it."""
        task, run, asked = self._task(data, "fine-tuning"), self.context.run, self.config.start
        config = configs.fine_tuning(
            epochs=asked.fine_tune_epochs,
            steps_per_epoch=len(task.batches),
            batch_size=task.batch_size,
            rate=asked.fine_tune_rate,
            label_smoothing=data.target.label_smoothing,
            seed=self.context.seed,
        )
        decided = "steps" if asked.at_once else "fine-tuning steps"  # a head had steps of its own
        config = configs.with_steps(config, run.decide(decided, lambda: config.steps))
        run.tell(task.planned(plan, config))
        state = start(rest, config)
        run.restore(state)
        if state.step == 0:
            state.judged(task.judge(rest), 0)  # the head alone may prove to be the best
        follow(task, state, config, self.context)
        return self._taken(task, rest, state), Trained(config, state)

    def _taken(self, task: LabelledTask, network: nn.Sequential, state: TrainingState) -> Held:
        """Load the best weights; return what held-out pictures say of them."""
        network.load_state_dict(state.chosen)
        network.eval()
        rows = task.data.split.validation
        outputs = np.empty((0, task.data.target.outputs or 0))
        if len(rows):
            outputs = task.logits(network).double().numpy()
        return Held(task.data, outputs, rows, "validation")

    def _assembled(
        self,
        plan: Plan,
        network: nn.Sequential,
        data: TrainingData[Labelled],
        held: Held,
        fitted: FittedHead | None,
        trained: Trained | None,
    ) -> FittedModel:
        split, hashes = data.split, data.store.hashes
        views, varied = self.config.views.views, self.config.variations(data.recipe)
        refitted = fitted is not None and not self.fine
        taught = np.concatenate([split.train, split.validation]) if refitted else split.train
        network.requires_grad_(False)
        model = freeze(
            plan,
            network.eval(),
            data.recipe,
            self.device,
            target=held.target,
            temperature=held.temperature,
            trained_on=hashes[np.sort(taught)],
            chosen_on=hashes[split.validation if not refitted else split.validation[:0]],
            held_out=held.kept,
            state=trained.state if trained else None,
            snapshots=False,
            config=trained.config if trained else None,
            logistic=_fit(fitted, views) if data.target.head == LOGISTIC else None,
            ridge=_fit(fitted, views) if data.target.head == RIDGE else None,
            backbone=Origin(
                name=self.backbone.name,
                source=self.backbone.source,
                sha256=self.backbone.sha256,
                stage=self.stage.name,
            ),
            augmentation=varied.level if views > 1 else "none",
            flip=varied.flip and views > 1,
            class_counts=[int(count) for count in data.target.counts(data.values[taught])],
            judged_by=held.judged_by if len(held.rows) else "nothing",
            validation_pictures=len(held.rows),
            validation_right=held.right,
            validation_effective=held.worth,
            calibrated_loss=held.calibrated_loss,
            figures=held.figures or None,
            unjudged=unjudged(data, held.rows),
            labelled_by=list(data.labelled_by) or None,
        )
        only_held = np.setdiff1d(split.validation, taught)
        model.familiar = familiar(model, data, np.sort(taught), only_held, self.context)
        return model


def _fit(fitted: FittedHead | None, views: int) -> Fit | None:
    """Return what a model's provenance says of a head that was fitted at once."""
    if fitted is None:
        return None
    return Fit(C=float(fitted.C), folds=fitted.folds, views=views)


def _chunks(rows: Rows) -> list[Rows]:
    return [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)]


def _vectors(data: TrainingData[Labelled], rows: Rows) -> Vectors:
    """Return the features of all views as vectors, (views, n, features), read later where many."""
    views = data.store.views
    width = int(views[0][rows[:1]].size)
    blocks = FeatureBlocks(views, rows, width)
    if blocks.size > IN_MEMORY and width <= WIDEST:
        return blocks
    found = np.stack([view[rows] for view in data.store.views])
    return found.reshape(*found.shape[:2], -1)


def _outputs(data: TrainingData[Labelled], rows: Rows, head: FittedHead) -> Doubles:
    """Compute what a head makes of pictures as they are, (n, k)."""
    features = _vectors(data, rows)
    if not isinstance(features, FeatureBlocks):
        outputs = features[0] @ head.weight_kd.T + head.bias_k
        return np.asarray(outputs, dtype=np.float64)
    first = replace(features, views=features.views[:1])
    parts = [block @ head.weight_kd.T + head.bias_k for _, block in first.blocks()]
    return np.concatenate(parts, dtype=np.float64)


def _head_fitted(head: FittedHead, held: Held, notes: tuple[str, ...]) -> HeadFitted:
    return HeadFitted(
        fit=held.target.head or "",
        C=head.C,
        folds=head.folds,
        figures={name: one.plain() for name, one in held.figures.items()},
        log_loss=held.loss,
        right=held.right,
        judged=len(held.rows),
        judged_by=held.judged_by,
        seconds=head.seconds,
        notes=notes,
    )
