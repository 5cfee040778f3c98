"""Which pictures are unlike the usual ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foveal.anomaly.neighbours import Neighbouring
from foveal.anomaly.reconstruction import Reconstructing
from foveal.anomaly.threshold import Anomalies, By, check_by
from foveal.errors import UsageError
from foveal.model.fitted import fitted_of
from foveal.pictures.sources import gather

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures
    from foveal.pictures.store import Progress


def anomalies(
    model: FittedModel,
    X: Any,
    *,
    by: By | None = None,
    usual: Any = None,
    false_alarms: float = 0.05,
    neighbours: int | None = None,
    progress: Progress | None = None,
) -> Anomalies:
    """Find the pictures that are unlike the usual ones.

    Parameters
    ----------
    model : FittedModel
        An autoencoder, or for neighbours any model that ends with a dense layer.
    X : path, sequence of paths, or array
        As in `fit`. Each picture gets a row, in order.
    by : {"error", "distance", "neighbours"}, optional
        By the error of an autoencoder's reconstruction, by how far its code lies from the usual,
        or by the distance to the nearest usual pictures in the model's features (Bergman, Cohen
        and Hoshen, "Deep Nearest Neighbor Anomaly Detection", arXiv:2002.10445). Where left out,
        "error" for an autoencoder and else "neighbours".
    usual : path, sequence of paths, or array, optional
        Usual pictures, each content counted once, which set the threshold: needed for neighbours,
        and else those held out of the training where left out. Those that taught the layers which
        are looked at set no threshold.
    false_alarms : float, 0 to 1
        Share of usual pictures that may be called unusual.
    neighbours : int, optional
        Usual pictures that each is compared with, by neighbours; 1 where left out. More of them
        bear with a few unusual pictures among the usual.
    progress : callable, optional
        Called now and then with pictures done and in all: by neighbours the usual ones first.

    Returns
    -------
    Anomalies
        A score for each picture, higher for less usual ones, and the threshold.

    Raises
    ------
    UsageError
        For a way that the model does not know, a rate or a number of neighbours that is none, and
        neighbours without usual pictures.
    DataError
        Where there are too few usual pictures for the rate or the neighbours.
    """
    model = fitted_of(model)
    way = default_way(model) if by is None else check_by(by)
    pictures, known = gather(X), None if usual is None else gather(usual)
    scorer = opened(model, way, false_alarms, known, neighbours, progress)
    return _noted(scorer.compared(pictures, progress), pictures, known)


def opened(
    model: FittedModel,
    way: By,
    false_alarms: float,
    usual: Pictures | None,
    neighbours: int | None = None,
    progress: Progress | None = None,
) -> Reconstructing | Neighbouring:
    """Set the threshold once, for any number of pictures; see `anomalies`."""
    if way != "neighbours":
        if neighbours is not None:
            raise UsageError(
                "neighbours",
                needed="unusual pictures by neighbours",
                came=f"by {way}",
                remedy="choose 'neighbours' (`by`), or leave `neighbours` out",
            )
        return Reconstructing.opened(model, way, false_alarms, usual)
    if usual is None:
        raise UsageError(
            "usual",
            needed="usual pictures, to compare with",
            came="none",
            remedy="name a folder of them",
        )
    compared = 1 if neighbours is None else neighbours
    return Neighbouring.opened(model, usual, false_alarms, compared, progress)


def _noted(found: Anomalies, pictures: Pictures, usual: Pictures | None) -> Anomalies:
    """Add what is known of how the pictures were found, as what was passed over."""
    known = () if usual is None else [f"usual pictures: {note}" for note in usual.notes]
    return replace(found, notes=(*pictures.notes, *known, *found.notes))


def default_way(model: FittedModel) -> By:
    """Return by what a model finds unusual pictures unless it is told."""
    return "error" if model.autoencodes else "neighbours"
