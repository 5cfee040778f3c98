"""Judging a model on labelled pictures, and not on those it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.errors import DataError
from foveal.evaluation.baselines import Baseline, fit_baselines, majority
from foveal.evaluation.calibration import probabilities
from foveal.evaluation.metrics import Metrics, calibration_error, metrics
from foveal.inference.features import Extraction, open_features
from foveal.pictures.collection import Array, Pictures, refuse_unsupported
from foveal.pictures.ledger import Entry
from foveal.pictures.prepared import Prepared
from foveal.pictures.remarks import joined, summed
from foveal.pictures.scaling import scaling
from foveal.pictures.sources import gather
from foveal.pictures.splits import Rows
from foveal.pictures.store import Progress, glance, open_store
from foveal.targets.classes import UNKNOWN, class_ids

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

NOT_JUDGED = "trained or chose the model, or of another part"
"""Reason in the ledger of a picture that could have been judged but should not."""
GLANCE = 32
"""Longest side of the pictures that baselines see, where the network saw larger ones."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Evaluation:
    """How a model fares, on which pictures, and beside which baselines."""

    metrics: Metrics
    uncalibrated_error: float
    """Calibration error before the temperature was applied."""
    temperature: float
    baselines: tuple[Baseline, ...]
    notes: tuple[str, ...]
    """What a reader must know: which pictures were left out, and why."""
    ledger: tuple[Entry, ...]
    """Every picture with what became of it."""

    def __repr__(self) -> str:
        metrics = self.metrics
        return f"Evaluation({metrics.accuracy.percent()} accuracy on {metrics.pictures} pictures)"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return _plain({name: getattr(self, name) for name in self.__slots__})  # type: ignore[no-any-return]


