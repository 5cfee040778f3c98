"""Options of autoencoders, each written once; see `options`."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.learning.option_groups import NETWORK, PICTURES, TRAINING, mirroring, option
from foveal.learning.options import LAYERS, Descent, Machine, Pixels, Shares
from foveal.nets.autoencoder import KINDS, Kind
from foveal.nets.layer import ACTIVATIONS
from foveal.nets.spec import Network
from foveal.parameters import FLAG, Choice, Real, Whole, optional
from foveal.training.config import OPTIMIZERS, Optimizer
from foveal.vocabulary import LEVELS, LOSSES, NOISES, Level, Loss, Noise


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOptions:
    """Which autoencoder is trained, and what it is to restore."""

    kind: Kind = option(NETWORK, "conv", Choice(KINDS), "Stock encoder: conv or dense.")
    code_size: int | None = option(
        NETWORK,
        None,
        optional(Whole(1)),
        "Numbers of a code; if left out 128 for colour pictures of at least 48 pixels, 32 for "
        "others, and half of a small picture's values.",
    )
    encoder: str | Network | None = option(
        NETWORK,
        None,
        LAYERS,
        "Layers in the notation up to the code, as in 'flatten | dense 256 relu'.",
    )
    decoder: str | Network | None = option(
        NETWORK,
        None,
        LAYERS,
        "Layers from the code to the picture; the encoder's mirror if left out.",
    )
    activation: str = option(
        NETWORK, "gelu", Choice(ACTIVATIONS), "Activation of the stock encoders."
    )
    variational: bool = option(NETWORK, False, FLAG, "Draw codes at random in training: a VAE.")
    beta: float = option(
        TRAINING,
        1.0,
        Real(0),
        "Weight of the divergence from the normal distribution, where variational.",
    )
    loss: Loss | None = option(
        TRAINING,
        None,
        optional(Choice(LOSSES)),
        "mse (squared error), bce (cross-entropy, with a sigmoid at the end), l1, or colour "
        "(squared error, in which colour weighs more); if left out colour for colour pictures of "
        "at least 48 pixels, else mse.",
    )
    noise: Noise = option(
        TRAINING, "none", Choice(NOISES), "What is to be undone: none, gaussian, or masks."
    )
    noise_level: float | None = option(
        TRAINING,
        None,
        optional(Real(0, 1)),
        "Its deviation (0.2), or the share that is masked (0.25).",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDescent(Descent):
    """Training of an autoencoder by gradient descent."""

    optimizer: Optimizer = option(
        TRAINING, "adamw", Choice(OPTIMIZERS), "sgd (with Nesterov momentum) or adamw."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePixels(Pixels):
    """How pictures are prepared and varied for an autoencoder."""

    augmentation: Level | None = option(PICTURES, "none", Choice(LEVELS), "none, light or strong.")
    flip: bool | None = mirroring("colour ones, below 20,000, if left out")


AUTOENCODER = (CodeOptions, CodeDescent, CodePixels, Shares, Machine)
"""Options of `Autoencoder`."""
