"""The kinds of target that there are, by the task that a model's card names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foveal.pictures.label_sets import says_several
from foveal.targets.classes import Classes
from foveal.targets.labelled import Labelled
from foveal.targets.numbers import Numbers
from foveal.targets.pictures import Originals
from foveal.targets.several import SeveralLabels
from foveal.targets.target import Target
from foveal.vocabulary import Task

KINDS: dict[Task, type[Target]] = {
    kind.task: kind for kind in (Classes, SeveralLabels, Numbers, Originals)
}
"""Each kind of target; a further one is named here, and nowhere else."""


def target_of(task: Task, names: Sequence[Any], kept: Mapping[str, float]) -> Target:
    """Return the target of a model, of what its card says.

    Parameters
    ----------
    task : str
        What the card calls it; one of `KINDS`.
    names : sequence
        What its outputs are called; empty where they have no names.
    kept : mapping of str to float
        What else the card keeps of it.

    Raises
    ------
    ValueError
        Where names and numbers are not those of such a target.
    """
    return KINDS[task].restored(names, kept)


def labelled_of(task: Task, labels: Any = None, **options: Any) -> Labelled:
    """Return a target before any label was read, as the options of a learner have it.

    Parameters
    ----------
    task : str
        What a learner is for. One of classes learns several labels a picture where these are
        asked for, by a separator, or labels say several.
    labels : sequence of labels, optional
        Labels in Python, or of pictures; None where nothing is known of them yet.
    **options
        Those that are a `foveal.learning.options.Counting`.
    """
    kind = KINDS[task]
    asked = {name: one for name, one in options.items() if name != "separator"}
    if kind is Classes and (options.get("separator") or says_several(labels)):
        return SeveralLabels.asked(**options)
    assert issubclass(kind, Labelled)
    return kind.asked(**asked)
