"""Options of a transfer, each written once, as those of `foveal.learning.options`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.cluster import Cluster, OnCluster
from foveal.errors import UsageError
from foveal.learning.option_groups import (
    NETWORK,
    PICTURES,
    RUN,
    TRAINING,
    mirroring,
    option,
)
from foveal.learning.options import (
    AUTO,
    COLOUR_ONLY,
    MOST_EPOCHS,
    SIDES,
    TEXT,
    Continued,
    Descent,
    HeldOut,
    Labels,
    Machine,
)
from foveal.parameters import FLAG, Choice, Either, Real, Whole, optional
from foveal.parameters import Kind as OfKind
from foveal.recipe import RESIZES, Resize
from foveal.vocabulary import (
    ENGINES,
    Level,
)

BACKBONE, LOGISTIC, RIDGE = "efficientnet_lite0", "logistic", "ridge"
FITTED = (LOGISTIC, RIDGE)
"""Heads that are fitted at once, without gradient descent."""


@dataclass(frozen=True, slots=True)
class NameOrModel:
    """The rule of what a transfer starts from; models are known by what they have."""

    def accepts(self, value: object) -> bool:
        """Whether the value is a text, a path or a fitted model."""
        return isinstance(value, str | Path) or hasattr(value, "trained_on")

    def sentence(self) -> str:
        """Say the rule."""
        return "a name, a model file or a fitted model"

    def example(self) -> str:
        """Return a value within the rule."""
        return repr(BACKBONE)

    def known(self) -> tuple[str, ...]:
        """Return nothing: names are looked for where backbones are opened."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneOptions:
    """Whose kernels are reused."""

    backbone: Any = option(
        NETWORK,
        BACKBONE,
        NameOrModel(),
        "A name that 'foveal backbones' lists, an architecture of timm, or a model file of one's "
        "own.",
    )
    cut: str | None = option(
        NETWORK,
        None,
        optional(TEXT),
        "Stage after which the backbone is cut, or 'auto'; the end of its convolutional part if "
        "left out.",
    )
    head: str | None = option(
        NETWORK,
        None,
        optional(TEXT),
        "Layers in the notation, as in 'dense 256 relu | dropout 0.3'; if left out one fitted at "
        "once: 'logistic' for classes, 'ridge' for numbers.",
    )
    weights: Path | None = option(
        NETWORK,
        None,
        optional(OfKind((str, Path), "a path")),
        "Weights of a timm architecture (.safetensors).",
    )
    download: bool = option(NETWORK, False, FLAG, "Allow its weights to be fetched from its hub.")
    C: float | None = option(
        TRAINING,
        None,
        optional(Real(0, above=True)),
        "Inverse strength of the penalty on the weights of a head fitted at once; chosen by "
        "cross-validation if left out.",
    )
    fine_tune_epochs: float = option(
        TRAINING,
        0.0,
        Real(0, MOST_EPOCHS),
        "Epochs of training the layers above the cut too.",
    )
    fine_tune_rate: float | None = option(
        TRAINING,
        None,
        optional(Real(0, above=True)),
        "Highest learning rate of these epochs; derived if left out.",
    )
    float16: bool = option(RUN, False, FLAG, "Keep features in half precision.")
    engine: str | None = option(
        RUN,
        None,
        optional(Either((Choice(ENGINES), OnCluster()))),
        "openvino, onnxruntime or torch; the fastest if left out. Or ray, or ray://HOST:PORT: "
        "features are computed by actors of Ray, and kept where all of its machines see them "
        "(FOVEAL_CACHE).",
    )

    def __post_init__(self) -> None:
        if self.cut == AUTO and self.fine_tune_epochs:
            raise UsageError(
                "cut='auto' and fine_tune_epochs",
                needed="one of them at a time",
                came="both",
                remedy="let 'auto' find a cut first, or name the cut to fine-tune from",
            )
        if self.C is not None and not self.at_once:
            raise UsageError(
                "C",
                needed="a head fitted at once, whose penalty it is",
                came=f"head {self.head!r}",
                remedy="leave C out; layers have weight_decay",
            )

    @property
    def cluster(self) -> Cluster | None:
        """Where features are computed; None for this process."""
        return None if self.engine in (None, *ENGINES) else Cluster.read(str(self.engine))

    @property
    def here(self) -> str | None:
        """The engine that is asked for; None for the fastest."""
        return self.engine if self.cluster is None else None

    @property
    def at_once(self) -> bool:
        """Whether the head is fitted at once, without gradient descent."""
        return self.head is None or self.head in FITTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """How pictures are prepared for a backbone, and how often they go through."""

    views: int = option(
        PICTURES,
        1,
        Whole(1),
        "Times each picture goes through the backbone: as it is, and varied.",
    )
    augmentation: Level | None = option(
        PICTURES,
        None,
        optional(Choice(("none", "light"))),  # whole pixels are moved, nothing more
        "How further views vary: none or light.",
    )
    flip: bool | None = mirroring(COLOUR_ONLY)
    size: int | tuple[int, int] | None = option(
        PICTURES,
        None,
        optional(SIDES),
        "Size of the pictures, 224 or 192x256; by backbone and pictures if left out.",
    )
    resize: Resize | None = option(
        PICTURES,
        None,
        optional(Choice(RESIZES)),
        "stretch, letterbox or crop; the backbone's if left out.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferShares(HeldOut):
    """Which pictures are held out from a transfer."""

    validation_share: float | None = option(
        PICTURES,
        None,
        optional(Real(0, 1, below=True)),
        "Share held out, if no folder names them; none for a head fitted at once, which is "
        "cross-validated, else 0.2, if left out.",
    )


TRANSFER = (BackboneOptions, Continued, Descent, Labels, Views, TransferShares, Machine)
"""Options of `TransferClassifier`."""


TRANSFER_OF_NUMBERS = tuple(group for group in TRANSFER if group is not Labels)
"""Options of `TransferRegressor`."""
