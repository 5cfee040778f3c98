"""Pictures unusual to an autoencoder: it restores them badly, or their codes lie far off.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.anomaly.threshold import Anomalies, By, LeftOut, Threshold, choose_usual, taught_notes
from foveal.arrays import Doubles, Hashes, Truths
from foveal.errors import UsageError
from foveal.judging.held_out import Standing
from foveal.model.codec import NO_NUMBERS, Reconstructions, check_half, compared
from foveal.model.normal import NormalStats
from foveal.pictures.collection import Pictures
from foveal.pictures.saving import DecodedBatch
from foveal.pictures.store import Progress

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reconstructing:
    """Scores pictures by an autoencoder, its threshold set."""

    model: FittedModel
    normal: NormalStats
    threshold: Threshold
    usual: Hashes | None
    """The usual pictures that set it, by content; None where those held out did."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the usual pictures: nothing."""

    @classmethod
    def opened(
        cls, model: FittedModel, by: By, false_alarms: float, usual: Pictures | None
    ) -> Reconstructing:
        """Set the threshold, by usual pictures or by those held out of the training.

        Raises
        ------
        UsageError
            For a model that is no whole autoencoder, or knows no spread of its codes.
        DataError
            Where there are too few usual pictures for the rate.
        """
        for half in ("encoder", "decoder"):
            check_half(model, half)
        normal = model.normal
        if normal is None:
            raise UsageError(
                "the model",
                needed="an autoencoder that knows the spread of its codes",
                came="one without",
                remedy="train it again",
            )
        threshold, hashes = _threshold(model, normal, false_alarms, by, usual)
        return cls(model=model, normal=normal, threshold=threshold, usual=hashes)

    def compared(self, pictures: Pictures, progress: Progress | None = None) -> Anomalies:
        """Score pictures all at once; see `foveal.anomaly.detection.anomalies`."""
        made = _joined(list(self.measuring(pictures, progress)))
        return replace(self.scored(made, pictures.names), notes=taught_notes(made.taught))

    def measuring(self, pictures: Pictures, progress: Progress | None = None) -> Iterator[Measured]:
        """Measure pictures batch by batch, in bounded memory."""
        return _measuring(self.model, self.normal, pictures, progress)

    def scored(self, made: Measured, names: Sequence[str]) -> Anomalies:
        """Hold what was measured of pictures against the threshold."""
        return Anomalies(
            names=names,
            measures=made.measures,
            reasons=made.reasons,
            threshold=self.threshold,
        )


def error_map(originals: Any, reconstructions: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Squared error of each pixel, mean over its channels: (n, h, w, c) twice to (n, h, w)."""
    wanted, made = np.asarray(originals, np.float32), np.asarray(reconstructions, np.float32)
    found: np.ndarray[Any, np.dtype[np.float32]] = ((wanted - made) ** 2).mean(axis=3)
    return found


def differences(batches: Iterable[Reconstructions]) -> Iterator[DecodedBatch]:
    """Draw where reconstructions differ from their pictures: the root of `error_map`.

    A value is the difference of a pixel, root mean square over its channels: 0 for none, 1 for
    white where black was.
    """
    for batch in batches:
        there = [row for row, reason in enumerate(batch.reasons) if not reason]
        errors = error_map(batch.originals[there], batch.reconstructions[there])
        yield DecodedBatch(pictures=np.sqrt(errors)[..., None], reasons=batch.reasons)


def _threshold(
    model: FittedModel, normal: NormalStats, false_alarms: float, by: By, usual: Pictures | None
) -> tuple[Threshold, Hashes | None]:
    if usual is None:
        scores = normal.errors if by == "error" else normal.distances
        return Threshold.of(scores, by, false_alarms), None
    scores, hashes, left_out = _usual(model, normal, usual, by)
    return Threshold.of(scores, by, false_alarms, left_out), hashes


def _usual(
    model: FittedModel, normal: NormalStats, pictures: Pictures, by: By
) -> tuple[Doubles, Hashes, LeftOut]:
    """Score usual pictures that did not teach, each content once."""
    found = _joined(list(_measuring(model, normal, pictures)))
    there = np.isfinite(found.measures["error"])
    setting, left_out = choose_usual(
        found.hashes, there, found.taught, pictures.names, found.reasons
    )
    return found.measures[by][setting], found.hashes[setting], left_out


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Measured:
    """What an autoencoder makes of pictures."""

    names: Sequence[str]
    measures: Mapping[By, Doubles]
    """Error and distance, (n,) each; NaN, with a reason, where there is none."""
    reasons: Sequence[str]
    hashes: Hashes
    taught: Truths
    """Which taught the model, (n,)."""


def _measuring(
    model: FittedModel,
    normal: NormalStats,
    pictures: Pictures,
    progress: Progress | None = None,
) -> Iterator[Measured]:
    done = 0
    for batch in compared(model, pictures):
        yield _measured(model, normal, batch)
        done += len(batch.reasons)
        if progress is not None:
            progress(done, len(pictures))


def _measured(model: FittedModel, normal: NormalStats, batch: Reconstructions) -> Measured:
    measures: dict[By, Doubles] = {
        "error": batch.errors.astype(np.float64),
        "distance": normal.distance(batch.codes.astype(np.float64)),
    }
    bad = ~np.logical_and.reduce([np.isfinite(column) for column in measures.values()])
    for column in measures.values():
        column[bad] = np.nan
    reasons = zip(batch.reasons, bad, strict=True)
    return Measured(
        names=batch.names,
        measures=measures,
        reasons=[reason or NO_NUMBERS * bool(no) for reason, no in reasons],
        hashes=batch.hashes,
        taught=~bad & Standing.of(model, batch.hashes).taught,
    )


def _joined(parts: Sequence[Measured]) -> Measured:
    """Join batches into one."""
    by: tuple[By, ...] = ("error", "distance")
    return Measured(
        names=[name for one in parts for name in one.names],
        measures={name: np.concatenate([one.measures[name] for one in parts]) for name in by},
        reasons=[reason for one in parts for reason in one.reasons],
        hashes=np.concatenate([one.hashes for one in parts]),
        taught=np.concatenate([one.taught for one in parts]),
    )
