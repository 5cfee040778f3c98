"""Unusual pictures by their neighbours: those unlike even the usual picture nearest to them.

Any network that gives features will do, and nothing is trained. Axes: m usual picture, n picture,
d number of a vector, k neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from foveal.anomaly.threshold import (
    Anomalies,
    LeftOut,
    Nearest,
    Threshold,
    choose_usual,
    taught_notes,
)
from foveal.arrays import Doubles, Floats, Integers
from foveal.errors import DataError
from foveal.evaluation.conformal import checked_rate
from foveal.judging.held_out import Standing
from foveal.nearest import nearest_others, squared_lengths
from foveal.parameters import Whole, check
from foveal.search.vectors import Progress, Vectors, vectors_of
from foveal.wording import counted

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
class UsualPictures:
    """Usual pictures as a model sees them, to hold others against: measured once, asked often."""

    model: FittedModel
    pictures: Pictures
    neighbours: int
    """How many nearest ones a score is the mean distance to."""
    known: _Usual
    among: Doubles
    """How far each that sets the threshold is from the nearest others, the least first, (m, k)."""

    @classmethod
    def of(
        cls,
        model: FittedModel,
        usual: Pictures,
        *,
        neighbours: int = 1,
        progress: Progress | None = None,
    ) -> Self:
        """Look at usual pictures; see `foveal.anomaly.detection.anomalies`.

        Raises
        ------
        UsageError
            For a number of neighbours that is none, and a model without features.
        DataError
            Where there are too few of them.
        """
        check({"neighbours": neighbours}, {"neighbours": Whole()})
        known = _prepared(model, vectors_of(model, usual, progress), usual.names, neighbours)
        own = np.isin(known.rows, known.setting)
        seen = min(max(neighbours, SERIES), len(known.rows) - 1)
        among, _ = known.distances(
            known.vectors[own], known.hashes[own], seen, model.device.threads
        )
        return cls(model=model, pictures=usual, neighbours=neighbours, known=known, among=among)

    def threshold(self, false_alarms: float) -> Threshold:
        """Set the threshold: each usual picture is scored against the others.

        A further one exceeds it with at most the stated probability: were it counted among the
        others, their scores could only fall, and then all would be exchangeable (full conformal
        prediction, Vovk et al., 2005).
        """
        scores = self.among[:, : self.neighbours].mean(axis=1)
        return Threshold.of(scores, "neighbours", false_alarms, self.known.left_out)

    def compared(
        self, pictures: Pictures, false_alarms: float, progress: Progress | None = None
    ) -> Anomalies:
        """Score pictures by the mean distance to the usual pictures nearest to them."""
        threshold, neighbours = self.threshold(false_alarms), self.neighbours
        made = vectors_of(self.model, pictures, progress)
        scores, rows = np.full(len(pictures), np.nan), np.full(len(pictures), -1)
        far, rows[made.rows] = self.known.distances(
            made.gathered(), made.hashes[made.rows], neighbours, self.model.device.threads
        )
        scores[made.rows] = far.mean(axis=1)
        taught = np.isfinite(scores) & Standing.of(self.model, made.hashes, features=True).taught
        return Anomalies(
            names=pictures.names,
            measures={"neighbours": scores},
            reasons=made.reasons,
            threshold=threshold,
            nearest=Nearest(
                pictures=self.pictures,
                rows=rows,
                compared=len(self.known.rows),
                neighbours=neighbours,
            ),
            notes=(*_notes(self.among[:, neighbours - 1 :]), *taught_notes(taught)),
        )


def by_neighbours(
    model: FittedModel,
    pictures: Pictures,
    usual: Pictures,
    *,
    false_alarms: float,
    neighbours: int,
    progress: Progress | None,
) -> Anomalies:
    """Score pictures by the mean distance to the usual pictures nearest to them.

    See `foveal.anomaly.detection.anomalies`, which this is a part of.
    """
    checked_rate(false_alarms)
    known = UsualPictures.of(model, usual, neighbours=neighbours, progress=progress)
    return known.compared(pictures, false_alarms, progress)


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
        f"{alike:,} of {counted(len(among), 'usual picture')} have near copies among "
        "them, as pictures of "
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
            needed=f"more than {neighbours} that differ, to compare each with {neighbours} others",
            came=str(len(once)),
            remedy="name more of them (`usual`), or compare with fewer (`neighbours`)",
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
