"""Predictions: every row comes back, in order, with a reason where there is no answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveal.arrays import Truths
from foveal.html_tables import MOST_ROWS, html_lines, html_table
from foveal.targets.labelled import Labelled
from foveal.wording import counted


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Predictions:
    """What a model says of some pictures."""

    names: Sequence[str]
    """The pictures, as given."""
    predicted: np.ndarray[Any, np.dtype[np.float64]]
    """(n, k), as the target has it: probabilities of classes. NaN where a picture could not be
    read."""
    reasons: Sequence[str]
    """Why a picture could not be read; empty where it could."""
    target: Labelled
    """What the model says of a picture."""
    unfamiliarity: np.ndarray[Any, np.dtype[np.float64]]
    """How unlike each picture is to those that taught the model, (n,): above 1 where it is
    unfamiliar; NaN where it could not be read, or the model keeps nothing to tell by."""
    least: float | None = None
    """How sure the model must be to answer; None where it answers everything."""
    labelled_by: Sequence[str] = ()
    """Columns of a table that the labels of the training pictures were asked to be of."""

    @property
    def headings(self) -> tuple[str, str]:
        """What `written` gives, for a person: the answer, and how sure it is."""
        return self.target.titles(self.labelled_by)

    @property
    def answered(self) -> Truths:
        """Whether each picture has an answer, (n,): it could be read, and is sure enough."""
        readable = np.array([not reason for reason in self.reasons], dtype=bool)
        if self.least is None:
            return readable
        found: Truths = readable & (self.target.sureness(self.predicted) >= self.least)
        return found

    @property
    def left(self) -> Truths:
        """Whether each picture could be read, but is left to a person, (n,)."""
        readable = np.array([not reason for reason in self.reasons], dtype=bool)
        found: Truths = readable & ~self.answered
        return found

    @property
    def unfamiliar(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each picture is unlike those that taught the model, (n,); False for NaN."""
        found: np.ndarray[Any, np.dtype[np.bool_]] = self.unfamiliarity > 1
        return found

    @property
    def classes(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The labels, in the order of the columns of `probabilities`."""
        return self.target.names

    @property
    def probabilities(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Probability of each class, (n, classes); NaN where a picture could not be read.

        Raises
        ------
        UsageError
            For a model that gives none.
        """
        return self.target.probabilities(self.predicted)

    @property
    def labels(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The answer for each row, such as its most probable class.

        Of the dtype of the labels; where a row is unreadable, or left to a person, an object array
        with None there.
        """
        labels = self.target.labels(self.predicted)
        if not self.left.any():
            return labels
        found = labels.astype(object)
        found[self.left] = None
        return found

    def __repr__(self) -> str:
        unreadable = sum(map(bool, self.reasons))
        return f"Predictions({counted(len(self.names), 'picture')}, {unreadable} unreadable)"

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows: of many pictures the first."""
        shown = [
            (name, f"{label}?" if left else label, sure, "unfamiliar" * bool(strange), reason)
            for name, (label, sure, _), left, strange, reason in zip(
                self.names[:MOST_ROWS],
                self.written(),
                self.left[:MOST_ROWS],
                self.unfamiliar[:MOST_ROWS],
                self.reasons[:MOST_ROWS],
                strict=False,
            )
        ]
        more = len(self.names) - len(shown)
        head = ("path", *self.headings, "", "error")
        told = html_lines([f"and {more:,} more"] if more else [])
        return html_table(head, shown, numbers=(2,)) + told

    def written(self, most: int = 1) -> Iterator[tuple[str, str, str]]:
        """Write each answer, how sure it is, and what else it may be; empty where unreadable."""
        for reason, row in zip(self.reasons, self.predicted, strict=True):
            yield ("", "", "") if reason else self.target.written(row, most)

    def said(self) -> Mapping[str, int]:
        """Count the pictures of each answer that has a name, of those that have one."""
        counts = self.target.said(self.predicted[self.answered])
        return {str(name): n for name, n in zip(self.classes, counts.tolist(), strict=True) if n}

    def first(self, most: int) -> Predictions:
        """Return the first, so many at most."""
        return replace(
            self,
            names=self.names[:most],
            predicted=self.predicted[:most].copy(),
            reasons=self.reasons[:most],
            unfamiliarity=self.unfamiliarity[:most].copy(),
        )

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        return columns_of(self.target, refusing=self.least is not None)

    def rows(self) -> Iterator[list[Any]]:
        """Return the rows of the table, each as plain values under `columns`.

        What is left to a person has no answer, but how sure the model was, and of what.
        """
        first, last = self.target.columns()
        cells = self.target.cells(self.predicted)
        refusing = self.least is not None
        for name, reason, answered, strange, (ahead, behind) in zip(
            self.names,
            self.reasons,
            self.answered.tolist(),
            self.unfamiliarity.tolist(),
            cells,
            strict=True,
        ):
            if reason:
                nothing = [None] * (len(first) + refusing)
                yield [name, *nothing, reason, None, None, *[None] * len(last)]
                continue
            said = [None, None] if math.isnan(strange) else [strange, strange > 1]
            whether = [answered] * refusing
            given = ahead if answered else [None, *ahead[1:]]
            yield [name, *given, *whether, None, *said, *behind]

    @classmethod
    def joined(cls, parts: Sequence[Predictions], target: Labelled) -> Predictions:
        """Join batches into one."""
        return cls(
            names=[name for part in parts for name in part.names],
            predicted=np.concatenate([part.predicted for part in parts])
            if parts
            else np.empty((0, target.outputs or 0)),
            reasons=[reason for part in parts for reason in part.reasons],
            target=target,
            unfamiliarity=np.concatenate([np.empty(0), *(part.unfamiliarity for part in parts)]),
            least=parts[0].least if parts else None,
            labelled_by=parts[0].labelled_by if parts else (),
        )


def names_of(target: Labelled) -> list[Any]:
    """Name the numbers of a prediction, (k,): classes, or else columns of a table."""
    return list(target.names.tolist()) or target.columns()[0]


def columns_of(target: Labelled, *, refusing: bool = False) -> list[str]:
    """Name the columns of predictions of a target; `refusing` says that not all are answered."""
    first, last = target.columns()
    whether = ["answered"] * refusing
    return ["path", *first, *whether, "error", "unfamiliarity", "unfamiliar", *last]