def evaluate(
    model: FittedModel,
    X: Any,
    y: Any = None,
    *,
    include_training: bool = False,
    training: Any = None,
    with_baselines: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a classifier on labelled pictures.

    Pictures the model was trained on (by content hash) are left out. Where a test part is
    named, it alone is judged; pictures that chose the weights are judged only where there are
    no others, and then it is said.

    Parameters
    ----------
    model : FittedModel
        The model.
    X : path, sequence of paths, or array
        As in `fit`.
    y : array of labels, optional
        Where X does not say them.
    include_training : bool
        Judge all pictures, those that trained included.
    training : path, sequence of paths, or array, optional
        Labelled training pictures for the baselines; by default those found in X.
    with_baselines : bool
        Whether to fit and judge the baselines.

    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    UsageError
        For an autoencoder, which knows no classes.
    DataError
        Where no labelled picture is left to judge.
    """
    model.check_classifies()
    pictures = gather(X)
    source = _Labelled(model, pictures if y is None else pictures.labelled(np.asarray(y)))
    source.open(progress)
    rows, notes = _judged_rows(model, source, include_training)
    logits = source.logits(rows)
    notes.extend(summed(source.store.remarked))
    class_ids = source.class_ids[rows]
    labels = [str(one) for one in model.classes]
    baselines: list[Baseline] = []
    if with_baselines:
        found, more = _baselines(model, source, rows, training, progress)
        baselines.extend(found)
        notes.extend(more)
    return Evaluation(
        metrics=metrics(probabilities(logits, model.temperature), class_ids, labels),
        uncalibrated_error=calibration_error(probabilities(logits, 1.0), class_ids),
        temperature=model.temperature,
        baselines=tuple(baselines),
        notes=tuple(notes),
        ledger=tuple(_ledger(source, rows)),
    )


class _Labelled:
    """Pictures with the model's own class numbers, prepared by the model's recipe.

    Of a model with fixed layers, what those make of the pictures is kept, not the pixels.
    """

    store: Prepared

    def __init__(self, model: FittedModel, pictures: Pictures) -> None:
        if pictures.labels is None:
            raise DataError(
                "pictures",
                needed="labels: a folder a class, or y",
                came="pictures without labels",
                remedy="sort them into class folders, or use predict",
            )
        refuse_unsupported(pictures.labels)
        self.model, self.pictures = model, pictures
        self.labels = pictures.labels
        self.class_ids = class_ids(pictures.labels, model.classes)

    def open(self, progress: Progress | None = None) -> None:
        model, threads = self.model, self.model.device.threads
        self.recipe = self.pictures.content.suited(model.recipe)
        if model.plan.fixed:
            extraction = Extraction(session=model.session(model.plan.fixed))
            self.store = open_features(self.pictures, extraction, progress=progress)
        else:
            self.store = open_store(self.pictures, model.recipe, threads=threads, progress=progress)
        self.known = np.flatnonzero((self.class_ids != UNKNOWN) & self.store.readable)

    def logits(self, rows: Rows) -> np.ndarray[Any, Any]:
        by = self.store.scaled_by(scaling(self.pictures, self.recipe))
        if by is None:
            return self.model.logits_of(self.store.views[0], rows)
        return self.model.logits(self.store.views[0][rows], by)

    def pixels(self, progress: Progress | None) -> Array:
        """Return small pictures for the baselines, which need no more."""
        if self.store.images is not None:
            return self.store.images
        recipe, threads = self.model.recipe, self.model.device.threads
        return glance(self.pictures, recipe, GLANCE, threads=threads, progress=progress)


def _judged_rows(
    model: FittedModel, source: _Labelled, include_training: bool
) -> tuple[Rows, list[str]]:
    notes: list[str] = []
    missing = len(source.pictures) - len(source.known)
    if missing:
        notes.append(f"{missing} pictures left out: unreadable, unlabelled or of unknown class")
    rows = source.known
    tested = np.intersect1d(rows, source.pictures.rows("test"))
    if len(tested):
        rows = tested
        notes.append(f"judged on the test part: {len(rows)} pictures")
    hashes = source.store.hashes[rows]
    trained = np.isin(hashes, model.trained_on)
    chose = np.isin(hashes, model.chosen_on) & ~trained
    if include_training:
        if trained.any():
            notes.append(f"{trained.sum()} of these pictures trained the model: too good a figure")
        return _some(rows, notes), notes
    if trained.any():
        notes.append(f"{trained.sum()} pictures left out: the model was trained on them")
    if chose.any() and (~trained & ~chose).any():
        notes.append(f"{chose.sum()} pictures left out: they chose the weights (validation)")
        return rows[~trained & ~chose], notes
    if chose.any():
        notes.append("these pictures chose the weights (validation): slightly too good a figure")
    return _some(rows[~trained], notes), notes


def _some(rows: Rows, notes: list[str]) -> Rows:
    if not len(rows):
        raise DataError(
            "pictures",
            needed="labelled pictures that the model was not trained on",
            came="none. " + "; ".join(notes),
            remedy="give other pictures of the model's classes, or use `include_training`",
        )
    return rows


def _baselines(
    model: FittedModel,
    source: _Labelled,
    rows: Rows,
    training: Any,
    progress: Progress | None,
) -> tuple[list[Baseline], list[str]]:
    teacher = source
    if training is not None:
        teacher = _Labelled(model, gather(training))
        teacher.open(progress)
    trained = np.isin(teacher.store.hashes[teacher.known], model.trained_on)
    taught = teacher.known[trained]
    class_ids = source.class_ids[rows]
    if not len(taught):
        counts = np.array(model.provenance.class_counts, dtype=np.int64)
        where = "the pictures" if training is None else "`training`"
        note = f"baselines on pixels need training pictures of the model: none found in {where}"
        return [majority(counts, class_ids)], [note]
    images = source.pixels(progress)
    others = images if teacher is source else teacher.pixels(progress)
    return fit_baselines(others[taught], teacher.class_ids[taught], images[rows], class_ids), []


def _ledger(source: _Labelled, rows: Rows) -> Iterator[Entry]:
    judged = np.zeros(len(source.pictures), dtype=bool)
    judged[rows] = True
    reasons = list(source.store.reasons)
    parts = source.pictures.parts
    for row, name in enumerate(source.pictures.names):
        label = source.labels[row]
        reason = reasons[row]
        if not reason and source.class_ids[row] == UNKNOWN:
            reason = "no label" if label is None else f"class {label} is unknown to the model"
        if not reason and not judged[row]:
            reason = NOT_JUDGED
        yield Entry(
            name,
            None if label is None else str(label),
            "" if parts is None else str(parts[row]),
            reason,
            joined(source.store.remarked.get(row, ())),
        )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "__slots__"):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    if isinstance(value, float) and value != value:
        return None
    return value
