"""What is tried of a transfer: its head, its views, its cut, and how it is fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from foveal.learning.options import AUTO
from foveal.shapes import Shape
from foveal.training import config as configs

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

AT_ONCE, USUAL = "at once", "usual"
"""A head that is fitted without gradient descent; the cut that a transfer has by itself."""
HEADS: Mapping[str, str | None] = {
    AT_ONCE: None,
    "one layer": "dense",
    "two layers": "dense 256 relu | dropout 0.3",
}
DEFAULTS: Mapping[str, Any] = {"head": AT_ONCE, "views": 1, "fine_tune_epochs": 0, "cut": USUAL}
"""The first trial: what a transfer does where nothing is asked for."""
BEGINNINGS: tuple[Mapping[str, Any], ...] = (
    {"views": 2},
    {"cut": AUTO},
    {"fine_tune_epochs": 3, "fine_tune_rate": configs.FINE_TUNING_RATE},
)


def beginnings(shape: Shape) -> list[dict[str, Any]]:
    """Return the trials that come after that of all defaults."""
    return [{**DEFAULTS, **one} for one in BEGINNINGS]


def asked(
    trial: BaseTrial, shape: Shape, pictures: int, epochs: float | None = None
) -> dict[str, Any]:
    """Ask a trial for its hyperparameters.

    Parameters
    ----------
    trial : optuna trial
        What answers.
    shape, pictures, epochs
        As in `foveal.tuning.space.asked`; nothing here depends on them.

    Returns
    -------
    dict
        Parameters of `TransferClassifier`.
    """
    tuned = trial.suggest_categorical("fine_tune_epochs", (0, 3, 6))
    found: dict[str, Any] = {
        "head": HEADS[trial.suggest_categorical("head", tuple(HEADS))],
        "views": trial.suggest_categorical("views", (1, 2, 4)),
    }
    if tuned:
        rate = trial.suggest_float("fine_tune_rate", 1e-4, 1e-2, log=True)
        return {**found, "fine_tune_epochs": tuned, "fine_tune_rate": float(f"{rate:.3g}")}
    if trial.suggest_categorical("cut", (USUAL, AUTO)) == AUTO:
        found["cut"] = AUTO
    return found
