"""Options of the learners, each written once: its default, what it may be, and its help.

A learner is a few groups of options. Its estimator takes them one by one, as scikit-learn wants
it, and picks the groups out of itself; the command `foveal train` is derived from the groups.
Never imports torch, so that the command's help is quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.errors import UsageError
from foveal.learning.option_groups import (
    NETWORK,
    PICTURES,
    RUN,
    THREADS_HELP,
    TRAINING,
    mirroring,
    option,
)
from foveal.nets.plan import Plan
from foveal.nets.spec import Network
from foveal.parameters import Choice, Either, Real, Whole, optional
from foveal.parameters import Kind as OfKind
from foveal.recipe import RESIZES, Resize
from foveal.training.config import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from foveal.vocabulary import (
    DEVICES,
    LEVELS,
    PRECISIONS,
    SEPARATORS,
    Level,
    Precision,
)

MOST_EPOCHS = 1e6
"""Epochs that can be asked for."""
AUTO = "auto"
TEXT = OfKind((str,), "a text")
LAYERS = OfKind((str, Network, type(None)), "layers in the notation")
SIDES = Either((Whole(1), OfKind((tuple, list), "(height, width)")))
COLOUR_ONLY = "by default colour pictures only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Training by gradient descent."""

    epochs: float | None = option(
        TRAINING,
        None,
        optional(Real(0, MOST_EPOCHS, above=True)),
        "Times each picture is seen; derived if left out.",
    )
    seconds: float | None = option(
        TRAINING,
        None,
        optional(Real(0, above=True)),
        "Budget of training time, instead of epochs.",
    )
    batch_size: int | None = option(
        TRAINING, None, optional(Whole(1)), "Pictures a step; derived if left out."
    )
    optimizer: Optimizer = option(
        TRAINING, "sgd", Choice(OPTIMIZERS), "sgd (with Nesterov momentum) or adamw."
    )
    learning_rate: float | None = option(
        TRAINING,
        None,
        optional(Real(0, above=True)),
        "Highest learning rate; derived from optimizer and batch if left out.",
    )
    momentum: float = option(TRAINING, 0.9, Real(0, 1, below=True), "Momentum, 0 to 1.")
    weight_decay: float | None = option(
        TRAINING,
        None,
        optional(Real(0)),
        "Decay of the weights; the optimizer's usual one if left out.",
    )
    schedule: Schedule = option(
        TRAINING, "one-cycle", Choice(SCHEDULES), "one-cycle, cosine or constant."
    )
    ema: float = option(
        TRAINING,
        0.0,
        Real(0, 1, below=True),
        "Decay of a moving average of the weights; 0 for none.",
    )
    clip_norm: float | None = option(
        TRAINING,
        None,
        optional(Real(0)),
        "Largest norm of the gradient, 0 for any; derived if left out.",
    )
    patience: int | None = option(
        TRAINING,
        None,
        optional(Whole(1)),
        "Stop after so many epochs without a better validation score.",
    )
    precision: Precision = option(
        TRAINING,
        "float32",
        Choice(PRECISIONS),
        "float32 or bfloat16: of the products of a step.",
    )

    def __post_init__(self) -> None:
        if self.epochs is not None and self.seconds is not None:
            raise UsageError(
                "`epochs` and `seconds`",
                needed="one of them",
                came=f"epochs={self.epochs:g} and seconds={self.seconds:g}",
                remedy="leave one of them out",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How labels count in the loss: what a target is asked for by (`Labelled.asked`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels(Counting):
    """How labels count in the loss of a classifier."""

    label_smoothing: float = option(
        TRAINING,
        0.05,
        Real(0, 1, below=True),
        "Share of each label that is spread over all classes.",
    )
    class_weight: dict[Any, float] | str | None = option(
        TRAINING,
        None,
        Either((OfKind((type(None), dict), "None or a dictionary"), Choice(("balanced",)))),
        "'balanced' weighs rare classes up.",
    )
    separator: str | None = option(
        PICTURES,
        None,
        optional(Choice((AUTO, *SEPARATORS))),
        f"What stands between several labels of a picture, {' '.join(SEPARATORS)} or auto for the "
        "first of these that occurs; asks for several labels.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How pictures are prepared and varied."""

    augmentation: Level | None = option(
        PICTURES,
        None,
        optional(Choice(LEVELS)),
        "none, light (shifts), or strong (turns, zooms, colours too); light for fewer than 20,000 "
        "pictures, else none, if left out.",
    )
    flip: bool | None = mirroring(COLOUR_ONLY)
    size: int | tuple[int, int] | None = option(
        PICTURES,
        None,
        optional(SIDES),
        "Size of the pictures, 64 or 48x64; the median, at most 64, if left out.",
    )
    channels: int | None = option(
        PICTURES, None, optional(Either((Whole(1),))), "1 for grey, 3 for colour."
    )
    resize: Resize = option(PICTURES, "stretch", Choice(RESIZES), "stretch, letterbox or crop.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Which pictures are held out; how many choose the weights may be left open."""

    validation_share: float | None
    test_share: float = option(
        PICTURES,
        0.0,
        Real(0, 1, below=True),
        "Share never touched by training, if no folder names them.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares(HeldOut):
    """Which pictures are held out."""

    validation_share: float = option(
        PICTURES,
        0.2,
        Real(0, 1, below=True),
        "Share held out to choose the weights, if no folder names them.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where to compute."""

    device: str = option(RUN, "auto", Choice(DEVICES), "auto, cpu, cuda or mps.")
    threads: int | None = option(RUN, None, optional(Whole(1)), THREADS_HELP)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetOptions:
    """Which network is trained from scratch."""

    net: Any = option(
        NETWORK,
        "fast",
        OfKind((str, Network, Plan), "a network in the notation or the name of a stock net"),
        "A network in the notation, or fast, lenet5, tinyvgg, resnet.",
    )


@dataclass(frozen=True, slots=True)
class FileOrModel:
    """The rule of a model that is gone on from; models are known by what they have."""

    def accepts(self, value: object) -> bool:
        """Whether the value is a path or a fitted model."""
        return isinstance(value, str | Path) or hasattr(value, "trained_on")

    def sentence(self) -> str:
        """Say the rule."""
        return "a model file or a fitted model"

    def example(self) -> str:
        """Return a value within the rule."""
        return repr("model.safetensors")

    def known(self) -> tuple[str, ...]:
        """Return nothing: files are looked for where models are opened."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """What is gone on from."""

    earlier: Path | None = option(
        NETWORK,
        None,
        optional(FileOrModel()),
        "Go on from this model, with more pictures or further classes: a cnn from its weights, a "
        "transfer from its features. What it had held out stays so.",
    )


CNN = (NetOptions, Continued, Descent, Labels, Pixels, Shares, Machine)
"""Options of `CNNClassifier`."""
CNN_OF_NUMBERS = tuple(group for group in CNN if group is not Labels)
"""Options of `CNNRegressor`."""
