"""Unusual pictures: how scores become a verdict, and the scores of an autoencoder.

It reconstructs them badly, or their codes lie far from the usual. (Scores by the nearest usual
pictures, which any network gives, are in `foveal.search.unusual`.) What is unusual is told by a
threshold that usual pictures, which did not teach, exceed at a known rate. Axes: n
picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import betaincinv

from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import LEVEL, Estimate
from foveal.model.coding import NO_NUMBERS, Compared, Made, check_half, compared
from foveal.model.normality import Normality, Numbers, rank_of, threshold_of
from foveal.pictures.catalogue import Pictures
from foveal.pictures.sources import gather
from foveal.pictures.store import Hashes, Progress

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

Truths = np.ndarray[Any, np.dtype[np.bool_]]
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
        cls, scores: Numbers, by: By, false_alarms: float, left_out: LeftOut | None = None
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
    measures: Mapping[By, Numbers]
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
        return f"Anomalies({int(self.above.sum())} of {len(self.reasons)} pictures unusual)"

    @property
    def scores(self) -> Numbers:
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
    def others(self) -> dict[str, Numbers]:
        """What was measured besides the scores, by the name of its measure."""
        return {
            MEASURES[by]: found for by, found in self.measures.items() if by != self.threshold.by
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table; as in every table `error` says why a picture cannot be read."""
        measures = [MEASURES[by].lower() for by in self.measures if len(self.measures) > 1]
        return ("path", "score", "above", "error", *measures, *["nearest"] * bool(self.nearest))

    def rows(self) -> Iterator[list[Any]]:
        """Give the rows of the table, in the order of `columns`."""
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


def anomalies(
    model: FittedModel,
    pictures: Any,
    *,
    false_alarms: float = 0.05,
    by: Literal["error", "distance"] = "error",
    usual: Any = None,
    progress: Progress | None = None,
) -> Anomalies:
    """Find the pictures that are unlike those an autoencoder was trained on.

    Parameters
    ----------
    model : FittedModel
        An autoencoder.
    pictures : path, sequence of paths, or array
        As in `fit`. Each gets a row, in order.
    false_alarms : float, 0 to 1
        Share of usual pictures that may be called unusual.
    by : {"error", "distance"}
        By the error of the reconstruction, or by how far the code lies from the usual.
    usual : path, sequence of paths, or array, optional
        Usual pictures that set the threshold; those held out of the training where left out.
        Pictures that taught the model are left out of them, by their content.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    UsageError
        For a model that is no autoencoder, or half of one, and for other words or rates.
    DataError
        Where there are too few usual pictures for the rate.
    """
    for half in ("encoder", "decoder"):
        check_half(model, half)
    if checked_by(by) == "neighbours":
        raise UsageError(
            "by",
            needed="error or distance",
            came=by,
            remedy="use foveal.search.unusual.unusual, or 'foveal anomalies --by neighbours'",
        )
    normal = model.normality
    if normal is None:
        raise UsageError(
            "the model",
            needed="an autoencoder that knows the spread of its codes",
            came="one without",
            remedy="train it again",
        )
    threshold = _threshold(model, normal, false_alarms, by, usual)
    found = gather(pictures)
    made = _measured(model, normal, found, progress)
    taught = int(made.taught.sum())
    note = f"{taught:,} of the pictures taught the model: others like them have higher scores"
    return Anomalies(
        names=found.names,
        measures=made.measures,
        reasons=made.reasons,
        threshold=threshold,
        notes=(note,) if taught else (),
    )


def checked_by(by: str) -> By:
    """Check the word for what makes a picture unusual.

    Raises
    ------
    UsageError
        For any other than `BY`.
    """
    for known in BY:
        if by == known:
            return known
    raise UsageError(
        "by", needed=f"one of {', '.join(BY)}", came=repr(by), remedy="choose one of them"
    )


