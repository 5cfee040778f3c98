"""Unusual pictures by their neighbours: those unlike even the usual picture nearest to them.

Any network that gives features will do, and nothing is trained. Axes: m usual picture, n picture,
d number of a vector, k neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from foveal.anomaly.threshold import (
    Anomalies,
    LeftOut,
    Nearest,
    Threshold,
    choose_usual,
    taught_notes,
)
from foveal.arrays import Doubles, Floats, Integers, Truths
from foveal.errors import DataError
from foveal.evaluation.conformal import checked_rate
from foveal.judging.held_out import Standing
from foveal.nearest import nearest_others, squared_lengths
from foveal.parameters import Whole, check
from foveal.search.vectors import Progress, Vectors, passing_vectors, vectors_of
from foveal.wording import agreeing, counted

if TYPE_CHECKING:
    from foveal.arrays import Hashes
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures

SERIES = 9
"""Neighbours among which a series of near copies is looked for."""
A_SERIES, OFTEN = 0.25, 1 / 3
"""It is one where those within are so much nearer than the next, and counts where so many are.

Points spread evenly in d dimensions have a neighbour that much nearer than the next with a
probability of about 0.25 ** d.
"""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Usual:
    """Usual pictures, each content once, and how far others are from them."""

    rows: Integers
    """Their rows among those given, (m,)."""
    vectors: Floats
    """(m, d)."""
    squares: Doubles
    """(m,)."""
    hashes: Hashes
    """(m,)."""
    setting: Integers
    """Rows of those given that set the threshold, some or all of `rows`."""
    left_out: LeftOut

    def distances(
        self, vectors_nd: Floats, hashes_n: Hashes, k: int, threads: int
    ) -> tuple[Doubles, Integers]:
        """Measure how far pictures are from the k nearest usual ones, a copy of theirs left out.

        Returns
        -------
        tuple of arrays
            Distances (n, k), the least first, and the nearest one's row among those given, (n,).
        """
        found, least = nearest_others(
            self.vectors, self.squares, self.hashes, vectors_nd, hashes_n, k=k, threads=threads
        )
        return least, self.rows[found[:, 0]]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Seen:
    """What a network makes of pictures that are to be scored."""

    names: Sequence[str]
    """The pictures, (n,)."""
    vectors: Floats
    """Of those that have one, (rows, d)."""
    rows: Integers
    """Which these are."""
    reasons: Sequence[str]
    """Why there is none; empty where there is one."""
    hashes: Hashes
    """Equal for equal pictures, (n,)."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Neighbouring:
    """Scores pictures by the mean distance to the usual ones nearest to them, its threshold set.

    Each usual picture is scored against the others. A further one exceeds the threshold with at
    most the stated probability: were it counted among the others, their scores could only fall, and
    then all would be exchangeable (full conformal prediction, Vovk et al., 2005).
    """

    model: FittedModel
    usual: Pictures
    known: _Usual
    neighbours: int
    scores: Doubles
    """Of the usual pictures that set the threshold, each held against the others."""
    threshold: Threshold
    notes: tuple[str, ...]
    """What a reader should know of the usual pictures."""

    @classmethod
    def opened(
        cls,
        model: FittedModel,
        usual: Pictures,
        false_alarms: float,
        neighbours: int,
        progress: Progress | None = None,
    ) -> Neighbouring:
        """Look at the usual pictures, and set the threshold by them."""
        checked_rate(false_alarms)
        check({"neighbours": neighbours}, {"neighbours": Whole()})
        known = _prepared(model, vectors_of(model, usual, progress), usual.names, neighbours)
        own = np.isin(known.rows, known.setting)
        seen = min(max(neighbours, SERIES), len(known.rows) - 1)
        threads = model.device.threads
        among, _ = known.distances(known.vectors[own], known.hashes[own], seen, threads)
        scores = among[:, :neighbours].mean(axis=1)
        return cls(
            model=model,
            usual=usual,
            known=known,
            neighbours=neighbours,
            scores=scores,
            threshold=Threshold.of(scores, "neighbours", false_alarms, known.left_out),
            notes=_notes(among[:, neighbours - 1 :]),
        )

    def at(self, false_alarms: float) -> Neighbouring:
        """Hold to another rate of false alarms; the usual pictures are not looked at again."""
        threshold = Threshold.of(self.scores, "neighbours", false_alarms, self.known.left_out)
        return replace(self, threshold=threshold)

    def compared(self, pictures: Pictures, progress: Progress | None = None) -> Anomalies:
        """Score pictures all at once; what the model makes of them is kept by content.

        See `foveal.anomaly.detection.anomalies`.
        """
        made = vectors_of(self.model, pictures, progress)
        seen = Seen(
            names=pictures.names,
            vectors=made.gathered(),
            rows=made.rows,
            reasons=made.reasons,
            hashes=made.hashes,
        )
        scored = self.scored(seen)
        return replace(scored, notes=(*self.notes, *taught_notes(self.taught(scored, seen))))

    def scored(self, seen: Seen) -> Anomalies:
        """Measure how far pictures are from the usual ones, and hold that to the threshold."""
        scores, rows = np.full(len(seen.names), np.nan), np.full(len(seen.names), -1)
        threads, own = self.model.device.threads, seen.hashes[seen.rows]
        if len(seen.rows):
            far, rows[seen.rows] = self.known.distances(seen.vectors, own, self.neighbours, threads)
            scores[seen.rows] = far.mean(axis=1)
        nearest = Nearest(
            pictures=self.usual,
            rows=rows,
            compared=len(self.known.rows),
            neighbours=self.neighbours,
        )
        return Anomalies(
            names=seen.names,
            measures={"neighbours": scores},
            reasons=seen.reasons,
            threshold=self.threshold,
            nearest=nearest,
        )

    def taught(self, scored: Anomalies, seen: Seen) -> Truths:
        """Tell which of the pictures that were scored taught the model, (n,)."""
        standing = Standing.of(self.model, seen.hashes, features=True)
        found: Truths = np.isfinite(scored.scores) & standing.taught
        return found

    def seeing(self, pictures: Pictures) -> Iterator[Seen]:
        """See pictures batch by batch, in bounded memory; nothing of them is kept."""
        for names, values, reasons, hashes in passing_vectors(self.model, pictures):
            rows = np.flatnonzero([not reason for reason in reasons])
            yield Seen(names=names, vectors=values[rows], rows=rows, reasons=reasons, hashes=hashes)


