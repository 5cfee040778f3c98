"""What a training run does, decided before its first step. Never imports torch.

`TrainingConfig` is whole and explicit; the functions beside it derive what a person left open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["one-cycle", "cosine", "constant"]
OPTIMIZERS: tuple[Optimizer, ...] = ("sgd", "adamw")
SCHEDULES: tuple[Schedule, ...] = ("one-cycle", "cosine", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Everything the loop needs to know besides network and pictures."""

    steps: int
    """Optimizer steps in all."""
    batch_size: int
    """Pictures in a batch, within one."""
    optimizer: Optimizer
    """SGD with Nesterov momentum, or AdamW."""
    learning_rate: float
    """Highest learning rate of the schedule."""
    momentum: float
    """Momentum of SGD; the first beta of AdamW."""
    weight_decay: float
    """Decay of kernels and dense weights; biases and normalisation are spared."""
    schedule: Schedule
    """Course of the learning rate."""
    label_smoothing: float
    """Share of each label spread over all classes."""
    ema: float
    """Decay of the moving average of the weights; 0 for none."""
    clip_norm: float | None
    """Largest norm of the gradient; None for any."""
    patience: int | None
    """Epochs without a better validation score after which training ends; None for never."""
    seed: int
    """Seed of initial weights, shuffling, variations and dropout."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


REFERENCE_BATCH = 256
LEARNING_RATES: Mapping[str, float] = {"sgd": 0.2, "adamw": 0.004}
"""Highest learning rate at a batch of 256 (see docs/tried.md)."""
WEIGHT_DECAYS: Mapping[str, float] = {"sgd": 5e-4, "adamw": 0.05}
"""Weight decay, coupled for SGD and decoupled for AdamW (Loshchilov and Hutter, 2017)."""


def learning_rate_for(optimizer: Optimizer, batch_size: int) -> float:
    """Derive the highest learning rate from optimizer and batch size.

    Proportional to the batch for SGD (Goyal et al., 2017), to its square root for AdamW
    (Malladi et al., 2022).

    >>> learning_rate_for("sgd", 128)
    0.1
    """
    ratio = batch_size / REFERENCE_BATCH
    rate = LEARNING_RATES[optimizer] * (ratio if optimizer == "sgd" else math.sqrt(ratio))
    return float(f"{rate:.3g}")


def default(optimizer: Optimizer, batch_size: int, *, steps: int, seed: int) -> TrainingConfig:
    """Give the training of so many steps with everything else derived."""
    return TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate_for(optimizer, batch_size),
        momentum=0.9,
        weight_decay=WEIGHT_DECAYS[optimizer],
        schedule="one-cycle",
        label_smoothing=0.05,
        ema=0.0,
        clip_norm=None,
        patience=None,
        seed=seed,
    )


SMALLEST_BATCH, LARGEST_BATCH = 16, 256
BATCHES_AN_EPOCH = 24


def batch_size_for(pictures: int) -> int:
    """Derive the batch size: a power of two that gives about 24 batches an epoch, 16 to 256.

    >>> batch_size_for(60_000), batch_size_for(1_120), batch_size_for(50)
    (256, 32, 16)
    """
    wanted = max(pictures / BATCHES_AN_EPOCH, 1)
    power: int = 1 << round(math.log2(wanted))
    return min(max(power, SMALLEST_BATCH), LARGEST_BATCH)


FEWEST_STEPS = 100
"""Steps below which a network has hardly begun to learn."""


def epochs_for(pictures: int, batch_size: int) -> int:
    """Derive the epochs: 8 for tens of thousands of pictures, more for fewer, at most 40.

    >>> epochs_for(60_000, 256), epochs_for(1_120, 32)
    (8, 30)
    """
    wanted = round(30 * math.cbrt(1_120 / max(pictures, 1)))
    least = math.ceil(FEWEST_STEPS * batch_size / max(pictures, 1))
    return max(min(max(wanted, 8), 40), least)


def with_steps(config: TrainingConfig, steps: int) -> TrainingConfig:
    """Return the configuration for another number of steps."""
    return replace(config, steps=steps)
