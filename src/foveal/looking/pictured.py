"""From a model and pictures to a figure, in bounded memory: what the commands call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from foveal.errors import UsageError
from foveal.evaluation.intervals import Estimate, mean
from foveal.judging.held_out import HeldOut, Standing, held_out
from foveal.looking.chosen import seen
from foveal.looking.code_map import ROOMY, code_map, uncovered
from foveal.looking.drawing import Floats
from foveal.looking.figure import Figure
from foveal.looking.latent import error_sheet, gallery, neighbour_sheet, no_picture
from foveal.looking.plane import Method, Plane, Vectors, in_plane
from foveal.model.codec import NO_NUMBERS, compared
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from foveal.pictures.splits import Rows
from foveal.pictures.store import Progress
from foveal.search.vectors import vectors_of

if TYPE_CHECKING:
    from foveal.anomaly.threshold import Anomalies
    from foveal.model.fitted import FittedModel


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class GalleryFigure:
    """How an autoencoder reconstructs pictures, and some of them to look at."""

    names: Sequence[str]
    errors: Floats
    """Mean squared error of each, (n,), black = 0, white = 1; NaN where it cannot be read."""
    reasons: Sequence[str]
    """Why a picture cannot be read; empty where it can."""
    taught: np.ndarray[Any, np.dtype[np.bool_]]
    """Which taught the model, so that their errors are too small, (n,)."""
    chosen: HeldOut
    """Which pictures the figures are of, and what a reader must know of them."""
    figure: Figure

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


def _mean(errors: Floats) -> Estimate:
    return mean(errors.astype(np.float64), least=0.0, most=1.0)


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class MapFigure:
    """A map of codes, and how they came to it."""

    figure: Figure
    plane: Plane
    names: Sequence[str]
    """All pictures."""
    reasons: Sequence[str]
    """Why a picture cannot be read; empty where it can."""


def gallery_of(
    model: FittedModel, pictures: Any, count: int = 12, progress: Progress | None = None
) -> GalleryFigure:
    """Reconstruct all pictures and draw some of them, evenly spaced over those that can be judged.

    Where these are fewer, pictures that taught the model are drawn too, and marked. See `gallery`
    for the parameters and the errors.
    """
    if count < 1:
        raise UsageError(
            "count",
            needed="at least 1 picture",
            came=str(count),
            remedy="write 12, or leave it out",
        )
    found = gather(pictures)
    errors, reasons = [np.empty(0, np.float32)], list[str]()
    hashes = [np.empty(0, np.int64)]
    for batch in compared(model, found):
        errors.append(batch.errors)
        silent = ~np.isfinite(batch.errors)
        hashes.append(batch.hashes)
        reasons.extend(
            reason or NO_NUMBERS * bool(no)
            for reason, no in zip(batch.reasons, silent, strict=True)
        )
        if progress is not None:
            progress(len(reasons), len(found))
    there = np.flatnonzero([not reason for reason in reasons])
    if not len(there):
        raise no_picture(reasons)
    contents = np.concatenate(hashes)
    chosen = held_out(model, contents, there, found.parts)
    if not len(chosen.rows):
        chosen = held_out(model, contents, there, found.parts, include_training=True)
    taught = Standing.of(model, contents).taught
    taught[[bool(reason) for reason in reasons]] = False
    rows = _drawn(chosen.rows, there, count)
    return GalleryFigure(
        names=found.names,
        errors=np.concatenate(errors),
        reasons=reasons,
        taught=taught,
        chosen=chosen,
        figure=gallery(
            compared(model, found.take(rows.tolist())), count, taught=taught[rows].tolist()
        ),
    )


def _drawn(judged: Rows, there: Rows, count: int) -> Rows:
    """Choose what is drawn: evenly of those judged; others where these are too few."""
    others = np.setdiff1d(there, judged)
    more = others[evenly(len(others), max(count - len(judged), 0))]
    return np.concatenate([judged[evenly(len(judged), count)], more])


def map_of(
    model: FittedModel,
    pictures: Any,
    method: Method = "pca",
    seed: int = 0,
    progress: Progress | None = None,
) -> MapFigure:
    """Draw a map of pictures by their codes, or by a classifier's features.

    The classes of folders give the colours. See `in_plane` for the parameters and the errors.
    """
    found = gather(pictures)
    made = vectors_of(model, found, progress)
    vectors = np.full((len(found), made.size), np.nan, np.float32)
    vectors[made.rows] = made.gathered()
    of: Vectors = "codes" if model.autoencodes else "features"
    with threadpool_limits(model.device.threads):
        points, plane = in_plane(vectors, method, seed, of)
    drawn = uncovered(points)
    shown = seen(model, found.take(plane.rows[drawn].tolist()), ROOMY)
    figure = code_map(
        points,
        dict(zip(drawn.tolist(), shown, strict=True)),
        None if found.labels is None else found.labels[plane.rows].tolist(),
        plane=plane,
        names=[found.names[row] for row in plane.rows],
    )
    return MapFigure(figure=figure, plane=plane, names=found.names, reasons=made.reasons)


def sheet_of(model: FittedModel, pictures: Any, found: Anomalies, count: int = 10) -> Figure:
    """Draw the most unusual pictures, as many as asked for and as there are.

    Parameters
    ----------
    pictures : path, sequence of paths, or array
        Those that were judged.
    found : Anomalies
        What `foveal.anomalies` said of them.
    count : int
        Pictures drawn at most.
    """
    rows = found.order[:count].tolist()
    shown = gather(pictures).take(rows)
    if found.nearest is None:
        return error_sheet(found, compared(model, shown), rows)
    near = found.nearest.pictures.take(found.nearest.rows[rows].tolist())
    return neighbour_sheet(found, seen(model, shown), seen(model, near), rows)
