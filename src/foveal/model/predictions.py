"""Predictions: every row comes back, in order, with a reason where there is no answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.html_tables import MOST_ROWS, html_lines, html_table
from foveal.wording import counted


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Predictions:
    """What a model says of some pictures."""

    names: Sequence[str]
    """The pictures, as given."""
    probabilities: np.ndarray[Any, np.dtype[np.float64]]
    """(n, classes); NaN where a picture could not be read."""
    reasons: Sequence[str]
    """Why a picture could not be read; empty where it could."""
    classes: np.ndarray[Any, np.dtype[Any]]
    """The labels, in the order of the columns."""
    unfamiliarity: np.ndarray[Any, np.dtype[np.float64]]
    """How unlike each picture is to those that taught the model, (n,): above 1 where it is
    unfamiliar; NaN where it could not be read, or the model keeps nothing to tell by."""

    @property
    def unfamiliar(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each picture is unlike those that taught the model, (n,); False for NaN."""
        found: np.ndarray[Any, np.dtype[np.bool_]] = self.unfamiliarity > 1
        return found

    @property
    def labels(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The most probable class of each row.

        Of the dtype of the classes; where a row is unreadable, an object array with None there.
        """
        readable = ~np.isnan(self.probabilities[:, 0])
        best = np.where(readable, np.nan_to_num(self.probabilities).argmax(axis=1), 0)
        labels = self.classes[best]
        if readable.all():
            return labels
        found = labels.astype(object)
        found[~readable] = None
        return found

    def __repr__(self) -> str:
        unreadable = sum(map(bool, self.reasons))
        return f"Predictions({counted(len(self.names), 'picture')}, {unreadable} unreadable)"

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows: of many pictures the first."""
        shown = [
            (name, label, _percent(row), "unfamiliar" * bool(strange), reason)
            for name, label, row, strange, reason in zip(
                self.names[:MOST_ROWS],
                self.labels[:MOST_ROWS],
                self.probabilities[:MOST_ROWS],
                self.unfamiliar[:MOST_ROWS],
                self.reasons[:MOST_ROWS],
                strict=True,
            )
        ]
        more = len(self.names) - len(shown)
        head = ("path", "label", "probability", "", "error")
        told = html_lines([f"and {more:,} more"] if more else [])
        return html_table(head, shown, numbers=(2,)) + told

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `rows`."""
        return columns_of(self.classes)

    def rows(self) -> Iterator[list[Any]]:
        """Return the rows of the table, each as plain values under `columns`."""
        labels = self.labels.tolist()
        for index, name in enumerate(self.names):
            reason = self.reasons[index]
            if reason:
                yield [name, None, None, reason, None, None, *[None] * len(self.classes)]
                continue
            row, score = self.probabilities[index], float(self.unfamiliarity[index])
            said = [None, None] if math.isnan(score) else [score, score > 1]
            yield [name, labels[index], float(row.max()), None, *said, *map(float, row)]

    @classmethod
    def joined(
        cls, parts: Sequence[Predictions], classes: np.ndarray[Any, np.dtype[Any]]
    ) -> Predictions:
        """Join batches into one."""
        probabilities = [part.probabilities for part in parts]
        return cls(
            names=[name for part in parts for name in part.names],
            probabilities=np.concatenate(probabilities)
            if probabilities
            else np.empty((0, len(classes))),
            reasons=[reason for part in parts for reason in part.reasons],
            classes=classes,
            unfamiliarity=np.concatenate([np.empty(0), *(part.unfamiliarity for part in parts)]),
        )


def _percent(shares: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    """Write the largest share; nothing where there is none."""
    return "" if np.isnan(shares).any() else f"{100 * shares.max():.1f} %"


def columns_of(classes: Iterable[Any]) -> list[str]:
    """Name the columns of predictions of some classes."""
    facts = ["path", "label", "probability", "error", "unfamiliarity", "unfamiliar"]
    return [*facts, *(f"p:{one}" for one in classes)]
