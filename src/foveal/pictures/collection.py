"""Pictures that were found: rows with names, content, labels and parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from foveal.arrays import Array, Rows
from foveal.errors import DataError, UsageError
from foveal.pictures.array_content import ArrayContent
from foveal.pictures.content import Content
from foveal.pictures.encoded import Encoded
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.texts import Texts
from foveal.recipe import PictureRecipe
from foveal.wording import counted

PART = "<U10"
"""Type of the names of parts: "train", "validation" and "test"; empty where none is said."""


class KeptFeatures(Protocol):
    """Features of pictures that lie somewhere already, a row each."""

    @property
    def title(self) -> str:
        """How what holds them is named in messages."""
        ...

    def take(self, rows: Sequence[int]) -> KeptFeatures:
        """Return those of some rows, in this order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pictures that were found, in order, before any is decoded."""

    names: Sequence[str]
    """How each row is named in tables and in the ledger."""
    content: Content
    """Where the pixels come from."""
    labels: Array | None = None
    """The class of each row; None in a row stands for an unlabelled picture."""
    labelled_by: tuple[str, ...] | None = None
    """Columns of a table that the labels are of, where these were asked for; empty where names or
    a person say them, None where nobody asked: then the labels are those of the source."""
    parts: Array | None = None
    """"train", "validation", "test" or "" for each row; None where nothing says so."""
    groups: Array | None = None
    """What each row belongs to, such as an animal; None in a row that is its own group."""
    weights: Array | None = None
    """What each row weighs in the loss; rows of weight 0 do not train."""
    near: Array | None = None
    """Pairs of rows that are near copies, (pairs, 2), under these labels; None where nobody looked
    for them: each training does."""
    features: KeptFeatures | None = None
    """Features of these pictures, where parts of them were given instead of pictures."""
    others: Mapping[str, Array] = field(default_factory=dict)
    """Further columns of the table that they came of, (n,) each, by name."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how they were found."""
    as_written: bool = False
    """Whether a table named them: then they keep the names that stand there."""
    doubts: Mapping[str, DataError] = field(default_factory=dict)
    """Why columns of the table say nothing, by column: whoever needs them refuses the table."""

    @classmethod
    def of_files(cls, files: Iterable[Path], names: Sequence[str] | None = None) -> Pictures:
        """Make pictures of files, named by their paths unless names are given."""
        found = tuple(files)
        return cls.of_encoded(found, list(map(str, found)) if names is None else names)

    @classmethod
    def of_encoded(cls, pictures: Sequence[Encoded], names: Sequence[str]) -> Pictures:
        """Make pictures of files and of what lies within others, under these names."""
        return cls(names=names, content=EncodedContent(pictures))

    @classmethod
    def of_array(cls, array: Array, *, folded: bool = False) -> Pictures:
        """Make pictures of an array (n, height, width, channels), named by their numbers."""
        return cls(names=Numbered(len(array)), content=ArrayContent(array, folded))

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Sequence[int]) -> Pictures:
        """Return some rows with all that belongs to them, in this order."""
        picked = list(rows)
        return self._picked(picked, self.content.take(picked))

    def piece(self, start: int, stop: int) -> Pictures:
        """Return the rows from start to stop with all that belongs to them, to be worked on alone.

        They can be sent to another process, and hold nothing of the others; arrays are `settled`
        before.
        """
        return self._picked(list(range(start, stop)), self.content.piece(start, stop))

    def settled(self, recipe: PictureRecipe) -> Pictures:
        """Return the same pictures; some of them mean by a recipe what they mean among all."""
        return replace(self, content=self.content.settled(recipe))

    def _picked(self, picked: list[int], content: Content) -> Pictures:
        return replace(
            self,
            names=Texts(map(self.names.__getitem__, picked)),
            content=content,
            labels=None if self.labels is None else self.labels[picked],
            parts=None if self.parts is None else self.parts[picked],
            groups=None if self.groups is None else self.groups[picked],
            weights=None if self.weights is None else self.weights[picked],
            near=None,
            features=None if self.features is None else self.features.take(picked),
            others={name: values[picked] for name, values in self.others.items()},
        )

    def noted(self, notes: Iterable[str]) -> Pictures:
        """Return the same pictures with more to be known of how they were found."""
        return replace(self, notes=(*self.notes, *notes))

    def with_whole_names(self) -> Pictures:
        """Return the same pictures, named so that they can be opened from here."""
        return replace(self, names=self.content.whole_names(self.names))

    def named_from_here(self) -> Pictures:
        """Return the same pictures, named as a table does, else so that they can be opened."""
        return self if self.as_written else self.with_whole_names()

    def undoubted(self, *columns: str) -> Pictures:
        """Return the same pictures, where these columns of their table can be read.

        Raises
        ------
        DataError
            Where one cannot.
        """
        for column in columns:
            if column in self.doubts:
                raise self.doubts[column]
        return self

    def themselves(self) -> Pictures:
        """Return the same pictures, where they were given themselves.

        Raises
        ------
        UsageError
            Where their features were.
        """
        if self.features is None:
            return self
        raise UsageError(
            self.features.title,
            needed="pictures: their features teach a transfer alone",
            came="parts of features",
            remedy="name the pictures, or train a transfer",
        )

    def without_doubt(self, column: str) -> Pictures:
        """Return the same pictures, of which this column of their table need not tell."""
        doubts = {name: doubt for name, doubt in self.doubts.items() if name != column}
        return replace(self, doubts=doubts)

    def labelled(self, labels: Array) -> Pictures:
        """Return the same pictures under labels given beside them, in a row or in a column."""
        if len(labels) != len(self):
            raise DataError(
                "y",
                needed=f"{counted(len(self), 'label')}, one a picture",
                came=str(len(labels)),
                remedy="give X and y of the same length",
            )
        found = np.asarray(labels)
        found = found.ravel() if found.shape[1:] == (1,) else found
        return replace(self.without_doubt("label"), labels=found, labelled_by=(), near=None)

    def tested(self, rows: Rows) -> Pictures:
        """Return the same pictures, those of some rows in the test part too, which teaches none."""
        parts = np.full(len(self), "", dtype=PART)
        if self.parts is not None:
            parts = np.asarray(self.parts).astype(PART)
        parts[rows] = "test"
        return replace(self, parts=parts)

    def rows(self, part: str) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the indices of the rows of a part."""
        if self.parts is None:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(self.parts == part)


def evenly(total: int, most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Choose rows evenly spaced over all, the first and the last among them.

    >>> evenly(10, 4).tolist(), evenly(3, 12).tolist()
    ([0, 3, 6, 9], [0, 1, 2])
    """
    return np.rint(np.linspace(0, total - 1, min(most, total))).astype(np.intp)


class Numbered(Sequence[str]):
    """Row numbers as names, made only when one asks."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        picked = range(self.length)[index]
        return [str(one) for one in picked] if isinstance(picked, range) else str(picked)
