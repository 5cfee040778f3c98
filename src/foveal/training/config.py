"""What a training run does, decided before its first step. Never imports torch.

`TrainingConfig` is whole and explicit; the functions beside it derive what a person left open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from foveal.vocabulary import Precision

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
    """Pictures in a batch, at most."""
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
    lowest_rate: float = 1.0
    """Factor of the learning rate of the lowest layer; it rises evenly, as a power, to 1 at the
    highest (Howard and Ruder, arXiv:1801.06146)."""
    keep_statistics: bool = False
    """Whether batch normalisation goes on with the statistics it has."""
    squares: float = 0.999
    """Second beta of AdamW: how long it remembers the squares of gradients."""
    precision: Precision = "float32"
    """Number format of the products of a step."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


REFERENCE_BATCH = 128
LEARNING_RATES: Mapping[str, float] = {"sgd": 0.2, "adamw": 0.004}
"""Highest learning rate at a batch of 128 (see docs/tried.md)."""
WEIGHT_DECAYS: Mapping[str, float] = {"sgd": 5e-4, "adamw": 0.05}
"""Weight decay, coupled for SGD and decoupled for AdamW (Loshchilov and Hutter, 2017)."""


WITHOUT_NORMALISATION = 1 / 2
"""Factor of the learning rate for networks without batch normalisation, which diverge sooner."""
CLIP_WITHOUT_NORMALISATION = 1.0
"""Largest norm of their gradient."""


def learning_rate_for(optimizer: Optimizer, batch_size: int, *, normalised: bool = True) -> float:
    """Derive the highest learning rate from optimizer, batch size, and batch normalisation.

    0.2 * batch / 128 for SGD (Goyal et al., arXiv:1706.02677), 0.004 * sqrt(batch / 128) for AdamW
    (Malladi et al., arXiv:2205.10287). Half of that for networks without batch normalisation.

    >>> learning_rate_for("sgd", 32), learning_rate_for("sgd", 128, normalised=False)
    (0.05, 0.1)
    """
    ratio = batch_size / REFERENCE_BATCH
    rate = LEARNING_RATES[optimizer] * (ratio if optimizer == "sgd" else math.sqrt(ratio))
    return float(f"{rate * (1 if normalised else WITHOUT_NORMALISATION):.3g}")


def default(optimizer: Optimizer, batch_size: int, *, steps: int, seed: int) -> TrainingConfig:
    """Return the training of so many steps with everything else derived."""
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


BATCH_SIZES = ((500, 16), (5_000, 32), (20_000, 64))
"""Batch sizes below so many pictures."""
LARGEST_BATCH = 128
"""Batch size for more pictures than that."""


def batch_size_for(pictures: int) -> int:
    """Derive the batch size from the number of training pictures: 16 to 128.

    >>> batch_size_for(55_000), batch_size_for(1_120), batch_size_for(50)
    (128, 32, 16)
    """
    return next((size for below, size in BATCH_SIZES if pictures < below), LARGEST_BATCH)


FEW_PICTURES = 20_000
"""Training pictures below which their random variations pay (see docs/tried.md)."""


def augmentation_for(pictures: int) -> Literal["none", "light"]:
    """Derive the level of variation: light for few pictures, none for many.

    In the few epochs that many pictures get, shifted copies cost more than they teach.
    """
    return "light" if pictures < FEW_PICTURES else "none"


FEWEST_STEPS = 100
"""Steps below which a network has hardly begun to learn."""
FEWEST_EPOCHS, MOST_EPOCHS = 6, 30


def epochs_for(pictures: int, batch_size: int) -> int:
    """Derive the epochs: 8 for 55,000 pictures, 30 for a thousand, at least 100 steps.

    >>> epochs_for(55_000, 128), epochs_for(1_120, 32), epochs_for(50, 16)
    (8, 30, 32)
    """
    wanted = round(MOST_EPOCHS * math.cbrt(1_120 / max(pictures, 1)))
    least = math.ceil(FEWEST_STEPS * batch_size / max(pictures, 1))
    return max(min(max(wanted, FEWEST_EPOCHS), MOST_EPOCHS), least)


def with_steps(config: TrainingConfig, steps: int) -> TrainingConfig:
    """Return the configuration for another number of steps."""
    return replace(config, steps=steps)


MOST_EPOCHS_OF_RECONSTRUCTION, LEAST_EPOCHS_OF_RECONSTRUCTION = 100, 8
FEWEST_STEPS_OF_RECONSTRUCTION = 300


def reconstruction_epochs_for(pictures: int, batch_size: int) -> int:
    """Derive the epochs of an autoencoder: 9 for 55,000 pictures, 60 for a thousand.

    >>> reconstruction_epochs_for(55_000, 128), reconstruction_epochs_for(1_120, 32)
    (9, 60)
    """
    wanted = round(60 * math.sqrt(1_120 / max(pictures, 1)))
    most, least = MOST_EPOCHS_OF_RECONSTRUCTION, LEAST_EPOCHS_OF_RECONSTRUCTION
    steps = math.ceil(FEWEST_STEPS_OF_RECONSTRUCTION * batch_size / max(pictures, 1))
    return max(min(max(wanted, least), most), steps)


SQUARES_OF_RECONSTRUCTION = 0.95
"""Second beta of AdamW for autoencoders, which then bear high rates (see docs/tried.md)."""


FINE_TUNING_RATE = 1e-3
"""Highest learning rate of fine-tuning by AdamW (see docs/tried.md)."""
LOWEST_RATE = 0.1
"""Share of it that the lowest layer above the cut gets."""


def fine_tuning(
    *,
    epochs: float,
    steps_per_epoch: int,
    batch_size: int,
    rate: float | None,
    label_smoothing: float,
    seed: int,
) -> TrainingConfig:
    """Return the training of the upper layers of a trained network, gently.

    AdamW at a low rate, lower still for lower layers; batch normalisation keeps its statistics,
    which come from far more pictures.
    """
    steps = max(round(epochs * steps_per_epoch), 1)
    config = default("adamw", batch_size, steps=steps, seed=seed)
    return replace(
        config,
        learning_rate=FINE_TUNING_RATE if rate is None else float(rate),
        label_smoothing=label_smoothing,
        clip_norm=1.0,
        lowest_rate=LOWEST_RATE,
        keep_statistics=True,
    )
