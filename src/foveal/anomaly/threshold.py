"""Pictures held against the usual ones: their scores, and the threshold that these are held to.

Axes: m usual picture, n picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from foveal.arrays import Doubles, Hashes, Truths
from foveal.errors import DataError
from foveal.evaluation.conformal import threshold_of, true_rate
from foveal.evaluation.intervals import Estimate
from foveal.html_tables import MOST_ROWS, html_lines, html_table
from foveal.parameters import one_of
from foveal.pictures.collection import Pictures
from foveal.results import plain
from foveal.wording import counted

By = Literal["error", "distance", "neighbours"]
BY: tuple[By, ...] = ("error", "distance", "neighbours")
MEASURES: Mapping[By, str] = {"error": "MSE", "distance": "distance", "neighbours": "distance"}
"""What is measured of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Usual pictures that were given and set no threshold."""

    taught: int = 0
    """The model was trained on them."""
    repeated: int = 0
    """They are equal to others."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """They cannot be read: their names, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The score above which a picture counts as unusual, and how sure that is."""

    value: float
    """Scores above it are unusual."""
    by: By
    """What the scores are: reconstruction errors, or distances of codes or to neighbours."""
    false_alarms: float
    """Share of usual pictures that may lie above, as asked for."""
    rate: Estimate
    """Share that does lie above: what is expected at most, and its 95 % interval."""
    usual: int
    """Usual pictures that set it."""
    held_out: bool
    """Whether they were held out of the training, rather than given."""
    left_out: LeftOut | None = None
    """How many of those given did not."""

    @classmethod
    def of(
        cls, scores: Doubles, by: By, false_alarms: float, left_out: LeftOut | None = None
    ) -> Threshold:
        """Set a threshold by the scores of usual pictures; `left_out` says that they were given.

        Raises
        ------
        UsageError
            For a rate that is none.
        DataError
            Where there are too few for the rate.
        """
        return cls(
            value=threshold_of(scores, false_alarms),
            by=by,
            false_alarms=false_alarms,
            rate=true_rate(len(scores), false_alarms),
            usual=len(scores),
            held_out=left_out is None,
            left_out=left_out,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The usual picture that is most like each picture."""

    pictures: Pictures
    """The usual pictures."""
    compared: int
    """How many of them could be compared with, each content once."""
    neighbours: int
    """How many nearest ones a score is the mean distance to."""
    rows: np.ndarray[Any, np.dtype[np.int64]]
    """Row of each picture's nearest in them, (n,); -1 for none."""

    def name(self, row: int) -> str | None:
        """Name the usual picture nearest to one; None where there is none."""
        found = int(self.rows[row])
        return None if found < 0 else str(self.pictures.names[found])


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Anomalies:
    """How unusual pictures are, in the order they came."""

    names: Sequence[str]
    measures: Mapping[By, Doubles]
    """What was measured of each, (n,) each; NaN for none.

    By "error" the mean squared error of the reconstruction, black = 0, white = 1; by "distance"
    how far the code lies from the training pictures' mean; by "neighbours" how far the nearest
    usual picture is.
    """
    reasons: Sequence[str]
    """Why a picture has no score; empty where it has one."""
    threshold: Threshold
    nearest: Nearest | None = None
    """The usual pictures nearest to them, where these were searched for."""
    notes: tuple[str, ...] = ()
    """What a reader should know."""

    def __repr__(self) -> str:
        unreadable = sum(map(bool, self.reasons))
        lost = f", {unreadable:,} unreadable" * bool(unreadable)
        return f"Anomalies({self.above.sum():,} of {self._scored()} unusual{lost})"

    def _scored(self) -> str:
        return counted(len(self.order), "picture")

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows: the most unusual first."""
        rows = self.order[:MOST_ROWS].tolist()
        near = [] if self.nearest is None else ["nearest usual picture"]
        shown = [
            (
                self.names[row],
                f"{self.scores[row]:#.3g}",
                "above" * bool(self.above[row]),
                *([] if self.nearest is None else [self.nearest.name(row)]),
            )
            for row in rows
        ]
        bound, more = self.threshold, len(self.order) - len(rows)
        unreadable = sum(map(bool, self.reasons))
        told = [
            *(f"note: {note}" for note in self.notes),
            f"{self.above.sum():,} of {self._scored()} above the threshold, "
            f"{MEASURES[bound.by]} {bound.value:#.3g}; of usual ones {bound.rate.percent()}",
            *[f"unreadable: {counted(unreadable, 'picture')}"] * bool(unreadable),
        ]
        head = ("path", MEASURES[bound.by], "", *near)
        left = [f"and {more:,} more"] if more else []
        return html_lines(told) + html_table(head, shown, numbers=(1,)) + html_lines(left)

    @property
    def scores(self) -> Doubles:
        """How unusual each picture is, (n,), by what the threshold is by; NaN for none."""
        return self.measures[self.threshold.by]

    @property
    def above(self) -> Truths:
        """Whether each picture lies above the threshold, (n,)."""
        found: Truths = self.scores > self.threshold.value
        return found

    @property
    def order(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Rows of pictures that have a score, the most unusual first, (at most n,)."""
        order = np.argsort(-self.scores, kind="stable")
        return order[np.isfinite(self.scores[order])]

    @property
    def others(self) -> dict[str, Doubles]:
        """What was measured besides the scores, by the name of its measure."""
        return {
            MEASURES[by]: found for by, found in self.measures.items() if by != self.threshold.by
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table; as in every table `error` says why a picture cannot be read."""
        return columns_of(tuple(self.measures), nearest=self.nearest is not None)

    def rows(self) -> Iterator[list[Any]]:
        """Return the rows of the table, in the order of `columns`."""
        scores, above, size = self.scores, self.above, len(self.columns)
        for row, (name, reason) in enumerate(zip(self.names, self.reasons, strict=True)):
            if reason:
                yield [name, None, None, reason, *[None] * (size - 4)]
                continue
            found = [name, float(scores[row]), bool(above[row]), None]
            if len(self.measures) > 1:
                found += [float(values[row]) for values in self.measures.values()]
            if self.nearest is not None:
                found.append(self.nearest.name(row))
            yield found

    def to_dict(self) -> dict[str, Any]:
        """Return the threshold and the counts; the table is `rows`."""
        return {
            "threshold": plain(self.threshold),
            "rows": len(self.reasons),
            "above": int(self.above.sum()),
            "unreadable": sum(map(bool, self.reasons)),
            "compared_with": self.nearest and self.nearest.compared,
            "notes": list(self.notes),
        }


def columns_of(measures: Sequence[By], *, nearest: bool) -> tuple[str, ...]:
    """Name the columns of the table where these were measured, and perhaps nearest ones found."""
    beside = [MEASURES[by].lower() for by in measures if len(measures) > 1]
    return ("path", "score", "above", "error", *beside, *["nearest"] * nearest)


def check_by(by: str) -> By:
    """Check the word for what makes a picture unusual.

    Raises
    ------
    UsageError
        For any other than `BY`.
    """
    return one_of("by", by, BY)


def taught_notes(taught: Truths) -> tuple[str, ...]:
    """Say how many of the pictures that were scored taught the model, (n,); nothing for none."""
    count = int(taught.sum())
    note = f"{count:,} of the pictures taught the model: others like them have higher scores"
    return (note,) if count else ()


def choose_usual(
    hashes: Hashes,
    there: Truths,
    taught: Truths,
    names: Sequence[object],
    reasons: Sequence[str],
) -> tuple[np.ndarray[Any, np.dtype[np.intp]], LeftOut]:
    """Choose the usual pictures that may set a threshold.

    Parameters
    ----------
    hashes : array, (m,)
        Equal for equal pictures: the first of them is chosen, since copies of one picture say
        no more of others than that one does.
    there, taught : array of bool, (m,)
        Which have a score, and which taught the model, so that their score is too good.
    names, reasons : sequence, (m,)
        What they are called, and why those without a score have none.

    Returns
    -------
    tuple of array and LeftOut
        Rows of those chosen, in order, and why the others were not.

    Raises
    ------
    DataError
        Where none is left.
    """
    open_to = np.flatnonzero(there & ~taught)
    setting = open_to[np.sort(np.unique(hashes[open_to], return_index=True)[1])]
    left_out = LeftOut(
        taught=int((there & taught).sum()),
        repeated=len(open_to) - len(setting),
        unreadable={str(names[row]): reasons[row] for row in np.flatnonzero(~there).tolist()},
    )
    if not len(setting):
        raise DataError(
            "usual pictures",
            needed="some that can be read and did not teach the model",
            came=f"{len(hashes)}, of which {left_out.taught} taught it and "
            f"{len(left_out.unreadable)} cannot be read",
            remedy="name others (`usual`)",
        )
    return setting, left_out
