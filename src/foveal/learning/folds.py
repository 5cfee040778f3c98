"""Cross-validation of a whole training: each fold in turn is judged by one that had not seen it.

Everything that training decides, from the size of pictures to the epoch that is kept, is decided
anew for each fold (Varma and Simon, BMC Bioinformatics 7, 2006). What belongs together, as groups
and near copies do, stands in one fold.

Axes: n picture, m picture that is judged, k output.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch

from foveal import tensor_files
from foveal.arrays import Array, Rows
from foveal.errors import DataError, Interrupted
from foveal.judging.source import Source
from foveal.learning.cross_validated import CrossValidation, FoldScores, fold_figure
from foveal.learning.data import TrainingData
from foveal.learning.held import Held
from foveal.model.fitted import FittedModel
from foveal.parameters import Whole, check
from foveal.pictures.collection import Pictures
from foveal.pictures.splits import deal
from foveal.progress.events import (
    Decoding,
    Event,
    Extracting,
    FoldBegan,
    FoldEnded,
    Listener,
    Planned,
)
from foveal.targets.labelled import Labelled
from foveal.training.journal import CONFIG, FOLDS
from foveal.training.run import Run
from foveal.wording import counted

ANSWERS = "answers.safetensors"
"""What the training of a fold said of its pictures; written when it is done."""
LEAST = Whole(2)
Within = Callable[[Run], AbstractContextManager[None]]


class Learns(Protocol):
    """A learner of what labels say."""

    model_: FittedModel

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None) -> Self:
        """Train."""
        ...

    def prepared(
        self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None
    ) -> TrainingData[Labelled]:
        """Prepare pictures as `fit` does, and train nothing."""
        ...


def cross_validated(
    make: Callable[[], Learns],
    pictures: Pictures,
    folds: int,
    run: Run,
    within: Within = lambda _: nullcontext(),
) -> CrossValidation:
    """Train a learner on all folds but one, for each fold in turn, and judge it on that one.

    Parameters
    ----------
    make : callable
        Makes the learner, a fresh one each time.
    pictures : Pictures
        With their labels and groups. A test part that folders name is looked at by no fold.
    folds : int
        Folds, at least 2.
    run : Run
        In its folder each fold has a run of its own, so that a stopped one goes on, and a finished
        one is not trained again.
    within : callable
        Makes what is entered around each training, such as handlers of signals.

    Raises
    ------
    UsageError, DataError, ResourceError, DivergedError, Interrupted
        See `foveal.errors`.
    """
    check({"folds": folds}, {"folds": LEAST})
    with within(run):
        data, fold_of_n = _dealt(make(), pictures, folds, run)
    count = int(fold_of_n.max())
    outputs_nk = np.empty((len(pictures), data.target.outputs or 0))
    scores = []
    for fold in range(1, count + 1):
        rows = np.flatnonzero(fold_of_n == fold)
        shown = _without(pictures, data, rows)
        said, one = _fold(make, shown, data, rows, (fold, count), run, within)
        outputs_nk[rows] = said
        scores.append(one)
    rows = np.flatnonzero(fold_of_n)
    return CrossValidation(
        held=Held(data, outputs_nk[rows], rows, "folds"),
        fold_of_n=fold_of_n,
        folds=tuple(scores),
    )


def _dealt(
    learner: Learns, pictures: Pictures, folds: int, run: Run
) -> tuple[TrainingData[Labelled], Rows]:
    """Prepare all pictures, and return the fold of each, (n,), from 1 on; 0 for none."""

    def pass_on(event: Event) -> None:
        if isinstance(event, Decoding | Extracting):
            run.tell(event)

    quiet = Run(listeners=[pass_on])
    data = learner.prepared(pictures, run=quiet)
    run.agree("folds of", data.store.fingerprint, "the pictures changed: begin with `fresh`")
    rows = np.sort(np.concatenate([data.split.train, data.split.validation]))
    units = len(np.unique(data.units[rows]))
    if units < folds:
        raise DataError(
            "folds",
            needed=f"at least {folds} that stand apart, pictures or groups of them",
            came=counted(units, "such picture"),
            remedy="ask for fewer folds, or give more pictures",
        )
    seed = quiet.decide("seed", lambda: 0)
    target, values = data.target, data.values[rows]
    named = (target.named(values, index) for index in range(len(target.names)))
    fold_of_n = np.zeros(len(pictures), dtype=np.intp)
    fold_of_n[rows] = 1 + deal(target.strata(values), data.units[rows], folds, seed, named)
    if fold_of_n.max() < 2:
        raise DataError(
            "folds",
            needed="classes of at least two pictures that stand apart",
            came="none: each would have to teach in every fold",
            remedy="give more pictures of each class, or more groups",
        )
    return data, fold_of_n


def _without(pictures: Pictures, data: TrainingData[Labelled], rows: Rows) -> Pictures:
    """Return all pictures, those of a fold in the test part, which no training looks at."""
    return pictures.tested(np.concatenate([data.split.test, rows]))


def _fold(
    make: Callable[[], Learns],
    pictures: Pictures,
    data: TrainingData[Labelled],
    rows: Rows,
    place: tuple[int, int],
    run: Run,
    within: Within,
) -> tuple[Array, FoldScores]:
    """Train on what is not of a fold, and return what it says of the fold, (m, k).

    The outputs are at a temperature of 1.
    """
    fold, count = place
    taught = len(data.split.train) + len(data.split.validation) - len(rows)
    began = time.perf_counter()
    with _run_of(run, fold) as own:
        kept = own.was_finished and own.folder is not None
        if kept:
            outputs_mk = _read(_answers(own))
        else:
            own.tell(FoldBegan(fold=fold, folds=count, taught=taught, judged=len(rows)))
            outputs_mk = _trained(make, pictures, data.target, rows, place, own, within)
        judged = data.target.judge(torch.from_numpy(outputs_mk), data.values[rows])
        scores = FoldScores.of(fold, taught, judged)
        figure = fold_figure(scores, _figures(data, outputs_mk, rows))
        seconds = time.perf_counter() - began
        ended = FoldEnded(fold=fold, folds=count, figure=figure, seconds=seconds, kept=kept)
        for listener in own.listeners if kept else ():
            listener(ended)
        if not kept:
            own.tell(ended)
            _finish(own, outputs_mk)
    return outputs_mk, scores


def _figures(data: TrainingData[Labelled], outputs_mk: Array, rows: Rows) -> list[tuple[str, str]]:
    values, target = data.values[rows], data.target
    predicted_mk = target.predicted(outputs_mk, 1.0)
    worth = (data.worth(target.right(predicted_mk, values), rows) or len(rows)) / len(rows)
    return target.figures(target.metrics(predicted_mk, values, worth), None, 1)


def _briefly(listener: Listener) -> Listener:
    """Tell a listener of a fold: that all have one network needs no telling again."""

    def tell(event: Event) -> None:
        listener(replace(event, table="") if isinstance(event, Planned) else event)

    return tell


def _run_of(run: Run, fold: int) -> Run:
    """Open the run of a fold, within that of all; without a folder nothing is kept."""
    listeners = [_briefly(one) for one in run.listeners]
    if run.folder is None:
        return Run(listeners=listeners)
    folder = run.folder / FOLDS / str(fold)
    begun = run.asked_to_resume and (folder / CONFIG).exists()
    return Run(
        folder,
        resume=begun,
        fresh=not begun,
        listeners=listeners,
        checkpoint_seconds=run.checkpoint_seconds,
        target=folder / ANSWERS,
    )


def _trained(
    make: Callable[[], Learns],
    pictures: Pictures,
    target: Labelled,
    rows: Rows,
    place: tuple[int, int],
    run: Run,
    within: Within,
) -> Array:
    """Train on what is not in the test part, and ask about the rows that are judged.

    The outputs are in the units of the target of all pictures.
    """
    try:
        with within(run):
            model = make().fit(pictures, run=run).model_
            source = Source(model, pictures)
            source.open()
            logits: Array = source.asked(rows)[0]
    except Interrupted as stop:
        raise Interrupted(
            stop.what,
            needed=stop.needed,
            came=f"{stop.came}, of fold {place[0]} of {place[1]}",
            remedy=stop.remedy
            if run.folder is None
            else "go on with `resume`: what was finished is not trained again",
        ) from None
    return target.restated(logits / model.temperature, model.answering())


def _answers(run: Run) -> Path:
    assert run.folder is not None
    return run.folder / ANSWERS


def _finish(run: Run, outputs_mk: Array) -> None:
    """Keep what a fold said, and mark it done."""
    if run.folder is not None:
        tensor_files.write_tensors(_answers(run), {"outputs": torch.from_numpy(outputs_mk)}, {})
        run.finish(_answers(run))


def _read(path: Path) -> Array:
    outputs: Array = tensor_files.read_tensors(path)[0]["outputs"].numpy()
    return outputs
