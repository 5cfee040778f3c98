"""The kinds of target that there are, by the task that a model's card names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.targets.classes import Classes
from foveal.targets.pictures import Originals
from foveal.targets.target import Target
from foveal.vocabulary import Task


def target_of(task: Task, names: Sequence[Any]) -> Target:
    """Return the target of a model, of what its card says.

    Parameters
    ----------
    task : str
        What the card calls it.
    names : sequence
        What its outputs are called; empty for pictures themselves.
    """
    if task == "classification":
        return Classes(names=np.array(names))
    return Originals()
