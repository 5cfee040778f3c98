"""A learning curve: how a head fares that fewer pictures teach, and what more would bring.

The features of a network's fixed layers are there already, so that a curve takes seconds: heads
are fitted anew on some of the pictures, and judged on others, of which no near copy taught.

Axes: n picture, s size, r repetition, d feature, k class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array, Doubles, Floats, Hashes, Rows
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import (
    Estimate,
    cross_validated_number,
    effective_number,
    wilson,
)
from foveal.html_tables import html_lines, html_table
from foveal.judging.forecast import MATTERS, Forecast, forecast
from foveal.judging.source import Source, pictures_to_judge
from foveal.judging.together import Together
from foveal.model.fitted import fitted_of
from foveal.pictures.collection import evenly
from foveal.pictures.splits import deal
from foveal.pictures.store import Progress
from foveal.randomness import generator
from foveal.results import Result, plain
from foveal.targets.head import Examples
from foveal.targets.labelled import Labelled
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

FOLDS, REPETITIONS, SIZES = 5, 4, 6
FEWEST_OF_A_CLASS = 3
"""Pictures of the smallest class in the smallest size, about, at least."""
MOST = 5_000
"""Pictures that a curve looks at."""
SEED = 0
"""Seed of folds and draws: the same pictures give the same curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint(Result):
    """How heads fare that so many pictures taught."""

    pictures: int
    accuracy: Estimate
    deviation: float
    """Standard deviation of the accuracy over the repetitions: what the luck of a draw adds."""
    recalls: tuple[Estimate, ...]
    """Share of the pictures of each class that are called so."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class LearningCurve(Result):
    """Accuracy against the number of pictures that teach, and what more would bring.

    ``print(curve)`` gives the table that ``foveal evaluate --learning-curve`` prints.
    """

    classes: tuple[str, ...]
    judged: int
    """Pictures that were judged, in each repetition once."""
    shares: tuple[float, ...]
    """Share of them that each class has."""
    points: tuple[CurvePoint, ...]
    """By rising size."""
    forecast: Forecast
    """What twice as many pictures would bring."""
    by_class: tuple[Forecast, ...]
    """The same for the recall of each class."""
    notes: tuple[str, ...]
    """What a reader must know."""

    def __repr__(self) -> str:
        last = self.points[-1]
        taught = counted(last.pictures, "picture")
        return f"LearningCurve({last.accuracy.percent()} accuracy by {taught})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        rows = [
            (one.pictures, one.accuracy.percent(), *(recall.percent() for recall in one.recalls))
            for one in self.points
        ]
        head = ("pictures", "accuracy", *(f"recall of {one}" for one in self.classes))
        return html_table(head, rows, numbers=(0,)) + html_lines(self.sentences())

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {**super(LearningCurve, self).to_dict(), "verdict": self.forecast.verdict}

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `rows`."""
        named = ("accuracy", *(f"recall:{one}" for one in self.classes))
        ends = (f"{one}{end}" for one in named for end in ("", ":low", ":high"))
        return ("pictures", "deviation", *ends)

    def rows(self) -> Iterator[list[Any]]:
        """Return a row for every size."""
        for one in self.points:
            found = (one.accuracy, *one.recalls)
            ends = [end for each in found for end in (each.value, each.low, each.high)]
            yield [one.pictures, one.deviation, *map(plain, ends)]

    def lines(self) -> list[str]:
        """Lay it out for a person."""
        return [
            *(f"note: {note}" for note in self.notes),
            f"{counted(self.judged, 'picture')}, intervals at 95 %",
            "",
            f"{'pictures':>8}  {'accuracy':<27}recall of the classes",
            *(
                f"{one.pictures:>8,}  {one.accuracy.percent():<27}{self._recalls(one)}"
                for one in self.points
            ),
            "",
            *self.sentences(),
        ]

    def _recalls(self, point: CurvePoint, most: int = 4) -> str:
        named = zip(self.classes[:most], point.recalls, strict=False)
        more = len(self.classes) - most
        told = ", ".join(f"{name} {100 * one.value:.1f} %" for name, one in named)
        return told + (f" and {more:,} more" if more > 0 else "")

    def sentences(self) -> list[str]:
        """Say whether more pictures would help, and of which class."""
        found = self.forecast
        gain = f"{_points(found.gain.value)} ({_points(found.gain.low)} to "
        gain += f"{_points(found.gain.high)}) points"
        twice = (
            f"twice the pictures of all classes, {found.pictures:,}, would bring an accuracy of "
            f"about {found.share.percent()}: {gain} more"
        )
        verdict = {
            "yes": f"more pictures would help: {twice}",
            "no": f"more pictures of this kind would hardly help: {twice}",
            "untold": f"these pictures do not tell whether more would help: {twice}",
        }[found.verdict]
        return [verdict, *self._most_gaining()]

    def _most_gaining(self) -> Iterator[str]:
        """Name the class of which more pictures would bring the most, if that can be told."""
        if self.forecast.verdict == "no":
            return
        brought = [
            share * one.gain.value for share, one in zip(self.shares, self.by_class, strict=True)
        ]
        most = int(np.argmax(brought))
        gain = self.by_class[most].gain
        if gain.low <= MATTERS:
            yield "which class would gain by it they do not tell"
            return
        yield (
            f"the most of it would come from {self.classes[most]}: its recall would rise by "
            f"{_points(gain.value)} ({_points(gain.low)} to {_points(gain.high)}) points"
        )


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def learning_curve(
    model: FittedModel,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    progress: Progress | None = None,
    fitting: Progress | None = None,
) -> LearningCurve:
    """Measure how the head of a transfer fares when fewer pictures teach it, and forecast more.

    At each of six sizes heads are fitted, with the penalty of the model, on draws of four fifths of
    the pictures, every class with its share, and judged on the last fifth, each fifth in turn and
    four times anew. Equal pictures, groups and near copies are on one side.

    Parameters
    ----------
    model : FittedModel
        A transfer with a logistic head on fixed layers: what it learned of these pictures is not
        used, its fixed layers had not seen them.
    X : path, sequence of paths, or array
        Labelled pictures, as in `fit`. A test part that folders name is not looked at.
    y : array of labels, or str, optional
        As in `evaluate`.
    groups : str, path or sequence, optional
        What belongs together, as in `evaluate`.
    progress, fitting : callable, optional
        Called now and then with what is done and in all, of pictures and of heads.

    Raises
    ------
    UsageError
        For a model of another kind.
    DataError
        Where there are too few pictures.
    """
    model = fitted_of(model)
    target = model.answering()
    C = _penalty(model)
    source = Source(model, pictures_to_judge(model, X, y, groups))
    source.open(progress)
    together = Together.of(
        source.pictures, source.store, source.recipe, source.strata, source.known
    )
    rows, notes = _rows(source)
    features = np.asarray(source.store.views[0][rows], dtype=np.float32)
    data = _Data(
        target=target,
        features_nd=features.reshape(len(rows), -1),
        values_n=source.values[rows],
        strata_n=source.strata[rows],
        units_n=together.units[rows],
        C=C,
        threads=model.device.threads,
    )
    return _measured(data, data.sizes(), tuple(notes), fitting)


