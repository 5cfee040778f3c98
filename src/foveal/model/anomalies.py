"""Pictures unusual to an autoencoder: it restores them badly, or their codes lie far off.

What is unusual is told by a threshold (`foveal.model.verdict`). Axes: n picture, h height,
w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from foveal.errors import UsageError
from foveal.model.coding import NO_NUMBERS, Compared, Made, check_half, compared
from foveal.model.normality import Normality, Numbers
from foveal.model.verdict import Anomalies, By, LeftOut, Threshold, Truths, checked_by, chosen_once
from foveal.pictures.catalogue import Pictures
from foveal.pictures.sources import gather
from foveal.pictures.store import Hashes, Progress

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel


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
