"""What the loop needs of what labels say: batches, loss, judge, and what is kept at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from foveal.arrays import Hashes, Rows
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.descent import Habits, Trained, batch_size_of
from foveal.learning.earlier import Earlier
from foveal.learning.familiarity import familiar
from foveal.learning.held import Held
from foveal.learning.options import Descent, Pixels
from foveal.learning.picture_task import PictureTask
from foveal.model.fitted import FittedModel
from foveal.model.freezing import best_network, freeze
from foveal.nets.plan import Plan, plan
from foveal.nets.spec import Network
from foveal.pictures.augment import Augmentation
from foveal.recipe import PictureRecipe
from foveal.targets.labelled import Labelled
from foveal.training import config as configs
from foveal.training.steps import LossOf, Scores, judged_at_once, logits_of

EASED = 0.3
"""Share of the usual learning rate with which the weights of an earlier model go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledTask(PictureTask[Labelled]):
    """A network in training that is to say what labels say: how it is taught and judged."""

    earlier: Earlier | None = None
    """Whose weights it begins with; drawn ones where there is none."""

    @property
    def loss_of(self) -> LossOf:
        """The loss to minimise."""
        return self.data.target.loss(self.data.taught, self.device.name)

    @property
    def habits(self) -> Habits:
        """What its training does where nothing else is asked for."""
        return Habits(
            epochs=configs.epochs_for(len(self.data.split.train), self.batch_size),
            label_smoothing=self.data.target.label_smoothing,
            eased=1.0 if self.earlier is None else EASED,
        )

    def initial(self, network: nn.Sequential) -> nn.Sequential:
        """Begin with weights as they are drawn, or with those of an earlier model."""
        return network if self.earlier is None else self.earlier.begun(network, self.data.target)

    def _ever(self, rows: Rows, before: Callable[[FittedModel], Hashes]) -> Hashes:
        """Return the hashes of rows, with those that an earlier model has beside them."""
        own: Hashes = self.data.store.hashes[rows]
        return own if self.earlier is None else np.union1d(own, before(self.earlier.model))

    def logits(self, network: nn.Module) -> torch.Tensor:
        """Run the validation pictures through a network."""
        return logits_of(network, self._validation())

    def _validation(self) -> Iterator[torch.Tensor]:
        size = judged_at_once(self.device.name)
        return self.data.inputs(self.data.split.validation, size, self.device.name)

    def judge(self, network: nn.Module) -> Scores | None:
        """Score a network on the validation pictures; None where there are none."""
        rows = self.data.split.validation
        if not len(rows):
            return None
        return self.data.target.judge(self.logits(network), self.data.values[rows])

    def frozen(self, plan: Plan, trained: Trained) -> FittedModel:
        """Make the fitted model of the best weights, its temperature fitted on validation."""
        state, data, rows = trained.state, self.data, self.data.split.validation
        network = best_network(plan, state, self.device)
        outputs = np.empty((0, data.target.outputs or 0))
        if len(rows):
            outputs = self.logits(network).double().numpy()
        held = Held(data, outputs, rows, "validation")
        best = state.best
        model = freeze(
            plan,
            network,
            data.recipe,
            self.device,
            target=held.target,
            temperature=held.temperature if len(rows) else 1.0,
            trained_on=self._ever(data.split.train, lambda old: old.trained_on),
            chosen_on=self._ever(rows, lambda old: old.chosen_on),
            held_out=held.kept,
            state=state,
            config=trained.config,
            augmentation=self.augmentation.level,
            flip=self.augmentation.flip,
            class_counts=[int(count) for count in data.class_counts],
            validation_pictures=len(rows),
            validation_right=best.right if best else None,
            validation_effective=held.worth if len(rows) else None,
            calibrated_loss=held.calibrated_loss,
            figures=held.figures or None,
            unjudged=unjudged(data, rows),
            labelled_by=list(data.labelled_by) or None,
        )
        model.familiar = familiar(model, data, data.split.train, rows, self.context)
        return model


def unjudged(data: TrainingData[Labelled], rows: Rows) -> list[int] | None:
    """List the classes of which no held-out picture is there; None where all are judged."""
    counts = data.target.counts(data.values[rows])
    found: list[int] = np.flatnonzero(counts == 0).tolist()
    return found if found and len(rows) else None


def scratch_task(
    data: TrainingData[Labelled],
    asked: Descent,
    pixels: Pixels,
    context: FitContext,
    earlier: Earlier | None = None,
) -> LabelledTask:
    """Decide how a network from scratch is taught: batches, variations, mirroring."""
    count = len(data.split.train)
    level = pixels.augmentation or configs.augmentation_for(count)
    colour = data.recipe.channels == 3 and pixels.augmentation != "none"
    flip = colour if pixels.flip is None else pixels.flip
    notes = ("pictures are not mirrored: grey ones may be characters (`flip` allows it)",)
    return LabelledTask(
        data=data,
        context=context,
        batch_size=batch_size_of(asked, count),
        augmentation=Augmentation(level=level, flip=flip),
        notes=() if flip or level == "none" else notes,
        earlier=earlier,
    )


def scratch_plan(
    net: str | Network | Plan,
    target: Labelled,
    recipe: PictureRecipe,
    earlier: Earlier | None = None,
) -> Plan:
    """Plan a network for pictures and for what is to be said of them.

    Raises
    ------
    UsageError
        For a network that does not suit them.
    """
    described = net.network if isinstance(net, Plan) else net
    if earlier is None:
        found = plan(described, input=recipe.shape, classes=target.outputs)
    else:
        found = earlier.planned(described, target)
    target.check_end(found)
    return found
