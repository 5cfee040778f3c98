"""Unusual pictures: those an autoencoder reconstructs badly, or whose codes lie far from the usual.

What is unusual is told by a threshold that usual pictures, which did not teach, exceed at a known
rate. Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import betaincinv

from foveal.backbones.passes import scaling_of
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import LEVEL, Estimate
from foveal.model.coding import NO_NUMBERS, check_half, compared
from foveal.model.normality import Normality, Numbers, rank_of
from foveal.pictures.catalogue import Pictures
from foveal.pictures.sources import gather
from foveal.pictures.store import Progress, open_store

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

By = Literal["error", "distance"]
BY: tuple[By, ...] = ("error", "distance")
COLUMNS = ("path", "score", "above", "error", "mse", "distance")
"""Of the table; as in every table `error` says why a picture could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The score above which a picture counts as unusual, and how sure that is."""

    value: float
    """Scores above it are unusual."""
    by: By
    """Whether scores are reconstruction errors or distances of codes."""
    false_alarms: float
    """Share of usual pictures that may lie above, as asked for."""
    rate: Estimate
    """Share that does lie above: what is expected, and its 95 % interval."""
    usual: int
    """Usual pictures that set it."""
    held_out: bool
    """Whether they were held out of the training, rather than given."""
    taught: int = 0
    """Given pictures left out because the model was trained on them."""
    unreadable: int = 0
    """Given pictures left out because they cannot be read."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Anomalies:
    """How unusual pictures are, in the order they came."""

    names: Sequence[str]
    errors: Numbers
    """Mean squared error of each reconstruction, (n,), black = 0, white = 1; NaN for none."""
    distances: Numbers
    """Distance of each code from the training pictures' mean, (n,); NaN for none."""
    reasons: Sequence[str]
    """Why a picture has no score; empty where it has one."""
    threshold: Threshold

    def __repr__(self) -> str:
        return f"Anomalies({int(self.above.sum())} of {len(self.reasons)} pictures unusual)"

    @property
    def scores(self) -> Numbers:
        """How unusual each picture is, (n,): its error, or its distance; NaN for none."""
        return self.errors if self.threshold.by == "error" else self.distances

    @property
    def above(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each picture lies above the threshold, (n,)."""
        found: np.ndarray[Any, np.dtype[np.bool_]] = self.scores > self.threshold.value
        return found

    @property
    def order(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Rows of pictures that have a score, the most unusual first, (at most n,)."""
        order = np.argsort(-self.scores, kind="stable")
        return order[np.isfinite(self.scores[order])]

    def rows(self) -> Iterator[list[Any]]:
        """Give the rows of the table, in the order of `COLUMNS`."""
        scores, above = self.scores, self.above
        for row, (name, reason) in enumerate(zip(self.names, self.reasons, strict=True)):
            if reason:
                yield [name, None, None, reason, None, None]
                continue
            numbers = float(self.errors[row]), float(self.distances[row])
            yield [name, float(scores[row]), bool(above[row]), None, *numbers]


def anomalies(
    model: FittedModel,
    pictures: Any,
    *,
    false_alarms: float = 0.05,
    by: By = "error",
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
    checked_by(by)
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
    errors, distances, reasons = _measured(model, normal, found, progress)
    return Anomalies(
        names=found.names,
        errors=errors,
        distances=distances,
        reasons=reasons,
        threshold=threshold,
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


def true_rate(usual: int, false_alarms: float) -> Estimate:
    """Say which share of usual pictures lies above a threshold set by some of them.

    With m usual pictures the threshold is their r-th smallest score, r = ceil((1 - rate)(m + 1)).
    Over all choices of them the share of further ones above it has the Beta distribution with
    parameters m + 1 - r and r where no scores are equal, and less where some are (Vovk,
    "Conditional validity of inductive conformal predictors", 2012, proposition 2b).

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
    taught = unreadable = 0
    scores = normal.errors if by == "error" else normal.distances
    if usual is not None:
        scores, taught, unreadable = _usual(model, normal, gather(usual), by)
    return Threshold(
        value=normal.threshold(scores, false_alarms),
        by=by,
        false_alarms=false_alarms,
        rate=true_rate(len(scores), false_alarms),
        usual=len(scores),
        held_out=usual is None,
        taught=taught,
        unreadable=unreadable,
    )


def _usual(
    model: FittedModel, normal: Normality, pictures: Pictures, by: By
) -> tuple[Numbers, int, int]:
    """Score usual pictures that did not teach; also count those that did, and unreadable ones."""
    store = open_store(pictures, model.recipe, threads=model.device.threads)
    prepared = replace(pictures, files=None, array=store.images)  # decoded once, read in place
    as_decoded = replace(model, recipe=scaling_of(pictures, model.recipe))
    errors, distances, _ = _measured(as_decoded, normal, prepared)
    scores = errors if by == "error" else distances
    there = store.readable & np.isfinite(scores)
    taught = there & np.isin(store.hashes, model.trained_on)
    kept = scores[there & ~taught]
    if not len(kept):
        raise DataError(
            "usual pictures",
            needed="pictures that the model was not trained on",
            came=f"{len(scores)}, of which {taught.sum()} taught it and {(~there).sum()} cannot "
            "be read",
            remedy="name others, or leave them out: those held out of the training are taken",
        )
    return kept, int(taught.sum()), int((~there).sum())


def _measured(
    model: FittedModel,
    normal: Normality,
    pictures: Pictures,
    progress: Progress | None = None,
) -> tuple[Numbers, Numbers, list[str]]:
    """Measure error (n,) and distance (n,) of pictures; NaN, with a reason, where there is none."""
    errors, distances = [np.empty(0)], [np.empty(0)]
    reasons: list[str] = []
    for batch in compared(model, pictures):
        reasons.extend(batch.reasons)
        errors.append(batch.errors.astype(np.float64))
        distances.append(normal.distance(batch.codes.astype(np.float64)))
        if progress is not None:
            progress(len(reasons), len(pictures))
    scores = np.concatenate(errors), np.concatenate(distances)
    bad = ~(np.isfinite(scores[0]) & np.isfinite(scores[1]))
    for column in scores:
        column[bad] = np.nan
    told = [reason or NO_NUMBERS * bool(none) for reason, none in zip(reasons, bad, strict=True)]
    return *scores, told
