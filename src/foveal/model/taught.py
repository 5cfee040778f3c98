"""How a model was taught, in words: what `foveal show` and reports tell of its provenance."""

from __future__ import annotations

from collections.abc import Iterator

from foveal.model.card import Provenance
from foveal.wording import counted

NAMED = 3
"""Columns that are named, at most."""


def taught_by(known: Provenance) -> Iterator[tuple[str, str]]:
    """Yield the facts of a training, each under its name."""
    if known.labelled_by:
        more = len(known.labelled_by) - NAMED
        rest = f" and {counted(more, 'more column')}" if more > 0 else ""
        yield "labels", f"column {', '.join(known.labelled_by[:NAMED])}{rest}"
    if known.config is not None:
        config = known.config
        yield (
            "training",
            f"{counted(config.steps, 'step')} of {config.batch_size} by {config.optimizer}, "
            f"learning rate {config.learning_rate:g}, seed {config.seed}; weights of epoch "
            f"{known.best_epoch}",
        )
    if known.fit is not None:
        name, fit = known.fit
        yield "head", f"{name} regression, C = {fit.C:.3g}"
    if known.coding is not None:
        yield "loss", f"{known.coding.loss}, noise {known.coding.noise}"
