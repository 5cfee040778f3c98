"""Models of the trials that may yet be chosen: in the study's folder, the best at its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foveal import files
from foveal.model.fitted import FittedModel
from foveal.tuning.choosing import STAY
from foveal.tuning.search import Search
from foveal.tuning.study import FIRST, Tried, best_of

if TYPE_CHECKING:
    from optuna import Trial

DEFAULT_MODEL = "default.safetensors"
"""The model of the trial of all defaults, in the folder of the study."""
REPLACED = "replaced.safetensors"
PREFIX = "trial-"


def model_of(search: Search, one: Tried) -> Path:
    """Return where the model of a trial lies, if it is kept."""
    return search.folder / (DEFAULT_MODEL if one.is_first else f"{PREFIX}{one.number}.safetensors")


def keep(search: Search, trial: Trial, model: FittedModel, before: Sequence[Tried]) -> None:
    """Keep the model of a trial that has ended, where it is among the best so far.

    Parameters
    ----------
    before : sequence of Tried
        All trials that have ended; called by one process at a time.
    """
    loss, first = trial.user_attrs["loss"], bool(trial.user_attrs.get(FIRST))
    own = [one for one in before if one.complete and one.repeat_of is None]
    others = sorted((one for one in own if not one.is_first), key=lambda one: one.rank)
    better = [one for one in others if one.loss is not None and one.loss <= loss]
    if not first and len(better) >= STAY[0]:
        return
    place = search.folder / (DEFAULT_MODEL if first else f"{PREFIX}{trial.number}.safetensors")
    model.save(place)
    trial.set_user_attr("model", files.digest_of(place))
    trial.set_user_attr("where", search.there)
    best = best_of(own)
    if best is None or best.loss is None or loss < best.loss:
        files.copy_whole(place, search.place)
    if not first:
        for one in others[: len(others) - STAY[0] + 1]:  # with this one there are enough
            model_of(search, one).unlink(missing_ok=True)


def put(search: Search, one: Tried) -> bool:
    """Bring the model of a trial to its place; whether it is there."""
    if search.place.is_file() and files.digest_of(search.place) == one.model:
        return True
    kept = model_of(search, one)
    if not kept.is_file() or files.digest_of(kept) != one.model:
        return False
    files.copy_whole(kept, search.place)
    return True


def keep_aside(search: Search, trials: Sequence[Tried]) -> str:
    """Keep what lies at the model's place and is of no trial; say so, in a note."""
    if not search.place.is_file():
        return ""
    content = files.digest_of(search.place)
    if any(one.model == content for one in trials):
        return ""
    aside = search.folder / REPLACED
    files.copy_whole(search.place, aside)
    return f"what lay at {search.place} before is kept as {aside}"
