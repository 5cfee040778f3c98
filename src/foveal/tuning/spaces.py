"""What may be tuned, by the word for it: whose parameters, which are open, which come first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from foveal.estimators import cnn, transfer
from foveal.estimators.learner import Answering
from foveal.shapes import Shape
from foveal.tuning import space, transfer_space

Kind = Literal["cnn", "transfer"]


@dataclass(frozen=True, slots=True)
class Space:
    """What is open of a kind of training."""

    learners: Mapping[str, type[Answering]]
    """By what labels say."""
    defaults: Mapping[str, Any]
    """The first trial, in the names of `asked`."""
    beginnings: Callable[[Shape], list[dict[str, Any]]]
    """Those after it, where trials are led."""
    asked: Callable[[Any, Shape, int, float | None], dict[str, Any]]
    """Asks a trial; see `foveal.tuning.space.asked`."""


SPACES: Mapping[Kind, Space] = {
    "cnn": Space(cnn.LEARNERS, space.DEFAULTS, space.beginnings, space.asked),
    "transfer": Space(
        transfer.LEARNERS, transfer_space.DEFAULTS, transfer_space.beginnings, transfer_space.asked
    ),
}
