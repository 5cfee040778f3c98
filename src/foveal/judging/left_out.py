"""How many pictures cannot be judged at all, in words and numbers that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.targets.labelled import Labelled
from foveal.wording import counted

NAMED = 3
"""Classes without a picture that are named, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjudged:
    """What a figure says nothing of, though it was given or is known to the model."""

    given: int
    """Pictures that were given."""
    unusable: int
    """Those among them that cannot be judged: unreadable, without a label, of unknown classes."""
    unknown: int
    """Those among these whose class the model does not know: each would be a wrong answer."""
    classes: tuple[str, ...]
    """Classes of the model of which no picture was judged."""

    def lines(self, classes: int) -> Iterator[str]:
        """Say what the accuracy leaves out; nothing where it leaves nothing out.

        Parameters
        ----------
        classes : int
            Classes of the model.
        """
        if self.unusable:
            unknown = (
                f", {self.unknown:,} {'of an unknown class' if classes else 'without a number'}"
                * bool(self.unknown)
            )
            yield (
                f"leaves out {self.unusable:,} of {counted(self.given, 'picture')} given, which "
                f"cannot be judged{unknown}"
            )
        if self.classes:
            more = len(self.classes) - NAMED
            named = ", ".join(self.classes[:NAMED]) + f" and {more:,} more" * (more > 0)
            yield (
                f"leaves out {len(self.classes):,} of {counted(classes, 'class', 'classes')}, of "
                f"which no picture is judged: {named}"
            )


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