def _notes(among: Doubles) -> tuple[str, ...]:
    """Warn of series: usual pictures with others far nearer to them than any further one.

    Parameters
    ----------
    among : array, (m, k)
        Distances of usual pictures to the others nearest to them, the least first, from the
        last one on that they are compared with.
    """
    alike = int((among[:, :-1] < A_SERIES * among[:, 1:]).any(axis=1).sum())
    if alike <= OFTEN * len(among):
        return ()
    return (
        f"{alike:,} of {counted(len(among), 'usual picture')} "
        f"{agreeing(alike, 'has', 'have')} near copies among them, as pictures of "
        "one series have: the threshold is too low for a picture of another series. Keep one of "
        "each, or compare with more neighbours",
    )


def _prepared(
    model: FittedModel, made: Vectors, names: Sequence[object], neighbours: int
) -> _Usual:
    """Take each usual picture once, and note which of them set the threshold."""
    there = np.array([not reason for reason in made.reasons], dtype=bool)
    taught = there & Standing.of(model, made.hashes, features=True).taught
    setting, left_out = choose_usual(made.hashes, there, taught, names, made.reasons)
    once = np.sort(np.unique(made.hashes[made.rows], return_index=True)[1])
    if len(once) <= neighbours:
        raise DataError(
            "usual pictures",
            needed=f"more than {neighbours} that differ, to compare each with "
            + counted(neighbours, "other"),
            came=str(len(once)),
            remedy="name more of them (`usual`)"
            + ", or compare with fewer (`neighbours`)" * (len(once) > 1),
        )
    vectors = made.gathered()[once]
    return _Usual(
        rows=made.rows[once],
        vectors=vectors,
        squares=squared_lengths(vectors),
        hashes=made.hashes[made.rows[once]],
        setting=setting,
        left_out=left_out,
    )
