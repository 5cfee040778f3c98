"""Training by gradient descent: what was left open is decided, and the loop runs to its end."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from foveal.allocator import give_back
from foveal.errors import UsageError
from foveal.learning.context import FitContext
from foveal.learning.options import Descent
from foveal.model.fitted import placed
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.nets.spec import BatchNorm
from foveal.progress.events import Finished, Planned
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.loop import TrainingState, start, train
from foveal.training.pace import Budget, measure_pace, steps_within
from foveal.training.steps import Batches, LossOf, Scores
from foveal.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a kind of training does where nothing else is asked for."""

    epochs: float
    """Times each picture is seen."""
    label_smoothing: float = 0.0
    squares: float = 0.999
    """Second beta of AdamW."""
    eased: float = 1.0
    """Share of the usual learning rate, where none is asked for."""
    gentle: bool = True
    """Whether networks without batch normalisation get half the usual learning rate."""


class Task(Protocol):
    """What is trained on which pictures: all that the loop needs besides the network."""

    @property
    def batches(self) -> Batches:
        """The training pictures, by epoch."""
        ...

    @property
    def fewest(self) -> int:
        """Pictures of the smallest step."""
        ...

    @property
    def loss_of(self) -> LossOf:
        """The loss to minimise."""
        ...

    @property
    def habits(self) -> Habits:
        """What its training does where nothing else is asked for."""
        ...

    def judge(self, network: nn.Module) -> Scores | None:
        """Score a network on the validation pictures; None where there are none."""
        ...

    def initial(self, network: nn.Sequential) -> nn.Sequential:
        """Bring a network with drawn weights to where its training begins."""
        ...

    def planned(self, plan: Plan, config: TrainingConfig) -> Planned:
        """Return the event that says what is trained, and how."""
        ...


@dataclass(frozen=True, slots=True)
class Trained:
    """What the loop leaves."""

    config: TrainingConfig
    state: TrainingState


def descend(task: Task, plan: Plan, asked: Descent, context: FitContext) -> Trained:
    """Train a network from drawn weights: build, configure, run the loop."""
    check_batches(plan, task.fewest)
    network = task.initial(build(plan, seed=context.seed_of("weights")))
    placed(network, context.device)
    config = configured(asked, task, network, context)
    context.run.tell(task.planned(plan, config))
    state = start(network, config)
    context.run.restore(state)
    follow(task, state, config, context, budget=budget_of(asked, config, context))
    return Trained(configs.with_steps(config, state.steps), state)


def follow(
    task: Task,
    state: TrainingState,
    config: TrainingConfig,
    context: FitContext,
    *,
    budget: Budget | None = None,
    keep: bool = True,
) -> None:
    """Run the loop to its end; `budget` as in `train`, `keep` as in `Run.watch`."""
    group = context.run.group
    group.check(config.batch_size)

    def judge(network: nn.Module) -> Scores | None:
        found = group.agreed(lambda: _plain(task.judge(network)))
        return None if found is None else Scores(**found)

    batches = group.batches(task.batches)
    events = train(state, batches, task.loss_of, judge, config, context.device, budget, group)
    context.run.watch(events, state, keep=keep)
    give_back()  # what a step took: what follows takes other sizes


def _plain(scores: Scores | None) -> dict[str, Any] | None:
    return None if scores is None else asdict(scores)


def budget_of(asked: Descent, config: TrainingConfig, context: FitContext) -> Budget | None:
    """Return what holds training to the seconds that were asked for; None where none were.

    What is left of them as training begins is decided once.
    """
    if asked.seconds is None:
        return None
    gone = time.perf_counter() - context.began
    left = context.run.decide("seconds", lambda: max(float(asked.seconds or 0) - gone, 0.0))
    return Budget(left, config.steps, context.run.decide, least=configs.FEWEST_STEPS)


