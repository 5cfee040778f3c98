"""From pictures to the vectors that are searched: what a model makes of them, kept by content.

Axes: n picture, d number of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array, Floats, Hashes, Integers, Truths
from foveal.errors import DataError
from foveal.inference.extracting import Extraction
from foveal.inference.features import open_features
from foveal.nearest import parts, unit_length
from foveal.pictures.collection import Pictures
from foveal.pictures.ledger import Entry
from foveal.pictures.preparing import hashes_of
from foveal.pictures.remarks import summed, warn
from foveal.search.index_file import Measure
from foveal.shapes import volume

if TYPE_CHECKING:
    from foveal.cluster import Cluster
    from foveal.model.fitted import FittedModel
    from foveal.pictures.batches import RowsOfFeatures
    from foveal.pictures.scaling import Scaling
    from foveal.recipe import PictureRecipe

NOT_FINITE = "what the model makes of it is not finite"
"""Reason of a picture whose vector overflows, or that holds NaN."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Vectors:
    """Vectors of pictures, read from the cache when they are asked for."""

    pictures: Sequence[str]
    """Names of all pictures, (n,)."""
    features: RowsOfFeatures
    """What the model made of each picture, (n, ...)."""
    recipe: PictureRecipe
    """How the model sees pictures."""
    reasons: tuple[str, ...]
    """Why a picture has no vector; empty where it has one."""
    hashes: Hashes
    """Equal for equal pictures, (n,)."""
    size: int
    """Numbers of a vector."""
    measure: Measure
    """How they are compared."""
    notes: tuple[str, ...]
    """What a reader should know."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.rows)

    @property
    def rows(self) -> Integers:
        """Pictures that have a vector."""
        return np.flatnonzero([not reason for reason in self.reasons])

    def names(self) -> Iterator[str]:
        """Name these pictures."""
        return (self.pictures[row] for row in self.rows)

    @property
    def unreadable(self) -> tuple[Entry, ...]:
        """The pictures that have none, with the reason."""
        told = zip(self.pictures, self.reasons, strict=True)
        return tuple(Entry(name, None, "", reason) for name, reason in told if reason)

    def batches(self) -> Iterator[Floats]:
        """Return the vectors of these pictures, part by part, ready to be compared."""
        rows = self.rows
        for part in parts(len(rows), self.size):
            yield scaled(self.features[rows[part]].reshape(-1, self.size), self.measure)

    def gathered(self) -> Floats:
        """Return all of these vectors at once, (rows, d)."""
        found = np.empty((len(self.rows), self.size), dtype=np.float32)
        at = 0
        for batch in self.batches():
            found[at : at + len(batch)] = batch
            at += len(batch)
        return found


def vectors_of(
    model: FittedModel,
    pictures: Pictures,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
) -> Vectors:
    """Return the vectors of pictures; those of known content are found, and nothing is decoded.

    Parameters
    ----------
    model : FittedModel
        An autoencoder or a classifier that ends with a dense layer.
    pictures : Pictures
        Files or an array.
    progress : callable, optional
        Called now and then with pictures done and in all.
    cluster : Cluster, optional
        Where actors of Ray compute what is not known; in this process where left out.
    """
    session = model.feature_session()
    size = volume(session.network.shape)
    extraction = Extraction(session=session, cluster=cluster)
    with model.device.at_work():
        made = open_features(pictures, extraction, progress=progress)
    warn(summed(made.remarked, pictures.names))
    reasons = list(made.reasons)
    readable = np.flatnonzero(made.readable)
    for part in parts(len(readable), size):
        values = made.rows(readable[part]).reshape(-1, size)
        for row in readable[part][~np.isfinite(values).all(axis=1)]:
            reasons[row] = NOT_FINITE
    return Vectors(
        pictures=pictures.names,
        features=made.views[0],
        recipe=session.recipe,
        reasons=tuple(reasons),
        hashes=made.hashes,
        size=size,
        measure=measure_of(model),
        notes=made.notes,
    )


def passing_vectors(
    model: FittedModel, pictures: Pictures
) -> Iterator[tuple[Sequence[str], Floats, list[str], Hashes]]:
    """Make vectors of some of many pictures, batch by batch; nothing of them is kept.

    Yields
    ------
    tuple
        Names, vectors ready to be compared (n, d), NaN where there is none; why there is none;
        and hashes, equal for equal pictures, (n,).
    """
    session, measure = model.feature_session(), measure_of(model)
    size, recipe = volume(session.network.shape), pictures.content.suited(session.recipe)

    def as_it_is(images: Array, by: Scaling) -> Array:
        return images

    for start, values, said, images in session.looking(pictures, as_it_is, some_of_many=True):
        with np.errstate(over="ignore"):
            vectors = values.reshape(len(said), size).astype(np.float32)
        bad: Truths = np.asarray(~np.isfinite(vectors).all(axis=1), dtype=bool)
        vectors[~bad] = scaled(vectors[~bad], measure)
        hashes = hashes_of(pictures, start, images, recipe, np.flatnonzero(~bad))
        yield (
            [pictures.names[start + at] for at in range(len(said))],
            vectors,
            [why or NOT_FINITE * bool(no) for why, no in zip(said, bad, strict=True)],
            hashes,
        )


def measure_of(model: FittedModel) -> Measure:
    """Name the measure that suits a model's vectors.

    Codes are compared as they are: an autoencoder's code is trained to keep differences of
    pictures. What the last layer of a classifier sees says most by its direction, since the
    logits are its products with fixed directions, and its length grows with contrast.
    """
    return "euclidean" if model.autoencodes else "cosine"


def scaled(vectors_nd: Floats, measure: Measure) -> Floats:
    """Bring vectors to unit length where the measure is "cosine"; those of zeros stay zeros."""
    if measure == "euclidean":
        return vectors_nd
    return unit_length(vectors_nd)


def checked(vectors: Any, size: int) -> Floats:
    """Check vectors that someone gives against those of an index.

    Raises
    ------
    DataError
        For another number of columns, for NaN, and for what single precision cannot hold.
    """
    values = np.asarray(vectors)
    if values.ndim != 2 or values.shape[1] != size or values.dtype.kind not in "fiub":
        raise DataError(
            "vectors",
            needed=f"numbers of shape (q, {size})",
            came=f"{values.dtype} of shape {values.shape}",
            remedy="give what this model's features() or encode() gave",
        )
    largest = float(np.finfo(np.float32).max)
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~(np.abs(values.astype(np.float64)) <= largest).all(axis=1))
    if len(bad):
        raise DataError(
            "vectors",
            needed="finite numbers of single precision",
            came=f"NaN, infinity or beyond in row {bad[0]}",
            remedy="leave this row out: its picture could not be read",
        )
    return np.ascontiguousarray(values, dtype=np.float32)
