"""The pictures themselves: what an autoencoder is taught to give back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from foveal.arrays import Array, Hashes, Rows, Truths
from foveal.errors import DataError, UsageError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import are_encoded
from foveal.recipe import LUMA
from foveal.targets.target import Answers
from foveal.vocabulary import Loss, Task
from foveal.wording import counted

FEWEST = 2
"""Different pictures from which there is anything to tell them apart by."""
COLOUR = 6.0
"""How much more the loss "colour" adds for squared errors of colour (see docs/tried.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Originals:
    """The picture itself: no label says it, and none is looked at."""

    criterion: Loss = "mse"
    """How reconstructions are held against pictures."""
    task: ClassVar[Task] = "reconstruction"

    @property
    def names(self) -> Array:
        """Return no names: outputs are the values of a picture."""
        return np.empty(0, dtype=str)

    @property
    def outputs(self) -> None:
        """Leave the number of outputs to the plan: as many as a picture has values."""
        return None

    @property
    def kept(self) -> Mapping[str, float]:
        """Nothing: the plan of the network says all."""
        return {}

    @classmethod
    def restored(cls, names: Sequence[Any], kept: Mapping[str, float]) -> Self:
        """Return the target of a model file, which names no outputs."""
        if len(names) or kept:
            raise ValueError(f"names and numbers that do not belong to {cls.task}")
        return cls()

    def predictor(self, temperature: float) -> nn.Module:
        """Make the module that keeps reconstructions within black = 0 and white = 1."""
        return nn.Hardtanh(0.0, 1.0)

    def read(self, y: Any) -> None:
        """Look at no label, and refuse other pictures to restore than those that are shown."""
        refuse_pictures(y)

    def check_labelled(self, pictures: Pictures) -> None:
        """Accept any pictures."""

    def learned(self, pictures: Pictures) -> Originals:
        """Return the same target: there is nothing to learn of labels."""
        return self

    def answers(self, pictures: Pictures) -> Answers:
        """Return a value for each row, as each picture is its own; all are 0."""
        return Answers(np.zeros(len(pictures), dtype=np.intp), [""] * len(pictures))

    def remarks(self, values_n: Array) -> tuple[str, ...]:
        """Say nothing: the values are of no meaning."""
        return ()

    def scaled(self, values_n: Array) -> Array:
        """Return the values."""
        return values_n

    def strata(self, values_n: Array) -> Rows:
        """Return one stratum for all."""
        return values_n

    def named(self, values_n: Array, index: int) -> Truths:
        """Return no row, as nothing has a name."""
        return np.zeros(len(values_n), dtype=bool)

    def contradicted(self, hashes_n: Hashes, values_n: Array, rows: Rows) -> dict[int, str]:
        """Find nothing: equal pictures are to be restored alike."""
        return {}

    def counts(self, values_n: Array) -> Rows:
        """Count all pictures."""
        return np.array([len(values_n)], dtype=np.intp)

    def check_enough(self, values_n: Array, hashes_n: Hashes, left_out: Callable[[], str]) -> None:
        """Check that there are two pictures, and that they differ."""
        count = len(values_n)
        if count < FEWEST:
            came = f"{counted(count, 'sample')}{left_out()}"
            remedy = "add pictures; those of another part do not count"
        elif len(np.unique(hashes_n)) < FEWEST:
            came, remedy = f"{count} that are all the same", "add pictures that differ"
        else:
            return
        raise DataError(
            "pictures",
            needed=f"at least {FEWEST} different pictures to train on",
            came=came,
            remedy=remedy,
        )

    def error(self, made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Compute the mean error of a value; for "bce" what is made are logits.

        "colour" is the squared error, to which that of colour is added `COLOUR` times: of what
        the channels differ from their brightness. Grey pictures have none.
        """
        if self.criterion == "mse":
            return F.mse_loss(made, wanted)
        if self.criterion == "colour":
            return F.mse_loss(made, wanted) + COLOUR * colours(made - wanted).square().mean()
        if self.criterion == "l1":
            return F.l1_loss(made, wanted)
        return F.binary_cross_entropy_with_logits(made, wanted)


def refuse_pictures(y: Any) -> None:
    """Refuse pictures where labels may be given: an autoencoder restores what it is shown.

    Raises
    ------
    UsageError
        For paths, files that exist, and arrays of more than one axis.
    """
    several = isinstance(y, list | tuple) and len(y) > 0
    shape = (len(y), *getattr(y[0], "shape", ())) if several else getattr(y, "shape", ())
    whole = isinstance(y, str | os.PathLike | Pictures)
    named = are_encoded(y) and all(map(_is_path, [y] if whole else y[:10]))
    if y is None or (not named and (len(shape) < 2 or shape[1:] == (1,))):
        return
    raise UsageError(
        "y",
        needed="nothing, or labels, which are not used: an autoencoder restores the pictures in X",
        came=f"an array {shape}" if shape else "other pictures",
        remedy="leave y out; noise that is drawn anew is undone by `noise`",
    )


def _is_path(value: object) -> bool:
    return isinstance(value, os.PathLike | Pictures) or (
        isinstance(value, str) and Path(value).exists()
    )


def colours(values_nchw: torch.Tensor) -> torch.Tensor:
    """Return what the channels differ from their brightness; 0 for grey pictures."""
    if values_nchw.shape[1] != len(LUMA):
        return torch.zeros_like(values_nchw)
    weights = values_nchw.new_tensor(LUMA).view(1, -1, 1, 1)
    return values_nchw - (weights * values_nchw).sum(dim=1, keepdim=True)
