"""An index of pictures, and searching in it.

Axes: n picture of the index, q query, d number of a vector, k neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from foveal.arrays import Doubles, Floats, Integers
from foveal.errors import UsageError
from foveal.html_tables import MOST_ROWS, html_lines, html_table
from foveal.pictures.ledger import Entry
from foveal.pictures.sources import gather
from foveal.search.index_file import Measure
from foveal.search.vectors import Progress, checked, scaled, vectors_of
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Neighbours:
    """The pictures that are most like one, nearest first."""

    query: str
    """Name of the picture that was searched for."""
    names: tuple[str, ...] = ()
    """Names of those found."""
    rows: tuple[int, ...] = ()
    """Their rows in the index."""
    distances: tuple[float, ...] = ()
    """Their distances, in the measure of the index."""
    reason: str = ""
    """Why nothing could be searched for; empty where it could."""

    def ranked(self) -> Iterator[tuple[int, float, str]]:
        """Yield rank, counted from 1, distance and name of those found."""
        for rank, (distance, name) in enumerate(
            zip(self.distances, self.names, strict=True), start=1
        ):
            yield rank, distance, name

    def __repr__(self) -> str:
        found = self.reason or counted(len(self.names), "picture")
        return f"Neighbours({self.query!r}: {found})"

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        told = html_lines([f"{self.query}: {self.reason}"] if self.reason else [])
        shown = [(rank, f"{distance:.4g}", name) for rank, distance, name in self.ranked()]
        more = len(shown) - MOST_ROWS
        left = html_lines([f"and {more:,} more"] if more > 0 else [])
        head = ("rank", "distance", "path")
        caption = f"nearest to {self.query}"
        table = html_table(head, shown[:MOST_ROWS], caption=caption, numbers=(0, 1))
        return told or table + left

    def to_dict(self) -> dict[str, Any]:
        """Return the query, why it has no answer, and what was found."""
        return {
            "path": self.query,
            "error": self.reason or None,
            "found": [
                {"rank": rank, "distance": distance, "path": name}
                for rank, distance, name in self.ranked()
            ],
        }


class Searched(Protocol):
    """Vectors with the names of their pictures, wherever they lie."""

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        ...

    @property
    def approximate(self) -> bool:
        """Whether a graph of neighbours is searched."""
        ...

    def __len__(self) -> int: ...

    def nearest(
        self, queries_qd: Floats, k: int, *, threads: int, progress: Progress | None = None
    ) -> tuple[list[Integers], list[Doubles]]:
        """Find the rows nearest to each query, nearest first, and their distances.

        What is read for each search tells how many of the vectors it has gone through.
        """
        ...

    def named(self, rows: Integers) -> list[str]:
        """Return the names of some rows."""
        ...


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SearchIndex:
    """Vectors of pictures, in which one searches for similar ones.

    Vectors are the codes of an autoencoder, or what the last dense layer of a classifier sees.
    """

    model: FittedModel
    """What made the vectors."""
    held: Searched
    """What is searched: n vectors of d numbers, of unit length where the measure is "cosine"."""
    unreadable: tuple[Entry, ...]
    """Pictures that are not in the index, with the reason."""
    measure: Measure
    """"euclidean": distance of vectors as they are; "cosine": of vectors of unit length."""
    notes: tuple[str, ...] = ()
    """What a reader should know."""

    def __len__(self) -> int:
        return len(self.held)

    def __repr__(self) -> str:
        way = "approximate" if self.held.approximate else "exact"
        return f"SearchIndex({counted(len(self), 'picture')}, {self.measure}, {way})"

    def to_dict(self) -> dict[str, Any]:
        """Return what it is an index of, and what is not in it."""
        return {
            "model": self.model.digest(),
            "measure": self.measure,
            "approximate": self.held.approximate,
            "pictures": len(self),
            "unreadable": [{"path": one.path, "error": one.reason} for one in self.unreadable],
            "notes": list(self.notes),
        }

    def query(
        self,
        X: Any,
        k: int = 10,
        *,
        progress: Progress | None = None,
        searching: Progress | None = None,
    ) -> list[Neighbours]:
        """Search for the pictures most like others.

        Parameters
        ----------
        X : path, sequence of paths, or array
            Pictures, as in `fit`. One that is in the index finds itself, at distance 0.
        k : int
            How many to find for each; all, where the index holds fewer.
        progress : callable, optional
            Called now and then with pictures done and in all.
        searching : callable, optional
            Called so too while an index that is read off parts is searched.

        Returns
        -------
        list of Neighbours
            One for each picture, in order; those that cannot be read have a reason.
        """
        return self.queries([gather(X)], k, progress=progress, searching=searching)

    def queries(
        self,
        sources: Sequence[Pictures],
        k: int = 10,
        *,
        progress: Progress | None = None,
        searching: Progress | None = None,
    ) -> list[Neighbours]:
        """Search for the pictures of several sources at once, as `query` does for one."""
        _check_count(k)
        made = [vectors_of(self.model, pictures, progress) for pictures in sources]
        none = np.empty((0, self.held.size), np.float32)
        return self.among(
            [name for one in made for name in one.pictures],
            [reason for one in made for reason in one.reasons],
            np.concatenate([none, *(one.gathered() for one in made)]),
            k,
            searching,
        )

    def among(
        self,
        names: Sequence[str],
        reasons: Sequence[str],
        vectors_qd: Floats,
        k: int,
        searching: Progress | None = None,
    ) -> list[Neighbours]:
        """Search for pictures whose vectors are known.

        Parameters
        ----------
        names, reasons : sequence of str
            Names of all pictures, and why one has no vector; empty where it has one.
        vectors_qd : array (q, d)
            Vectors of those that have one, in order, in the measure of the index.
        k, searching
            As in `query`.
        """
        rows_q, distances_q = self._searched(vectors_qd, k, searching)
        named = iter(self.held.named(np.concatenate([np.empty(0, np.int64), *rows_q])))
        found = zip(rows_q, distances_q, strict=True)
        return [
            Neighbours(query=name, reason=reason) if reason else _found(name, *next(found), named)
            for name, reason in zip(names, reasons, strict=True)
        ]

    def nearest(self, vectors: Any, k: int = 10) -> tuple[list[Integers], list[Doubles]]:
        """Search for the vectors nearest to some, such as codes that nobody encoded.

        Parameters
        ----------
        vectors : array (q, d)
            Finite numbers; for the measure "cosine" they are brought to unit length.
        k : int
            How many to find for each; all, where the index holds fewer.

        Returns
        -------
        tuple of two lists
            For each vector the rows found, nearest first, of equals the lower row first; and
            their distances.

        Raises
        ------
        DataError
            For vectors of another length, and for NaN.
        """
        _check_count(k)
        return self._searched(scaled(checked(vectors, self.held.size), self.measure), k)

    def _searched(
        self, queries_qd: Floats, k: int, searching: Progress | None = None
    ) -> tuple[list[Integers], list[Doubles]]:
        threads = self.model.device.threads
        return self.held.nearest(queries_qd, k, threads=threads, progress=searching)


def _found(query: str, rows: Integers, distances: Doubles, named: Iterator[str]) -> Neighbours:
    """Tell what was found for a picture; its names come next."""
    return Neighbours(
        query=query,
        names=tuple(next(named) for _ in rows),
        rows=tuple(rows.tolist()),
        distances=tuple(distances.tolist()),
    )


def _check_count(k: int) -> None:
    if k < 1:
        raise UsageError(
            "k",
            needed="at least 1 picture to find",
            came=str(k),
            remedy="leave it out: ten are found",
        )
