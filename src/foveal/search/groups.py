"""Groups of pictures that show one thing: equal ones and near copies, without any query.

Axes: n picture, m picture that is looked through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Hashes, Integers
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import CopySearch, NearCopies
from foveal.pictures.groups import COLUMNS, group_ids
from foveal.pictures.naming import paths_from
from foveal.pictures.sources import gather
from foveal.pictures.units import units_of
from foveal.results import Result
from foveal.search.vectors import Progress, vectors_of
from foveal.tables import write_table
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureGroup(Result):
    """Pictures that show one thing."""

    group: int
    """Its number, from 1: the largest group first."""
    equal: int
    """Pictures of it that are equal to another one of it, pixel for pixel."""
    least_alike: float | None
    """Least correlation of the edges of two that were found to be near copies; None for none."""
    most_alike: float | None
    """Greatest such correlation."""
    rows: tuple[int, ...]
    """Rows of its pictures, ascending."""
    paths: tuple[str, ...]
    """Their names."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def alikeness(self) -> str:
        """How alike its pictures are, in words."""
        if self.least_alike is None or self.most_alike is None:
            return "equal"
        ends = dict.fromkeys(f"{one:.2f}" for one in (self.least_alike, self.most_alike))
        equal = f", {self.equal:,} equal" if self.equal else ""
        return f"edges correlate {' to '.join(ends)}{equal}"


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class PictureGroups:
    """Which pictures of many belong together."""

    pictures: Pictures
    """All pictures, (n,)."""
    reasons: tuple[str, ...]
    """Why a picture cannot be read, (n,); empty where it can."""
    groups: tuple[PictureGroup, ...]
    """Groups of two pictures and more, the largest first."""
    numbers: Integers
    """Group of each picture, (n,), from 1; those that stand alone have numbers of their own.

    What `fit` takes as `groups`.
    """
    compared: int
    """Pictures that were compared with others, equal ones counted once."""
    notes: tuple[str, ...]
    """What a reader should know."""

    def __repr__(self) -> str:
        return (
            f"PictureGroups({counted(len(self.groups), 'group')} in "
            f"{counted(len(self.numbers), 'picture')})"
        )

    @property
    def grouped(self) -> int:
        """Pictures that belong to a group of two and more."""
        return sum(map(len, self.groups))

    def to_dict(self) -> dict[str, Any]:
        """Return groups and counts as plain values."""
        return {
            "pictures": sum(not reason for reason in self.reasons),
            "unreadable": [
                {"path": str(name), "error": reason}
                for name, reason in zip(self.pictures.names, self.reasons, strict=True)
                if reason
            ],
            "compared": self.compared,
            "grouped": self.grouped,
            "groups": [one.to_dict() for one in self.groups],
            "notes": list(self.notes),
        }

    def save(self, path: str | Path) -> Path:
        """Write the group of every picture as a table that `groups` of a training reads.

        Files are named from the folder of the table, so that both can move together.

        Parameters
        ----------
        path : str or Path
            A .csv file, of the columns path and group.

        Raises
        ------
        UsageError
            For another ending, or a folder that is not there.
        """
        place = Path(path)
        names = paths_from(self.pictures, place.parent) or self.pictures.names
        rows = zip(map(str, names), self.numbers.tolist(), strict=True)
        write_table(place, COLUMNS, [[list(row) for row in rows]])
        return place


def picture_groups(
    model: FittedModel, pictures: Any, *, progress: Progress | None = None
) -> PictureGroups:
    """Find which pictures belong together: equal ones, and near copies, as frames of one burst.

    What is near by the features of the model is compared by aligned pixels; see
    `foveal.pictures.copies`. Nothing else makes a group: two cats that look alike are two.

    Parameters
    ----------
    model : FittedModel
        An autoencoder, or a classifier that ends with a dense layer, such as `foveal.imagenet()`.
    pictures : path, sequence of paths, or array
        As in `fit`. Where they have labels, each class is judged for itself: of classes whose
        pictures all share their edges, as digits do, only equal ones are grouped.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Returns
    -------
    PictureGroups
        Its `numbers` are what `fit(X, y, groups=...)` takes; `save` writes them for `groups` as a
        table.

    Raises
    ------
    UsageError
        For a model without features.
    DataError
        Where there are no pictures.
    """
    found = gather(pictures)
    made = vectors_of(model, found, progress)
    once = made.rows[np.unique(made.hashes[made.rows], return_index=True)[1]]
    once.sort()
    recipe = found.content.suited(made.recipe)
    with model.device.at_work():
        search = CopySearch(found, recipe, _class_ids(found), once, model.device.threads)
        copies = search.by_features(made.features)
    numbers, groups = _groups(found, made.hashes, made.rows, copies)
    return PictureGroups(
        pictures=found,
        reasons=made.reasons,
        groups=groups,
        numbers=numbers,
        compared=copies.looked_at,
        notes=(*made.notes, *_notes(found, copies, len(once))),
    )


def _class_ids(pictures: Pictures) -> Integers:
    """Number the classes; pictures without any are one class."""
    labels = [None] * len(pictures) if pictures.labels is None else pictures.labels.tolist()
    return group_ids(labels) + 1


def _groups(
    pictures: Pictures, hashes: Hashes, readable: Integers, copies: NearCopies
) -> tuple[Integers, tuple[PictureGroup, ...]]:
    """Number the groups of pictures, (n,), the largest first, and describe those of two and more.

    Of equally large ones the one with the lower row comes first.
    """
    units = units_of(hashes, readable, pairs=copies.pairs)
    _, first, unit, sizes = np.unique(
        units[readable], return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -sizes))
    number_of = np.empty(len(order), dtype=np.int64)
    number_of[order] = 1 + np.arange(len(order))
    numbers = np.zeros(len(pictures), dtype=np.int64)
    numbers[readable] = number_of[unit]
    alone = np.flatnonzero(numbers == 0)
    numbers[alone] = len(order) + 1 + np.arange(len(alone))
    several = int(np.count_nonzero(sizes > 1))
    members = readable[np.argsort(number_of[unit], kind="stable")]
    ends = np.cumsum(sizes[order])[:several]
    return numbers, tuple(
        _group(place + 1, rows, pictures, hashes, numbers, copies)
        for place, rows in enumerate(np.split(members, ends)[:several])
    )


def _group(
    number: int,
    rows: Integers,
    pictures: Pictures,
    hashes: Hashes,
    numbers: Integers,
    copies: NearCopies,
) -> PictureGroup:
    alike = copies.alike[numbers[copies.pairs[:, 0]] == number]
    _, times = np.unique(hashes[rows], return_counts=True)
    return PictureGroup(
        group=number,
        equal=int(times[times > 1].sum()),
        least_alike=float(alike.min()) if len(alike) else None,
        most_alike=float(alike.max()) if len(alike) else None,
        rows=tuple(rows.tolist()),
        paths=tuple(str(pictures.names[row]) for row in rows),
    )


def _notes(pictures: Pictures, copies: NearCopies, distinct: int) -> Iterator[str]:
    if copies.looked_at < distinct:
        yield (
            f"{copies.looked_at:,} of {counted(distinct, 'picture')} looked through for "
            "near copies, "
            "blocks of neighbours in the listing; of the others only equal ones are grouped"
        )
    if len(copies.untold):
        yield (
            f"near copies cannot be told among {counted(len(copies.untold), 'picture')}, such as "
            f"{pictures.names[copies.untold[0]]}: their edges are those of most others beside "
            "them, as of digits or of things before one background, or too few; equal ones are "
            "grouped"
        )
