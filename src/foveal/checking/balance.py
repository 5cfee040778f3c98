"""What is wrong with the classes: too few pictures, out of balance, without a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Rows, Truths
from foveal.checking.findings import Finding, Item, finding
from foveal.pictures.collection import Pictures
from foveal.pictures.label_sets import LabelSet, joined, matrix_of, says_several
from foveal.targets.label_answers import NONE
from foveal.wording import counted

FEW = 20
"""Pictures of a class below which nothing reliable is learned or said of it."""
IMBALANCE = 5
"""Times that the largest class is larger than one that is out of balance."""
UNKNOWN = -1
"""Number of the class of a picture without a label."""


@dataclass(frozen=True, eq=False, slots=True)
class ClassIds:
    """Classes of pictures, where labels name classes."""

    names: tuple[Any, ...]
    """Labels, sorted; none where there are no classes."""
    ids: Rows
    """Number of the class of each picture, (n,); `UNKNOWN` without a label. Of several labels a
    picture that of all its labels together."""
    sets: tuple[str, ...] = ()
    """What is written for each number, where pictures bear several labels; else empty."""
    there_nk: Truths | None = None
    """Which pictures bear each label, where they bear several."""

    @property
    def several(self) -> bool:
        """Whether pictures bear several labels, none of which excludes another."""
        return self.there_nk is not None

    @classmethod
    def of(cls, pictures: Pictures) -> ClassIds:
        """Number the labels of pictures; there are no classes where labels are measures."""
        labels = pictures.labels
        nothing = np.full(len(pictures), UNKNOWN, dtype=np.intp)
        if labels is None or labels.ndim != 1:
            return cls((), nothing)
        values = labels.tolist()
        if says_several(values):
            return cls._of_sets(values)
        known = {value for value in values if value is not None}
        if any(isinstance(one, float) and one != round(one) for one in known):
            return cls((), nothing)
        names = tuple(sorted(known, key=lambda one: (str(type(one)), one)))
        numbers = {name: number for number, name in enumerate(names)}
        ids = [UNKNOWN if value is None else numbers[value] for value in values]
        return cls(names, np.array(ids, dtype=np.intp))

    @classmethod
    def _of_sets(cls, values: Sequence[LabelSet | None]) -> ClassIds:
        known = [one for one in values if one is not None]
        names = sorted(
            {label for one in known for label in one.labels},
            key=lambda one: (isinstance(one, str), one),
        )
        sets = tuple(sorted({str(one) for one in known}))
        numbers = {written: number for number, written in enumerate(sets)}
        ids = [UNKNOWN if one is None else numbers[str(one)] for one in values]
        there_nk, _ = matrix_of(values, names)
        return cls(tuple(names), np.array(ids, dtype=np.intp), sets, there_nk)

    def name(self, row: int) -> str:
        """Name the class of a row, or all of its labels."""
        number = self.ids[row]
        if number == UNKNOWN:
            return "no label"
        written = str((self.sets or self.names)[number])
        return NONE if self.sets and written == joined(()) else written

    def counts(self, rows: Rows) -> Rows:
        """Count the pictures of each class, or label, among some rows."""
        if self.there_nk is not None:
            return np.asarray(self.there_nk[rows].sum(axis=0))
        ids = self.ids[rows]
        return np.bincount(ids[ids != UNKNOWN], minlength=len(self.names))


def balance(pictures: Pictures, classes: ClassIds, rows: Rows) -> Iterator[Finding | None]:
    """Find what is wrong with classes, among pictures that can be read.

    Yields
    ------
    Finding or None
        None where nothing of a kind was found.
    """
    if not classes.names:
        return
    counts = classes.counts(rows)
    yield _of_classes("few", _few(counts, _taught(pictures, classes, rows)), classes)
    most = int(counts.max())
    small = [n for n in np.argsort(counts, kind="stable") if IMBALANCE * counts[n] <= most]
    largest = f"{classes.names[int(counts.argmax())]} has {most:,}"
    told = [(n, f"{counted(int(counts[n]), 'picture')}, where {largest}") for n in small]
    yield _of_classes("imbalance", told, classes)
    lone = rows[classes.ids[rows] == UNKNOWN]
    yield finding("unlabelled", (([row], "no label") for row in lone), pictures.names)


def _taught(pictures: Pictures, classes: ClassIds, rows: Rows) -> Rows | None:
    """Count the pictures of each class that may teach; None where no split leaves any to teach."""
    if pictures.parts is None:
        return None
    teaching = rows[np.isin(np.asarray(pictures.parts)[rows], ("", "train"))]
    return classes.counts(teaching) if len(teaching) else None


def _few(counts: Rows, taught: Rows | None) -> list[tuple[int, str]]:
    """Say which classes have few pictures, or none to train on."""
    told: list[tuple[int, str]] = []
    for number in np.argsort(counts, kind="stable").tolist():
        count = int(counts[number])
        idle = taught is not None and count > 0 and not int(taught[number])
        if count < FEW or idle:
            told.append((number, counted(count, "picture") + ", none to train on" * idle))
    return told


def _of_classes(kind: str, told: list[tuple[int, str]], classes: ClassIds) -> Finding | None:
    items = tuple(Item((), f"{classes.names[number]}: {why}", ()) for number, why in told)
    return Finding(kind, items) if items else None
