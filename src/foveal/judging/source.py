"""Pictures with what is true of them, prepared as a model takes them: to be judged by it.

Axes: n picture, k output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Rows, RowsOfPictures
from foveal.inference.extracting import Extraction
from foveal.inference.features import open_features
from foveal.judging.left_out import Unjudged, unusable
from foveal.pictures.collection import Pictures
from foveal.pictures.groups import grouped
from foveal.pictures.naming import labelled_as_before, labelled_by_columns
from foveal.pictures.prepared import Prepared
from foveal.pictures.scaling import scaling
from foveal.pictures.sources import gather
from foveal.pictures.sources.forms import column
from foveal.pictures.store import Progress, glance, open_store
from foveal.shapes import volume
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

GLANCE = 32
"""Longest side of the pictures that baselines see, where the network saw larger ones."""

AT_ONCE = 64_000_000
"""Values of pictures that the model is asked about at once, at most."""


def pictures_to_judge(model: FittedModel, X: Any, y: Any = None, groups: Any = None) -> Pictures:
    """Gather pictures under the labels that they are judged by.

    These are those of `y`, or those that X was asked to be labelled by, else those of the columns
    that the model learned where X is a table that has them, else those of X.

    Parameters
    ----------
    model : FittedModel
        The model.
    X : path, sequence of paths, or array
        As in `fit`.
    y : array of labels, or str, optional
        Labels, or the name of the column of a table that says them.
    groups : str, path or sequence, optional
        What belongs together, as in `fit`.
    """
    pictures = grouped(gather(X), groups)
    if isinstance(y, str):
        return labelled_by_columns(pictures, y)
    if y is not None:
        return pictures.labelled(model.answering().read(column(y)))
    return labelled_as_before(pictures, model.provenance.labelled_by or ())


class Source:
    """Pictures with what is true of them, as the model counts it, prepared by its recipe.

    Of a model with fixed layers, what those make of the pictures is kept, not the pixels.
    """

    store: Prepared

    def __init__(self, model: FittedModel, pictures: Pictures) -> None:
        self.model, self.pictures, self.target = model, pictures, model.answering()
        self.answers = self.target.answers(pictures.undoubted("split", "group"))
        self.values = self.answers.values_n
        self.strata = self.target.strata(self.values)

    def open(self, progress: Progress | None = None) -> None:
        """Prepare the pictures, and find out which of them can be judged at all."""
        model, threads = self.model, self.model.device.threads
        self.recipe = self.pictures.content.suited(model.recipe)
        if model.plan.fixed:
            extraction = Extraction(session=model.session(model.plan.fixed))
            self.store = open_features(self.pictures, extraction, progress=progress)
        else:
            self.store = open_store(self.pictures, model.recipe, threads=threads, progress=progress)
        known = np.flatnonzero(self.answers.known & self.store.readable)
        self.torn = self.target.contradicted(self.store.hashes, self.values, known)
        self.known = np.setdiff1d(known, list(self.torn))

    def notes(self) -> list[str]:
        """Say how many pictures cannot be judged at all, and what is known of their source."""
        labels = self.pictures.labels
        given = [None] * len(self.pictures) if labels is None else labels.tolist()
        readable, known = self.store.readable.tolist(), self.answers.known.tolist()
        return [
            *self.pictures.notes,
            *unusable(readable, known, given, self.target),
            *[f"{counted(len(self.torn), 'picture')} left out: labelled otherwise too"]
            * bool(self.torn),
        ]

    def unjudged(self, found: Any) -> Unjudged:
        """Count what figures say nothing of."""
        labels = self.pictures.labels
        labelled = 0 if labels is None else [one is not None for one in labels.tolist()]
        unknown = self.store.readable & labelled & ~self.answers.known
        return Unjudged(
            given=len(self.pictures),
            unusable=len(self.pictures) - len(self.known),
            unknown=int(np.count_nonzero(unknown)),
            classes=self.target.unjudged(found),
        )

    def asked(self, rows: Rows) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Ask the model for logits (n, k) and unfamiliarity (n,) of some rows."""
        by = self.store.scaled_by(scaling(self.pictures, self.recipe))
        if by is None:
            return self.model.answers_of(self.store.views[0], rows)
        size = max(AT_ONCE // max(volume(self.recipe.shape), 1), 1)
        parts = [rows[at : at + size] for at in range(0, len(rows), size)] or [rows]
        found = [self.model.answers(self.store.views[0][part], by) for part in parts]
        logits, unfamiliarity = zip(*found, strict=True)
        return np.concatenate(logits), np.concatenate(unfamiliarity)

    def pixels(self, progress: Progress | None) -> RowsOfPictures:
        """Return small pictures for the baselines, which need no more."""
        if self.store.images is not None:
            return self.store.images
        recipe, threads = self.model.recipe, self.model.device.threads
        return glance(self.pictures, recipe, GLANCE, threads=threads, progress=progress)
