"""What is done with many pictures, as plain values that any process can take up.

The commands answer few pictures and many by the same `Worker`: here it is opened on whichever
process, and asked for one piece of the pictures after another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from foveal.pictures.collection import Pictures
from foveal.recipe import PictureRecipe


class Answers(Protocol):
    """What is said of some pictures, in order."""

    @property
    def names(self) -> Sequence[str]:
        """The pictures."""
        ...

    @property
    def reasons(self) -> Sequence[str]:
        """Why there is no answer for a picture; empty where there is one."""
        ...


class Worker(Protocol):
    """Something that answers pictures, ready to do so."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of the answers, whatever the pictures; `path` is the first."""
        ...

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Answers]:
        """Answer batch by batch, in order, in bounded memory.

        Parameters
        ----------
        pictures : Pictures
            Whatever encodes them.
        before : int
            Pictures that came before these.
        """
        ...

    def table(self, answers: Any) -> pa.Table:
        """Return a batch of its answers under the columns of `schema`."""
        ...

    def counts(self, answers: Any) -> Mapping[str, int]:
        """Count what is worth counting in a batch of its answers, besides what is unreadable."""
        ...

    def engine(self, pictures: Pictures) -> str:
        """Name what computes the answers of such pictures, with its version; empty for nothing."""
        ...


class Seeing(Worker, Protocol):
    """A worker by a network."""

    @property
    def recipe(self) -> PictureRecipe:
        """How it sees pictures."""
        ...


class Work(Protocol):
    """What is to be done, by plain values: it can be pickled, and is equal wherever it is made."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """All that the answers depend on besides the pictures, as JSON can hold it."""
        ...

    def open(self) -> Worker:
        """Make ready to do it, in this process."""
        ...


def mark_of(facts: Mapping[str, Any]) -> str:
    """Return a short text that is equal for equal work (BLAKE2b)."""
    text = json.dumps(dict(facts), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
