"""How many pictures cannot be judged at all, in words and numbers that say what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foveal.targets.labelled import Labelled
from foveal.wording import counted


def unusable(
    readable: Sequence[bool], known: Sequence[bool], labels: Sequence[Any], target: Labelled
) -> list[str]:
    """Say how many pictures cannot be judged: unreadable, without a label, of unknown ones.

    Parameters
    ----------
    readable, known : sequence of bool, (n,)
        Whether each picture could be read, and whether the model knows its label.
    labels : sequence of labels, (n,)
        The label of each picture; None for none.
    target : Labelled
        What the model says of pictures: it names the labels that it does not know.

    Returns
    -------
    list of str
        A note for each of the three; none where all can be judged.
    """
    unread = sum(not one for one in readable)
    left = [
        label for one, here, label in zip(readable, known, labels, strict=True) if one and not here
    ]
    unlabelled = sum(label is None for label in left)
    return [
        *[f"{counted(unread, 'picture')} left out: cannot be read"] * bool(unread),
        *[f"{counted(unlabelled, 'picture')} left out: without a label"] * bool(unlabelled),
        *target.unknown([label for label in left if label is not None]),
    ]
