"""A learning curve of networks from scratch: each point is a whole training on fewer pictures.

Axes: n picture that is looked at, t that teaches, m that is judged, k name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from foveal.arrays import Array, Rows
from foveal.evaluation.label_thresholds import HALF
from foveal.judging.curve import LearningCurve
from foveal.judging.curve_points import FOLDS, SEED, Rounds, Shown, curve_of
from foveal.learning.classification import scratch_task
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.descent import descend
from foveal.learning.options import Descent, Pixels
from foveal.model.fitted import FittedModel
from foveal.model.freezing import best_network
from foveal.pictures.splits import Split
from foveal.pictures.store import Progress
from foveal.targets.named import Named
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.run import Run
from foveal.training.steps import judged_at_once, logits_of

ROUNDS = Rounds(sizes=5, deals=1, judged=2)
NOBODY = np.empty(0, dtype=np.intp)


def network_curve(
    model: FittedModel, shown: Shown, fitting: Progress | None = None
) -> LearningCurve:
    """Train its network anew on fewer pictures, and judge it on others.

    Every size is a training of its own, for two of five parts alone: intervals are wider than those
    of fitted heads. What was asked for of the model's training is asked for again; what follows
    from the number of pictures, such as epochs, follows it here. No picture chooses an epoch: the
    last weights are judged.

    Parameters
    ----------
    model : FittedModel
        A network from scratch, taught by gradient descent.
    shown : Shown
        The pictures.
    fitting : callable, optional
        Called with networks trained and in all.
    """
    config = model.provenance.config
    assert config is not None
    networks = _Networks(model, config, shown, shown.target.smoothed(config.label_smoothing))
    note = (
        f"each size is a training of its own, from drawn weights: {ROUNDS.judged} parts of {FOLDS} "
        f"are judged, by {ROUNDS.trainings} trainings; weights of classes, if any were asked for, "
        "are not known any more"
    )
    labels = f"each label is given from a probability of {HALF:g} on"
    notes = (note,) if shown.target.exclusive else (note, labels)
    return curve_of(shown, networks.answer, ROUNDS, fitting, notes)


@dataclass(frozen=True, eq=False, slots=True)
class _Networks:
    """What networks are trained on, and how."""

    model: FittedModel
    config: TrainingConfig
    shown: Shown
    target: Named

    def answer(self, taught: Rows, judged: Rows) -> Array:
        """Train a network by some rows, and return its outputs for others, (m, k)."""
        rows, source, known = self.shown.rows, self.shown.source, self.model.provenance
        data = TrainingData(
            store=source.store,
            target=self.target,
            values=source.values,
            units=source.store.hashes,
            split=Split(np.sort(rows[taught]), NOBODY, NOBODY),
            recipe=source.store.measured(source.recipe, rows[taught]),
        )
        context = FitContext(run=Run(), seed=SEED, device=self.model.device)
        descent = self._descent(len(taught))
        pixels = Pixels(augmentation=known.augmentation, flip=known.flip)
        task = scratch_task(data, descent, pixels, context)
        plan = self.model.plan
        network = best_network(plan, descend(task, plan, descent, context).state, context.device)
        size = judged_at_once(context.device.name)
        images = data.inputs(rows[judged], size, context.device.name)
        outputs: Array = logits_of(network, images).double().numpy()
        return outputs

    def _descent(self, count: int) -> Descent:
        """Ask for what the model's training was asked for, as it suits so many pictures."""
        config, before = self.config, max(len(self.model.trained_on), 1)
        usual, now = configs.batch_size_for(before), configs.batch_size_for(count)
        batch = min(now if config.batch_size == min(usual, before) else config.batch_size, count)
        epochs = config.steps / -(-before // config.batch_size)
        wanted = configs.epochs_for(count, batch) / configs.epochs_for(before, config.batch_size)
        usual_rate = configs.learning_rate_for(config.optimizer, config.batch_size)
        share = configs.learning_rate_for(config.optimizer, batch) / usual_rate
        return Descent(
            epochs=epochs * wanted,
            batch_size=batch,
            optimizer=config.optimizer,
            learning_rate=config.learning_rate * share,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            schedule=config.schedule,
            ema=config.ema,
            clip_norm=0.0 if config.clip_norm is None else config.clip_norm,
            precision=config.precision,
        )
