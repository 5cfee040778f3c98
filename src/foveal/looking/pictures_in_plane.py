"""Pictures in the plane: by the codes, or the features, that a model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from foveal.arrays import Array
from foveal.looking.projection import Method, Projection, Vectors, project
from foveal.pictures.collection import Pictures
from foveal.search.vectors import vectors_of

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.store import Progress


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class PicturesInPlane:
    """Pictures in the plane, near those that a model finds alike."""

    names: Sequence[str]
    """All pictures, (n,)."""
    reasons: Sequence[str]
    """Why a picture cannot be read, (n,); empty where it can."""
    points: Array
    """Place of each picture that is in the plane, (p, 2)."""
    labels: Sequence[Any]
    """Class of each point, (p,); None where it has none."""
    projection: Projection
    """Which pictures these are, and how they came there."""


def pictures_in_plane(
    model: FittedModel,
    pictures: Pictures,
    method: Method = "pca",
    seed: int = 0,
    progress: Progress | None = None,
) -> PicturesInPlane:
    """Project the codes of pictures, or a classifier's features, to the plane.

    See `project` for the parameters and the errors.
    """
    made = vectors_of(model, pictures, progress)
    vectors = np.full((len(pictures), made.size), np.nan, np.float32)
    vectors[made.rows] = made.gathered()
    of: Vectors = "codes" if model.autoencodes else "features"
    with threadpool_limits(model.device.threads):
        points, projection = project(vectors, method, seed, of)
    labels = pictures.labels
    return PicturesInPlane(
        names=pictures.names,
        reasons=made.reasons,
        points=points,
        labels=[None] * len(points) if labels is None else labels[projection.rows].tolist(),
        projection=projection,
    )
