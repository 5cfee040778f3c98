"""How many judged pictures are unlike those that taught the model."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.evaluation.intervals import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfamiliar:
    """How many of the pictures that are new to a model are unlike those that taught it."""

    share: Estimate
    pictures: int
    """How many are new."""
    usual: Estimate
    """Share of pictures like those that taught which are called so."""