def error_map(originals: Any, reconstructions: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Squared error of each pixel, mean over its channels: (n, h, w, c) twice to (n, h, w)."""
    wanted, made = np.asarray(originals, np.float32), np.asarray(reconstructions, np.float32)
    found: np.ndarray[Any, np.dtype[np.float32]] = ((wanted - made) ** 2).mean(axis=3)
    return found


def differences(batches: Iterable[Compared]) -> Iterator[Made]:
    """Draw where reconstructions differ from their pictures: the root of `error_map`.

    A value is the difference of a pixel, root mean square over its channels: 0 for none, 1 for
    white where black was.
    """
    for batch in batches:
        there = [row for row, reason in enumerate(batch.reasons) if not reason]
        errors = error_map(batch.originals[there], batch.reconstructions[there])
        yield Made(pictures=np.sqrt(errors)[..., None], reasons=batch.reasons)


def true_rate(usual: int, false_alarms: float) -> Estimate:
    """Say which share of usual pictures lies above a threshold set by some of them.

    With m usual pictures the threshold is their r-th smallest score, r = ceil((1 - rate)(m + 1)).
    Over all choices of them the share of further ones above it has the Beta distribution with
    parameters m + 1 - r and r where no scores are equal, and less where some are (Vovk,
    "Conditional validity of inductive conformal predictors", 2012, proposition 2b). Where each of
    them is scored against the others (`foveal.search.unusual`) the mean is an upper bound, and the
    interval an approximation: too narrow where the pictures fall into many small clusters.

    Parameters
    ----------
    usual : int
        How many set the threshold.
    false_alarms : float
        The rate asked for; `usual` suffices for it.

    Returns
    -------
    Estimate
        Mean of that distribution, and its 2.5 and 97.5 % quantiles.

    Examples
    --------
    >>> true_rate(19, 0.05).percent()
    '5.0 % (0.1 to 17.6 %)'
    """
    rank = rank_of(usual, false_alarms)
    over, tail = usual + 1 - rank, (1 - LEVEL) / 2
    low, high = betaincinv(over, rank, [tail, 1 - tail])
    return Estimate(over / (usual + 1), float(low), float(high))


def _threshold(
    model: FittedModel, normal: Normality, false_alarms: float, by: By, usual: Any
) -> Threshold:
    if usual is None:
        scores = normal.errors if by == "error" else normal.distances
        return Threshold.of(scores, by, false_alarms)
    scores, left_out = _usual(model, normal, gather(usual), by)
    return Threshold.of(scores, by, false_alarms, left_out)


def _usual(
    model: FittedModel, normal: Normality, pictures: Pictures, by: By
) -> tuple[Numbers, LeftOut]:
    """Score usual pictures that did not teach, each content once."""
    found = _measured(model, normal, pictures)
    there = np.isfinite(found.measures["error"])
    setting, left_out = chosen_once(
        found.hashes, there, found.taught, pictures.names, found.reasons
    )
    return found.measures[by][setting], left_out


def chosen_once(
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
            remedy="name others (--usual)",
        )
    return setting, left_out


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Measured:
    """What an autoencoder makes of pictures."""

    measures: dict[By, Numbers]
    """Error and distance, (n,) each; NaN, with a reason, where there is none."""
    reasons: list[str]
    hashes: Hashes
    taught: Truths
    """Which taught the model, (n,)."""


def _measured(
    model: FittedModel,
    normal: Normality,
    pictures: Pictures,
    progress: Progress | None = None,
) -> _Measured:
    errors, distances, hashes = [np.empty(0)], [np.empty(0)], [np.empty(0, np.int64)]
    reasons: list[str] = []
    for batch in compared(model, pictures):
        reasons.extend(batch.reasons)
        hashes.append(batch.hashes)
        errors.append(batch.errors.astype(np.float64))
        distances.append(normal.distance(batch.codes.astype(np.float64)))
        if progress is not None:
            progress(len(reasons), len(pictures))
    measures: dict[By, Numbers] = {
        "error": np.concatenate(errors),
        "distance": np.concatenate(distances),
    }
    bad = ~np.logical_and.reduce([np.isfinite(column) for column in measures.values()])
    for column in measures.values():
        column[bad] = np.nan
    known = np.concatenate(hashes)
    return _Measured(
        measures=measures,
        reasons=[reason or NO_NUMBERS * bool(no) for reason, no in zip(reasons, bad, strict=True)],
        hashes=known,
        taught=~bad & np.isin(known, model.trained_on),
    )
