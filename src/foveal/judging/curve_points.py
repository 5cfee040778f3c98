"""From answers of networks that fewer pictures taught to a learning curve.

Axes: n picture that is looked at, t that teaches, m that is judged, s size, r round, k name, p pair
of a picture and a name that it bears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array, Doubles, Hashes, Rows
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import cross_validated_number, effective_number, wilson
from foveal.judging.curve import CurvePoint, LearningCurve
from foveal.judging.forecast import Forecast, forecast
from foveal.judging.source import Source, pictures_to_judge
from foveal.judging.together import Together
from foveal.pictures.collection import evenly
from foveal.pictures.splits import deal
from foveal.pictures.store import Progress
from foveal.randomness import generator
from foveal.targets.labelled import Labelled
from foveal.targets.named import Named
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

FOLDS = 5
"""Parts that pictures are dealt into: one is judged, of the others some teach."""
FEWEST_OF_A_CLASS = 3
"""Pictures of the smallest class in the smallest size, about, at least."""
MOST = 5_000
"""Pictures that a curve looks at."""
SEED = 0
"""Seed of parts and draws: the same pictures give the same curve."""

Answer = Callable[[Rows, Rows], Array]
"""Teaches a network by some rows of what is looked at, (t,), and returns its outputs for others,
(m, k)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How much is taught for a curve."""

    sizes: int
    """Numbers of pictures that teach."""
    deals: int
    """Times that pictures are dealt out."""
    judged: int = FOLDS
    """Parts of each deal that are judged, of `FOLDS`."""

    @property
    def trainings(self) -> int:
        """Networks, or heads of them, that are taught."""
        return self.sizes * self.deals * self.judged


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Shown:
    """Labelled pictures that teach networks of a curve, and judge them."""

    source: Source
    target: Named
    """As it was before held-out pictures decided of its answers."""
    rows: Rows
    """Which of the source are looked at, (n,)."""
    units_n: Hashes
    """What belongs together: none of it teaches and is judged at once."""
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, model: FittedModel, X: Any, y: Any, groups: Any, progress: Progress | None
    ) -> Shown:
        """Open pictures as `learning_curve` takes them.

        Raises
        ------
        UsageError
            For a model whose answers are not right or wrong.
        """
        target = named(model.answering())
        source = Source(model, pictures_to_judge(model, X, y, groups))
        source.open(progress)
        together = Together.of(
            source.pictures, source.store, source.recipe, source.strata, source.known
        )
        rows, notes = _rows(source)
        return cls(
            source=source,
            target=target.uncalibrated(),
            rows=rows,
            units_n=together.units[rows],
            notes=tuple(notes),
        )

    @property
    def values_n(self) -> Array:
        """What is true of each picture."""
        found: Array = self.source.values[self.rows]
        return found

    @property
    def strata_n(self) -> Rows:
        """What each part and each size has its share of."""
        found: Rows = self.source.strata[self.rows]
        return found

    def sizes(self, count: int) -> Rows:
        """Choose sizes, rising, up to what four fifths of the pictures suffice for.

        Raises
        ------
        DataError
            Where there are too few.
        """
        counts = self.target.counts(self.values_n)
        least = int(counts.min()) if len(counts) else 0
        total = len(self.rows)
        largest = total * (FOLDS - 1) // FOLDS
        first = int(np.ceil(FEWEST_OF_A_CLASS * total / max(least, 1)))
        if least < 2 * FOLDS or first * 2 > largest:
            noun = self.target.noun[0]
            raise DataError(
                "pictures",
                needed=f"at least {2 * FOLDS} of each {noun} for a learning curve, and of none "
                "much fewer than of others",
                came=f"{least:,} of {self.target.names[int(counts.argmin())]}",
                remedy=f"give more pictures of it, or train without that {noun}",
            )
        first = max(first, largest // 2 ** (count - 1))
        return np.unique(np.geomspace(first, largest, count).round().astype(np.intp))

    def dealt(self, rounds: Rounds) -> Iterator[tuple[int, Rows, Rows]]:
        """Yield the number of a deal, rows that may teach, and rows that are judged by them.

        Those that may teach are in a random order in which every beginning has each stratum by its
        share.
        """
        for number in range(rounds.deals):
            fold_n = deal(self.strata_n, self.units_n, FOLDS, SEED + number)
            for fold in range(min(int(fold_n.max()) + 1, rounds.judged)):
                taught = np.flatnonzero(fold_n != fold)
                judged: Rows = np.flatnonzero(fold_n == fold)
                yield number, self._in_order(taught, SEED + number), judged

    def _in_order(self, taught: Rows, seed: int) -> Rows:
        place = np.empty(len(taught))
        strata = self.strata_n[taught]
        for code in np.unique(strata):
            own = np.flatnonzero(strata == code)
            order = generator(seed, "curve", int(code)).permutation(len(own))
            place[own] = (order + 0.5) / len(own)
        return taught[np.argsort(place, kind="stable")]


def named(target: Labelled) -> Named:
    """Return a target whose answers are names, and so right or wrong.

    Raises
    ------
    UsageError
        For any other.
    """
    if isinstance(target, Named):
        return target
    raise UsageError(
        "`learning_curve`",
        needed="a model that gives classes or labels, which are right or wrong",
        came=f"a model for {target.task}",
        remedy="hold trainings on fewer pictures against one another, by `folds`",
    )


def _rows(source: Source) -> tuple[Rows, list[str]]:
    """Choose the pictures of a curve, with what is to be said of the others."""
    notes = source.notes()
    parts, rows = source.pictures.parts, source.known
    if parts is not None and (parts[rows] == "test").any():
        rows = rows[parts[rows] != "test"]
        notes.append("the test part is not looked at")
    if len(rows) > MOST:
        notes.append(f"{MOST:,} of {counted(len(rows), 'picture')} are looked at, evenly spaced")
        rows = rows[evenly(len(rows), MOST)]
    return rows, notes


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Answered:
    """What networks answered, by size."""

    right_sn: Doubles
    """Share of the answers to each picture that were right; NaN where none judged it."""
    given_sp: Doubles
    """Share of the answers to each pair that gave its name; NaN where none judged it."""
    deviation_s: Doubles
    """Standard deviation of the share of right answers over the deals, or over the parts."""


def curve_of(
    shown: Shown,
    answer: Answer,
    rounds: Rounds,
    fitting: Progress | None,
    notes: tuple[str, ...] = (),
) -> LearningCurve:
    """Teach networks by some of the pictures, judge them on others, and say what comes of it.

    Parameters
    ----------
    shown : Shown
        The pictures.
    answer : callable
        Teaches a network, and asks it.
    rounds : Rounds
        How often.
    fitting : callable, optional
        Called with networks taught and in all.
    notes : tuple of str
        What else a reader must know.
    """
    sizes_s = shown.sizes(rounds.sizes)
    rows_p, names_p = _pairs(shown)
    answered = _answered(shown, answer, rounds, sizes_s, (rows_p, names_p), fitting)
    judged_n = ~np.isnan(answered.right_sn[0])
    judged_p = judged_n[rows_p]
    rows_p, names_p = rows_p[judged_p], names_p[judged_p]
    right_sn, given_sp = answered.right_sn[:, judged_n], answered.given_sp[:, judged_p]
    units_n = shown.units_n[judged_n]
    worths = [_worth(one, units_n) for one in right_sn]
    per_unit = min(worths[-1] * len(units_n) / len(np.unique(units_n)), 1.0)
    count = len(shown.target.names)
    of_k = [np.flatnonzero(names_p == name) for name in range(count)]

    def ahead(shares_sn: Doubles, units: Hashes) -> Forecast:
        sizes = sizes_s.astype(np.float64)
        return forecast(sizes, shares_sn, units, per_unit, len(shown.rows), SEED)

    return LearningCurve(
        measure=shown.target.rightness,
        noun=shown.target.noun,
        classes=tuple(str(one) for one in shown.target.names),
        judged=len(units_n),
        shares=tuple(len(here) / len(units_n) for here in of_k),
        points=tuple(
            CurvePoint(
                pictures=int(size),
                accuracy=wilson(right_n.sum(), len(right_n), worth=worth),
                deviation=float(deviation),
                recalls=tuple(wilson(given_p[here].sum(), len(here), worth=worth) for here in of_k),
            )
            for size, right_n, given_p, worth, deviation in zip(
                sizes_s.tolist(), right_sn, given_sp, worths, answered.deviation_s, strict=True
            )
        ),
        forecast=ahead(right_sn, units_n),
        by_class=tuple(ahead(given_sp[:, here], shown.units_n[rows_p[here]]) for here in of_k),
        notes=(*shown.notes, *notes),
    )


def _pairs(shown: Shown) -> tuple[Rows, Rows]:
    """Return pictures and the numbers of names that they bear, (p,) each."""
    values_n = shown.values_n
    found = [
        np.flatnonzero(shown.target.named(values_n, name))
        for name in range(len(shown.target.names))
    ]
    return np.concatenate(found), np.repeat(np.arange(len(found)), list(map(len, found)))


def _worth(right_n: Doubles, units_n: Hashes) -> float:
    """Return the independent answers that one is worth whose networks taught one another."""
    number = effective_number(right_n, units_n)
    return cross_validated_number(float(right_n.mean()), number) / len(units_n)


def _answered(
    shown: Shown,
    answer: Answer,
    rounds: Rounds,
    sizes_s: Rows,
    pairs: tuple[Rows, Rows],
    fitting: Progress | None,
) -> _Answered:
    """Teach and judge all networks."""
    tell = fitting or (lambda done, total: None)
    dealt = list(shown.dealt(rounds))
    values_n, (rows_p, names_p) = shown.values_n, pairs
    right_rsn = np.full((rounds.deals, len(sizes_s), len(values_n)), np.nan)
    given_rsp = np.full((rounds.deals, len(sizes_s), len(rows_p)), np.nan, dtype=np.float32)
    parts_sr: list[list[float]] = [[] for _ in sizes_s]
    place_n = np.empty(len(values_n), dtype=np.intp)
    for done, (number, taught, judged) in enumerate(dealt):
        place_n[judged] = np.arange(len(judged))
        here_p = np.flatnonzero(np.isin(rows_p, judged))
        for at, size in enumerate(sizes_s.tolist()):
            predicted_mk = shown.target.predicted(answer(taught[:size], judged), 1.0)
            right_m = shown.target.right(predicted_mk, values_n[judged])
            assert right_m is not None  # a name is right or wrong
            right_rsn[number, at, judged] = right_m
            given_mk = shown.target.given(predicted_mk)
            given_rsp[number, at, here_p] = given_mk[place_n[rows_p[here_p]], names_p[here_p]]
            parts_sr[at].append(float(right_m.mean()))
            tell(done * len(sizes_s) + at + 1, len(dealt) * len(sizes_s))
    shares_rs = np.nanmean(right_rsn, axis=2) if rounds.deals > 1 else np.array(parts_sr).T
    return _Answered(
        right_sn=right_rsn.mean(axis=0),
        given_sp=given_rsp.mean(axis=0, dtype=np.float64),
        deviation_s=shares_rs.std(axis=0, ddof=1),
    )