def configured(
    asked: Descent, task: Task, network: nn.Module, context: FitContext
) -> TrainingConfig:
    """Decide everything that was left open; a budget of seconds is measured once.

    Parameters
    ----------
    asked : Descent
        What was asked for.
    task : Task
        What is trained, and its habits.
    network : torch.nn.Module
        Tells by its layers which learning rate and which clipping suit.
    context : FitContext
        Run, seed, device and clock.
    """
    batches, habits = task.batches, task.habits
    epochs = habits.epochs if asked.epochs is None else asked.epochs
    normalised = any(isinstance(module, _BatchNorm) for module in network.modules())
    rate = asked.learning_rate or habits.eased * configs.learning_rate_for(
        asked.optimizer, batches.batch_size, normalised=normalised or not habits.gentle
    )
    decay = asked.weight_decay
    config = TrainingConfig(
        steps=max(round(epochs * len(batches)), 1),
        batch_size=batches.batch_size,
        optimizer=asked.optimizer,
        learning_rate=float(rate),
        momentum=asked.momentum,
        weight_decay=configs.WEIGHT_DECAYS[asked.optimizer] if decay is None else float(decay),
        schedule=asked.schedule,
        label_smoothing=habits.label_smoothing,
        ema=asked.ema,
        clip_norm=_clip_norm(asked.clip_norm, normalised=normalised),
        patience=asked.patience,
        seed=context.seed,
        squares=habits.squares,
        precision=asked.precision,
    )
    steps = context.run.decide("steps", lambda: _affordable(asked, task, network, config, context))
    return configs.with_steps(config, steps)


def _affordable(
    asked: Descent, task: Task, network: nn.Module, config: TrainingConfig, context: FitContext
) -> int:
    """Turn a budget of seconds, where there is one, into steps."""
    if asked.seconds is None:
        return config.steps
    batches, budget = task.batches, float(asked.seconds)
    pace = measure_pace(
        network, batches, task.loss_of, config, context.device, task.judge, budget=budget
    )
    left = budget - (time.perf_counter() - context.began)
    return steps_within(left, pace, len(batches), configs.FEWEST_STEPS)


def _clip_norm(asked: float | None, *, normalised: bool) -> float | None:
    if asked is None:
        return None if normalised else configs.CLIP_WITHOUT_NORMALISATION
    return float(asked) or None


def batch_size_of(asked: Descent, pictures: int) -> int:
    """Return the pictures a step: as asked for, else by their number; never more than all."""
    return min(asked.batch_size or configs.batch_size_for(pictures), pictures)


def check_batches(plan: Plan, fewest: int, *, kept: int = 0) -> None:
    """Refuse batches of one picture with batch normalisation.

    Parameters
    ----------
    plan : Plan
        The network.
    fewest : int
        Pictures of the smallest step.
    kept : int
        First layers whose normalisations keep their statistics.

    Raises
    ------
    UsageError
        Where there is but one.
    """
    taught = replace(plan, layers=plan.layers[kept:], fixed=0, encoder_layers=0).walk()
    if fewest < 2 and any(isinstance(layer.layer, BatchNorm) for layer in taught):
        raise UsageError(
            "batch_size",
            needed="at least 2 pictures a step for batch normalisation",
            came="1",
            remedy="choose a larger batch, or a network without batchnorm",
        )


def planned(
    plan: Plan,
    config: TrainingConfig | None,
    *,
    epochs: float = 0.0,
    augmentation: str = "none",
    flip: bool = False,
    notes: tuple[str, ...] = (),
) -> Planned:
    """Describe what network is trained, and how; without a configuration nothing descends."""
    return Planned(
        network=plan.text,
        parameters=plan.parameters,
        multiply_adds=plan.multiply_adds,
        table=str(plan),
        config=config.to_dict() if config else {},
        augmentation=augmentation,
        flip=flip,
        epochs=epochs,
        notes=notes,
    )


def finished(state: TrainingState, notes: tuple[str, ...] = ()) -> Finished:
    """Return the event that says that training is done, with what a reader should know of it."""
    best = state.best
    return Finished(
        steps=state.step,
        best_epoch=state.best_epoch,
        validation_accuracy=best.accuracy if best else None,
        validation_pictures=best.pictures if best else 0,
        notes=(*_kept_instead(state), *notes),
    )


def _kept_instead(state: TrainingState) -> tuple[str, ...]:
    """Say which weights are kept where they are those of no epoch."""
    if not state.best_weights:
        return (f"no epoch was judged: the weights after {counted(state.step, 'step')} are kept",)
    if state.best_epoch == 0:
        return (
            "no epoch of fine-tuning did better on the validation pictures: what it changed is "
            "thrown away, and the head is kept as it was fitted (leave `fine_tune_epochs` out, or "
            "lower `fine_tune_rate`)",
        )
    return ()
