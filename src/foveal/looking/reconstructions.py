"""How an autoencoder reconstructs all pictures of a folder, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array, Rows
from foveal.errors import DataError
from foveal.evaluation.intervals import Estimate, mean
from foveal.evaluation.reconstruction import KeptVariance, squares
from foveal.judging.held_out import HeldOut, Standing, held_out
from foveal.model.codec import NO_NUMBERS, check_half, compared, mean_picture
from foveal.pictures.collection import Pictures, evenly

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.store import Progress


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ReconstructionErrors:
    """How well an autoencoder reconstructs each of some pictures."""

    names: Sequence[str]
    errors: Array
    """Mean squared error of each, (n,), black = 0, white = 1; NaN where it cannot be read."""
    reasons: Sequence[str]
    """Why a picture cannot be read; empty where it can."""
    lost: Array
    """Sums of squared errors of each, (n, 2): of values, and of colour alone."""
    there: Array
    """Sums of squared differences from the mean training picture, likewise."""
    taught: np.ndarray[Any, np.dtype[np.bool_]]
    """Which taught the model, so that their errors are too small, (n,)."""
    chosen: HeldOut
    """Which pictures the figures are of, and what a reader must know of them."""

    @property
    def mse(self) -> Estimate:
        """Mean error of the pictures that are judged with its 95 % interval."""
        return _mean(self.errors[self.chosen.rows])

    @property
    def training_mse(self) -> Estimate | None:
        """Mean error of those that taught, where these are not the ones judged."""
        rows = np.flatnonzero(self.taught)
        apart = len(rows) and self.chosen.judged_by != "training pictures"
        return _mean(self.errors[rows]) if apart else None

    @property
    def variance(self) -> KeptVariance:
        """What share of the variance of the pictures that are judged the codes keep."""
        return KeptVariance.of(self.lost[self.chosen.rows], self.there[self.chosen.rows])

    def evenly(self, count: int) -> Rows:
        """Choose rows evenly of those that are judged; of others where these are too few."""
        readable = np.flatnonzero([not reason for reason in self.reasons])
        judged = self.chosen.rows
        others = np.setdiff1d(readable, judged)
        more = others[evenly(len(others), max(count - len(judged), 0))]
        return np.concatenate([judged[evenly(len(judged), count)], more])


def reconstruction_errors(
    model: FittedModel, pictures: Pictures, progress: Progress | None = None
) -> ReconstructionErrors:
    """Measure the reconstruction of every picture, and decide which of them may be judged.

    Raises
    ------
    UsageError
        For a model that is no autoencoder.
    DataError
        Where no picture can be read.
    """
    check_half(model, "encoder")
    average = mean_picture(model.network)
    errors, hashes = [np.empty(0, np.float32)], [np.empty(0, np.int64)]
    lost, there, reasons = [np.empty((0, 2))], [np.empty((0, 2))], list[str]()
    for batch in compared(model, pictures):
        errors.append(batch.errors)
        hashes.append(batch.hashes)
        lost.append(squares(batch.originals - batch.reconstructions))
        there.append(squares(batch.originals - average))
        silent = ~np.isfinite(batch.errors)
        reasons.extend(
            reason or NO_NUMBERS * bool(no)
            for reason, no in zip(batch.reasons, silent, strict=True)
        )
        if progress is not None:
            progress(len(reasons), len(pictures))
    readable = np.flatnonzero([not reason for reason in reasons])
    if not len(readable):
        raise no_picture(reasons)
    contents = np.concatenate(hashes)
    taught = Standing.of(model, contents).taught
    taught[[bool(reason) for reason in reasons]] = False
    return ReconstructionErrors(
        names=pictures.names,
        errors=np.concatenate(errors),
        reasons=reasons,
        lost=np.concatenate(lost),
        there=np.concatenate(there),
        taught=taught,
        chosen=_judged(model, contents, readable, pictures),
    )


def _judged(model: FittedModel, contents: Any, readable: Rows, pictures: Pictures) -> HeldOut:
    """Choose the pictures that may be judged; where there are none, those that taught."""
    chosen = held_out(model, contents, readable, pictures.parts)
    if len(chosen.rows):
        return chosen
    return held_out(model, contents, readable, pictures.parts, include_training=True)


def _mean(errors: Array) -> Estimate:
    return mean(errors.astype(np.float64), least=0.0, most=1.0)


def no_picture(reasons: Sequence[str]) -> DataError:
    """Make the error for pictures none of which can be read, by their reasons."""
    told = f", none of them readable: {', '.join(sorted(set(reasons))[:3])}" * bool(reasons)
    return DataError(
        "pictures",
        needed="at least 1 that can be read",
        came=f"{len(reasons)}{told}",
        remedy="check the files",
    )
