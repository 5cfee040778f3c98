"""The training loop: takes steps, yields events, and changes nothing but its state.

Between two events the state is whole: whoever iterates may save it, stop, and go on later
from the same numbers.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import nn

from foveal.device import Device
from foveal.errors import DivergedError
from foveal.progress.events import EpochEnded, Event, Shortened, StepEnded
from foveal.randomness import derive
from foveal.training.config import TrainingConfig
from foveal.training.group import ALONE, Group
from foveal.training.optim import Optimizer, make_optimizer, update_average
from foveal.training.schedules import Turn, factor, position
from foveal.training.snapshots import KernelWatcher
from foveal.training.steps import Batch, Batches, Judge, LossOf, Scores

Weights = dict[str, torch.Tensor]


class Budget(Protocol):
    """Holds training to a time."""

    def turn(self, state: TrainingState, steps_per_epoch: int) -> int | None:
        """Return where training should end now, after a step; None where that stays."""
        ...


@dataclass(slots=True)
class Tally:
    """Sums over the current epoch."""

    loss: float = 0.0
    right: int = 0
    pictures: int = 0

    def add(self, loss: float, right: int, pictures: int) -> None:
        """Count one batch in."""
        self.loss += loss * pictures
        self.right += right
        self.pictures += pictures

    @property
    def mean_loss(self) -> float:
        """Mean loss of a picture."""
        return self.loss / self.pictures if self.pictures else math.nan

    @property
    def accuracy(self) -> float:
        """Share of right answers; NaN where nothing is answered."""
        return self.right / self.pictures if self.pictures and self.right >= 0 else math.nan


@dataclass(slots=True)
class TrainingState:
    """Everything that changes while training: what a checkpoint holds."""

    network: nn.Module
    optimizer: Optimizer
    averaged: nn.Module | None
    step: int = 0
    judged_at: int = 0
    """Step at which the network was last judged."""
    best: Scores | None = None
    best_weights: Weights = field(default_factory=dict)
    best_epoch: int = 0
    stale: int = 0
    """Epochs since the best."""
    tally: Tally = field(default_factory=Tally)
    snapshots: list[torch.Tensor] = field(default_factory=list)
    """First-layer kernels, before training and over the epochs."""
    snapshot_steps: list[int] = field(default_factory=list)
    seconds: float = 0.0
    """Wall time of training so far, and of the judging within."""
    judging: float = 0.0
    planned: int = 0
    """Steps in all, as planned."""
    turns: list[Turn] = field(default_factory=list)
    """Where the number of steps was changed, and to what."""

    @property
    def steps(self) -> int:
        """The step at which training ends."""
        return self.turns[-1][1] if self.turns else self.planned

    @property
    def candidate(self) -> nn.Module:
        """The network that is judged: the moving average where there is one."""
        return self.network if self.averaged is None else self.averaged

    @property
    def chosen(self) -> Mapping[str, torch.Tensor]:
        """The best weights so far; those of now where nothing was judged yet."""
        return self.best_weights or self.candidate.state_dict()

    def judged(self, scores: Scores | None, epoch: int) -> bool:
        """Take note of a judgement; answers whether these weights are the best so far."""
        self.judged_at = self.step
        better = scores is None or scores.better_than(self.best)
        if better:
            weights = copied(self.candidate.state_dict())
            self.best_weights = weights
            self.best, self.best_epoch, self.stale = scores, epoch, 0
        else:
            self.stale += 1
        return better


def start(network: nn.Module, config: TrainingConfig) -> TrainingState:
    """Make the state before the first step."""
    averaged = copy.deepcopy(network) if config.ema else None
    return TrainingState(network, make_optimizer(network, config), averaged, planned=config.steps)


def train(
    state: TrainingState,
    batches: Batches,
    loss_of: LossOf,
    judge: Judge,
    config: TrainingConfig,
    device: Device,
    budget: Budget | None = None,
    group: Group = ALONE,
) -> Iterator[Event]:
    """Train until the steps are used up or patience is; a generator of events.

    Parameters
    ----------
    state : TrainingState
        New, or restored from a checkpoint; changed in place.
    batches : Batches
        The pictures, by epoch.
    loss_of : callable
        The loss to minimise.
    judge : callable
        Scores the candidate weights after each epoch; None where there is nothing to judge by.
    budget : Budget, optional
        Shortens the course where the machine becomes slower.
    group : Group
        The processes that train together; `batches` are this one's parts.

    Raises
    ------
    DivergedError
        Where the loss is no longer finite; the state before is in the last checkpoint.
    """
    clock = _Clock(state)
    watcher = KernelWatcher(state.network, config.steps, len(batches))
    _look(watcher, state)
    while True:
        epoch, first = divmod(state.step, len(batches))
        if state.step and state.judged_at != state.step and (first == 0 or _over(state, config)):
            yield _epoch_ended(state, judge, config, clock, -(-state.step // len(batches)))
        if _over(state, config):
            return
        for batch in batches.epoch(epoch, first):
            with clock.computing():
                take_step(state, batch, loss_of, config, device, group)
            state.seconds = clock.training()
            yield from _turned(state, budget, len(batches))
            _look(watcher, state)
            yield _step_ended(state, config, epoch + 1, clock)
            if _over(state, config):
                break


def _look(watcher: KernelWatcher, state: TrainingState) -> None:
    kernels = watcher.look(state.step, state.steps, state.snapshot_steps)
    if kernels is not None:
        state.snapshots.append(kernels)
        state.snapshot_steps.append(state.step)


def _turned(
    state: TrainingState, budget: Budget | None, steps_per_epoch: int
) -> Iterator[Shortened]:
    """Ask the budget where to end; the state has the answer before anyone is told."""
    steps = None if budget is None else budget.turn(state, steps_per_epoch)
    if steps is not None:
        before = state.steps
        state.turns.append((state.step, steps))
        yield Shortened(step=state.step, steps=steps, before=before, seconds=state.seconds)


def _over(state: TrainingState, config: TrainingConfig) -> bool:
    tired = config.patience is not None and state.stale >= config.patience
    return state.step >= state.steps or tired


def take_step(
    state: TrainingState,
    batch: Batch,
    loss_of: LossOf,
    config: TrainingConfig,
    device: Device,
    group: Group = ALONE,
) -> None:
    """Forward, backward, optimizer: one step, a pure function of state, batch and seed."""
    rate = rate_at(config, state.step, state.turns)
    set_training(state.network, keep_statistics=config.keep_statistics)
    own = () if group.first else (group.rank,)
    seed = derive(config.seed, "step", state.step, *own)
    with device.private_randomness(seed), device.computing(config.precision):
        loss = loss_of(state.network, batch)
    state.optimizer.clear()
    loss.minimised.backward()  # type: ignore[no-untyped-call]
    lost = group.averaged(state.network, loss, len(batch.images_nchw))
    if not math.isfinite(lost.minimised):
        raise _diverged("training loss", lost.minimised, state.step + 1, rate)
    if config.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), config.clip_norm)
    state.step += 1
    state.optimizer.step(rate, state.step)
    if state.averaged is not None:
        update_average(state.averaged, state.network, config.ema, state.step)
    state.tally.add(lost.told, lost.right, lost.pictures)


def set_training(network: nn.Module, *, keep_statistics: bool) -> None:
    """Set a network to training, all of it or all but the statistics of its normalisations."""
    network.train()
    if keep_statistics:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


def _diverged(what: str, value: float, step: int, rate: float) -> DivergedError:
    return DivergedError(
        what,
        needed="a finite number",
        came=f"{value} at step {step}, learning rate {rate:.3g}",
        remedy="lower `learning_rate`, set `clip_norm` to 1, or check the pictures' values",
    )


def rate_at(config: TrainingConfig, step: int, turns: Sequence[Turn] = ()) -> float:
    """Learning rate of a step, counted from 0."""
    return config.learning_rate * factor(config.schedule, position(step, config.steps, turns))


def _step_ended(
    state: TrainingState, config: TrainingConfig, epoch: int, clock: _Clock
) -> StepEnded:
    pace = clock.pace(state.step)
    return StepEnded(
        step=state.step,
        steps=state.steps,
        epoch=epoch,
        loss=state.tally.mean_loss,
        accuracy=state.tally.accuracy,
        learning_rate=rate_at(config, state.step - 1, state.turns),
        pictures_per_second=config.batch_size / pace,
        remaining=pace * (state.steps - state.step),
    )


def _epoch_ended(
    state: TrainingState, judge: Judge, config: TrainingConfig, clock: _Clock, epoch: int
) -> EpochEnded:
    began = time.perf_counter()
    scores = judge(state.candidate)
    if scores is not None and not math.isfinite(scores.loss):
        rate = rate_at(config, state.step - 1, state.turns)
        raise _diverged("validation loss", scores.loss, state.step, rate)
    best = state.judged(scores, epoch)
    tally, state.tally = state.tally, Tally()
    judging = time.perf_counter() - began
    state.judging += judging
    state.seconds = clock.training()
    seconds, computing = clock.lap()
    return EpochEnded(
        epoch=epoch,
        step=state.step,
        loss=tally.mean_loss,
        accuracy=tally.accuracy,
        validation_loss=scores.loss if scores else None,
        validation_accuracy=scores.accuracy if scores else None,
        validation_pictures=scores.pictures if scores else 0,
        best=best,
        seconds=seconds,
        computing=computing,
        judging=judging,
    )


def copied(weights: Mapping[str, torch.Tensor]) -> Weights:
    """Copy weights away from the network that goes on changing them."""
    return {name: value.detach().clone() for name, value in weights.items()}


class _Clock:
    """Wall time of the training, of epochs, of the computing within, and of a step."""

    def __init__(self, state: TrainingState) -> None:
        self.began = self.lap_began = time.perf_counter()
        self.before = state.seconds
        self.first_step = state.step
        self.spent = 0.0
        self.entered = 0.0

    def computing(self) -> _Clock:
        return self

    def __enter__(self) -> None:
        self.entered = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.spent += time.perf_counter() - self.entered

    def training(self) -> float:
        """Seconds of training, those before a resumed run's checkpoint included."""
        return self.before + time.perf_counter() - self.began

    def pace(self, step: int) -> float:
        return (time.perf_counter() - self.began) / max(step - self.first_step, 1)

    def lap(self) -> tuple[float, float]:
        now = time.perf_counter()
        seconds, computing = now - self.lap_began, self.spent
        self.lap_began, self.spent = now, 0.0
        return seconds, computing