def _penalty(model: FittedModel) -> float:
    """Return the penalty of a logistic head on fixed layers.

    Raises
    ------
    UsageError
        For any other model.
    """
    target = model.answering()
    nothing = np.empty((0, target.outputs or 0))
    if not target.exclusive or target.right(nothing, np.empty(0, dtype=np.intp)) is None:
        raise UsageError(
            "`learning_curve`",
            needed="a classifier of one class a picture, whose answers are right or wrong",
            came=f"a model for {model.task}",
            remedy="hold trainings on fewer pictures against one another, by `folds`",
        )
    logistic = model.provenance.logistic
    if logistic is not None and model.plan.fixed == len(model.plan.layers) - 1:
        return logistic.C
    raise UsageError(
        "`learning_curve`",
        needed="a transfer with a logistic head on fixed layers, whose features are there already",
        came="a network that these pictures taught more of: each size would be a training of its "
        "own",
        remedy="train one on the same pictures, by 'foveal train transfer'; its curve takes "
        "seconds, and tells of the pictures as much",
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
class _Data:
    """What heads are fitted on."""

    target: Labelled
    features_nd: Floats
    values_n: Array
    strata_n: Rows
    units_n: Hashes
    C: float
    threads: int

    def sizes(self) -> Rows:
        """Choose sizes, rising, up to what four fifths of the pictures suffice for.

        Raises
        ------
        DataError
            Where there are too few.
        """
        counts = self.target.counts(self.values_n)
        least = int(counts.min()) if len(counts) else 0
        total = len(self.values_n)
        largest = total * (FOLDS - 1) // FOLDS
        first = int(np.ceil(FEWEST_OF_A_CLASS * total / max(least, 1)))
        if least < 2 * FOLDS or first * 2 > largest:
            raise DataError(
                "pictures",
                needed=f"at least {2 * FOLDS} of each class for a learning curve, and of none much "
                "fewer than of others",
                came=f"{least:,} of {self.target.names[int(counts.argmin())]}",
                remedy="give more pictures of it, or train without that class",
            )
        first = max(first, largest // 2 ** (SIZES - 1))
        return np.unique(np.geomspace(first, largest, SIZES).round().astype(np.intp))

    def right(self, taught: Rows, judged: Rows) -> Doubles:
        """Fit a head on some rows, and return whether it is right on others."""
        examples = Examples(
            features_vnd=self.features_nd[None, taught],
            values_n=self.values_n[taught],
            units_n=self.units_n[taught],
            weights_n=None,
            seed=SEED,
            threads=self.threads,
        )
        values = self.values_n[taught]
        head = self.target.fit_head(examples, values, self.C, judged=False)
        logits = self.features_nd[judged] @ head.weight_kd.T + head.bias_k
        predicted = self.target.predicted(logits.astype(np.float64), 1.0)
        right = self.target.right(predicted, self.values_n[judged])
        assert right is not None  # a logistic head is right or wrong
        return right.astype(np.float64)

    def in_order(self, taught: Rows, seed: int) -> Rows:
        """Put rows in a random order in which every beginning has each class by its share."""
        place = np.empty(len(taught))
        strata = self.strata_n[taught]
        for code in np.unique(strata):
            own = np.flatnonzero(strata == code)
            order = generator(seed, "curve", int(code)).permutation(len(own))
            place[own] = (order + 0.5) / len(own)
        return taught[np.argsort(place, kind="stable")]


def _measured(
    data: _Data, sizes_s: Rows, notes: tuple[str, ...], fitting: Progress | None
) -> LearningCurve:
    """Fit and judge all heads, and say what comes of it."""
    right_rsn = _answers(data, sizes_s, fitting or (lambda done, total: None))
    right_sn = right_rsn.mean(axis=0)
    judged = ~np.isnan(right_sn[0])
    right_sn, units_n = right_sn[:, judged], data.units_n[judged]
    values_n, units = data.values_n[judged], len(np.unique(units_n))
    total = len(data.values_n)
    worths = [_worth(one, units_n) for one in right_sn]
    names = [str(one) for one in data.target.names]
    here_kn = [data.target.named(values_n, code) for code in range(len(names))]
    points = tuple(
        CurvePoint(
            pictures=int(size),
            accuracy=wilson(right.sum(), len(right), worth=worth),
            deviation=float(np.std(np.nanmean(each_rn, axis=1), ddof=1)),
            recalls=tuple(
                wilson(right[here].sum(), int(here.sum()), worth=worth) for here in here_kn
            ),
        )
        for size, right, worth, each_rn in zip(
            sizes_s.tolist(), right_sn, worths, right_rsn.transpose(1, 0, 2), strict=True
        )
    )
    per_unit = min(worths[-1] * len(units_n) / units, 1.0)

    def ahead(here: Rows) -> Forecast:
        sizes = sizes_s.astype(np.float64)
        return forecast(sizes, right_sn[:, here], units_n[here], per_unit, total, SEED)

    return LearningCurve(
        classes=tuple(names),
        judged=len(values_n),
        shares=tuple(float(here.mean()) for here in here_kn),
        points=points,
        forecast=ahead(np.arange(len(values_n))),
        by_class=tuple(ahead(np.flatnonzero(here)) for here in here_kn),
        notes=notes,
    )


def _worth(right_n: Doubles, units_n: Hashes) -> float:
    """Return the independent answers that one is worth whose heads taught one another."""
    number = effective_number(right_n, units_n)
    return cross_validated_number(float(right_n.mean()), number) / len(units_n)


def _answers(data: _Data, sizes_s: Rows, tell: Callable[[int, int], None]) -> Doubles:
    """Return whether each picture is answered right, (r, s, n); NaN where none judges it."""
    found = np.full((REPETITIONS, len(sizes_s), len(data.values_n)), np.nan)
    done, total = 0, REPETITIONS * FOLDS * len(sizes_s)
    for repetition in range(REPETITIONS):
        fold_n = deal(data.strata_n, data.units_n, FOLDS, SEED + repetition)
        for fold in range(int(fold_n.max()) + 1):
            judged = np.flatnonzero(fold_n == fold)
            taught = data.in_order(np.flatnonzero(fold_n != fold), SEED + repetition)
            for place, size in enumerate(sizes_s.tolist()):
                found[repetition, place, judged] = data.right(taught[:size], judged)
                done += 1
                tell(done, total)
    return found
