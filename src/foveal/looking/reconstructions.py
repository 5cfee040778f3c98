"""How an autoencoder reconstructs all pictures of a folder, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foveal.errors import DataError
from foveal.evaluation.intervals import Estimate, mean
from foveal.evaluation.reconstruction import KeptVariance
from foveal.looking.selection import Floats
from foveal.model.codec import check_half, compared, mean_picture
from foveal.pictures.collection import Pictures

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.store import Progress


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ReconstructionErrors:
    """How well an autoencoder reconstructs each of some pictures."""

    names: Sequence[str]
    errors: Floats
    """Mean squared error of each, (n,), black = 0, white = 1; NaN where it cannot be read."""
    reasons: Sequence[str]
    """Why a picture cannot be read; empty where it can."""
    variance: KeptVariance
    """What share of the variance about the mean training picture the codes keep."""

    @property
    def mse(self) -> Estimate:
        """Mean of the errors with its 95 % interval."""
        return mean(self.errors[np.isfinite(self.errors)].astype(np.float64), least=0.0, most=1.0)


def reconstruction_errors(
    model: FittedModel, pictures: Pictures, progress: Progress | None = None
) -> ReconstructionErrors:
    """Measure the reconstruction of every picture.

    Raises
    ------
    UsageError
        For a model that is no autoencoder.
    DataError
        Where no picture can be read.
    """
    check_half(model, "encoder")
    errors, reasons = [np.empty(0, np.float32)], list[str]()
    variance = KeptVariance(mean_picture(model.network))
    for batch in compared(model, pictures):
        there = [not reason for reason in batch.reasons]
        variance.add(batch.originals[there], batch.reconstructions[there])
        errors.append(batch.errors)
        reasons.extend(batch.reasons)
        if progress is not None:
            progress(len(reasons), len(pictures))
    if all(reasons):
        raise no_picture(reasons)
    return ReconstructionErrors(
        names=pictures.names,
        errors=np.concatenate(errors),
        reasons=reasons,
        variance=variance,
    )


def no_picture(reasons: Sequence[str]) -> DataError:
    """Make the error for pictures none of which can be read, by their reasons."""
    told = f", none of them readable: {', '.join(sorted(set(reasons))[:3])}" * bool(reasons)
    return DataError(
        "pictures",
        needed="at least 1 that can be read",
        came=f"{len(reasons)}{told}",
        remedy="check the files",
    )
