"""A training from its first picture to its model file: kept, resumable, whole.

What `foveal train` does, for Python and for any other door.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from foveal import files
from foveal.addresses import is_remote
from foveal.bulk.source import gather_parts_too
from foveal.errors import UsageError
from foveal.launched import BY_HAND, Launch
from foveal.learning.cross_validated import CrossValidation
from foveal.learning.folds import Within, cross_validated
from foveal.model.contents import checked_path
from foveal.model.fitted import FittedModel
from foveal.pictures.groups import grouped
from foveal.pictures.naming import labelled_as
from foveal.progress.events import FoldsJudged, Listener
from foveal.tables import write_table
from foveal.training.group import ALONE, Group
from foveal.training.journal import TABLE_OF_FOLDS
from foveal.training.run import Run


class Fits(Protocol):
    """A learner: what a job trains."""

    model_: FittedModel

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None) -> Self:
        """Train."""
        ...


L = TypeVar("L", bound=Fits)
OF_FIT = ("pictures", "label_from", "label", "groups", "folds")
"""What is asked for that belongs to `fit`, not to the learner."""


@dataclass(frozen=True, slots=True)
class Done(Generic[L]):
    """What a job leaves beside the model's file."""

    learner: L | None
    """What was trained; None where the run was complete already."""
    replaced: Path | None
    """The model that was there before, if any."""


def train(
    model: str | Path,
    pictures: str | Path | Sequence[str | Path],
    make: Callable[[dict[str, Any]], L],
    options: Mapping[str, Any],
    *,
    label_from: str | None = None,
    label: str | None = None,
    groups: str | None = None,
    folds: int | None = None,
    command: str,
    line: str = "",
    source: str = "",
    typed: Collection[str] = (),
    resume: bool = False,
    fresh: bool = False,
    listeners: Sequence[Listener] = (),
    checkpoint_seconds: float = 5.0,
    within: Within = lambda _: nullcontext(),
    group: Group = ALONE,
    launch: Launch = BY_HAND,
) -> Done[L]:
    """Train a learner into a file, in a run beside it that can be killed and resumed.

    Parameters
    ----------
    model : path
        Where the model goes: a .safetensors file. The run is kept in a folder beside it.
    pictures : path or sequence of paths
        As in `fit`.
    make : callable
        From options to a learner.
    options : dict
        Options of the learner, as JSON can keep them; a resumed run is held to them.
    label_from : regular expression, optional
        Reads labels off names, as in `foveal.list_pictures`.
    label : str, optional
        Columns of a table that say the labels, as there.
    groups : str, optional
        As in `fit`.
    folds : int, optional
        Judge the model by whole trainings on all folds of the pictures but one, for each in turn;
        it is then trained on all of them. `folds.csv` in its run says what was said of each.
    command : str
        What kind of training this is; another one does not resume it.
    line, source : str
        The line that was typed and what it called the pictures; a run keeps them as it began.
    typed : collection of str
        Options that were asked for now: a resumed run takes all others from its beginning.
    resume, fresh : bool
        Go on with an unfinished run, or throw it away.
    listeners : sequence of callable
        Told every event.
    checkpoint_seconds : float
        Time between checkpoints, at least.
    within : callable
        Makes what is entered around the training, such as handlers of signals.
    group : Group
        The processes that train together; each calls this alike, and the first writes.
    launch : Launch
        Who started this process: a launcher that begins again goes on with the run that it began.

    Raises
    ------
    UsageError, DataError, ResourceError, DivergedError, Interrupted
        See `foveal.errors`.
    """
    place = checked_path(model)
    asked = {**options, "pictures": _absolute(pictures), "groups": groups}
    said = {"label_from": label_from, "label": label, "folds": folds}
    asked |= {name: value for name, value in said.items() if value is not None}
    with Run(
        place.with_suffix(".run"),
        resume=resume,
        fresh=fresh,
        listeners=listeners,
        checkpoint_seconds=checkpoint_seconds,
        target=place,
        group=group,
        launch=launch,
    ) as run:
        run.agree("command", command, "go on with it, or begin with `fresh`")
        if run.options:
            asked = run.options | {name: asked[name] for name in asked if name in typed}
        run.agree("options", asked, "leave the option out, or begin with `fresh`")
        asked = group.agreed(lambda: asked)
        if group.agreed(lambda: run.asked_to_resume and run.was_finished):
            return Done(None, None)
        run.decide("typed", lambda: {"line": line, "pictures": source})
        chosen = {name: value for name, value in asked.items() if name not in OF_FIT}
        shown = labelled(asked["pictures"], asked.get("label_from"), asked.get("label"))
        groups = asked.get("groups")
        judged = _judged(make, chosen, shown, groups, asked.get("folds"), run, within)
        with within(run):
            learner = make(chosen).fit(shown, groups=groups, run=run)
            if judged is not None:
                judged.judge(learner.model_)
                run.tell(FoldsJudged(facts=judged.to_dict(), lines=tuple(judged.lines)))
            replaced = run.decide("replaced", lambda: _keep_aside(place))
            if group.first:
                learner.model_.save(place)
            run.finish(place)
    return Done(learner, _aside(place) if replaced else None)


def _judged(
    make: Callable[[dict[str, Any]], Any],
    chosen: dict[str, Any],
    shown: Any,
    groups: Any,
    folds: int | None,
    run: Run,
    within: Within,
) -> CrossValidation | None:
    """Judge a learner by folds, where that is asked for, and write down what each said."""
    if folds is None:
        return None
    if run.group.size > 1:
        raise UsageError(
            "folds",
            needed="one process",
            came=str(run.group.size),
            remedy="leave `folds` out, or train by one process",
        )
    pictures = grouped(gather_parts_too(shown), groups)
    if pictures.features is not None:
        raise UsageError(
            "folds",
            needed="pictures: each fold is judged by what a model says of its pictures",
            came=f"their features, in {pictures.features.title}",
            remedy="leave `folds` out: a head fitted at once is cross-validated without",
        )
    found = cross_validated(lambda: make(chosen), pictures, folds, run, within)
    assert run.folder is not None
    write_table(run.folder / TABLE_OF_FOLDS, found.columns, [found.rows()])
    return found


def labelled(pictures: str | list[str], label_from: str | None, label: str | None) -> Any:
    """Return pictures as `fit` takes them, under labels of names or columns if asked for."""
    if label_from is None and label is None:
        return pictures
    return labelled_as(gather_parts_too(pictures), label_from, label)


def _absolute(pictures: str | Path | Sequence[str | Path]) -> str | list[str]:
    """Name pictures so that a run finds them from anywhere."""
    if isinstance(pictures, str | Path):
        return _whole(pictures)
    return [_whole(one) for one in pictures]


def _whole(path: str | Path) -> str:
    return path if is_remote(path) else str(Path(path).absolute())


def _keep_aside(model: Path) -> bool:
    """Keep what the model will replace, the last such one; return whether there is any."""
    if not model.is_file():
        return False
    files.copy_whole(model, _aside(model))
    return True


def _aside(model: Path) -> Path:
    return model.with_suffix(".run") / "replaced.safetensors"
