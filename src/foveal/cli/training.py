"""What every training command does with its options, and how it tells what came of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from foveal.cli.on_ray import trained_by_workers
from foveal.cli.options import groups_of, interruptible
from foveal.cli.typed import typed_line, was_typed
from foveal.cli.words import in_options, quoted
from foveal.launched import Launch
from foveal.results import plain
from foveal.visible import visible_lines
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.estimators.learner import Learner
    from foveal.model.fitted import FittedModel
    from foveal.progress.events import Event, Listener
    from foveal.training.record import RunRecord

NOT_LEARNED = (
    *("model", "pictures", "pages", "label_from", "label", "groups", "folds"),
    *("resume", "fresh", "strict", "json"),
    *("tensorboard", "checkpoint_seconds", "report", "cache_limit"),
    *("launcher", "workers"),
)
"""Parameters of the command that say what it learns from and how its run is kept, not how."""
JUDGED = {
    "cross-validation": "cross-validated {}",
    "folds": "{} of whole trainings on folds",
}
"""What a figure is called, by what judged it, where that was no validation part."""
NO_PICTURES = (
    "the report shows none of the pictures, of which parts of features were given: "
    "'foveal report MODEL PICTURES' shows them"
)
NOT_TYPED = ("resume", "fresh", "json", "report", "cache_limit")
"""Options that change nothing of what comes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """A model that a command trained, and where it is."""

    path: Path
    pictures: str
    """What taught it, as it was typed."""
    label_from: str | None
    """How labels were read off names, if they were."""
    label: str | None
    """Columns that said the labels, if any were named."""
    features: bool
    """Whether features of pictures taught it, which lie in parts, and not pictures."""
    pages: str
    """Which pages of a picture taught it, "first" or "all"."""
    model: FittedModel
    history: Sequence[Mapping[str, Any]]
    """What happened in each epoch."""
    cuts: Mapping[str, float]
    """Log loss of each cut that was tried; empty where one was named."""
    complete: bool
    """Whether the run was complete already, so that nothing was trained."""
    replaced: Path | None
    """Where the model is kept that was there before, if any."""
    report: Path | None
    """The page that tells all of it; None where there is none."""
    unreported: str
    """Why it is not there, or shows no pictures; empty where all is as it was asked for."""

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.path.with_suffix(".run")

    @property
    def folds(self) -> dict[str, Any]:
        """What trainings on folds said, as its run tells; nothing where there were none."""
        return self._record().folds

    @property
    def notes(self) -> list[str]:
        """What a reader should know, in the order in which it was told."""
        return [*self._record().notes, *[self.unreported] * bool(self.unreported)]

    def _record(self) -> RunRecord:
        from foveal.training.record import RunRecord

        return RunRecord.read(self.run)

    def to_dict(self) -> dict[str, Any]:
        """Return where it is, and what came of the training."""
        return {
            "model": str(self.path),
            "run": str(self.run),
            "complete": self.complete,
            "replaced": plain(self.replaced),
            "report": plain(self.report),
            "network": self.model.plan.text,
            "validation_pictures": self.model.provenance.validation_pictures,
            "best_epoch": self.model.provenance.best_epoch,
            "epochs": plain(self.history),
            "notes": self.notes,
        }

    def head(self) -> Iterator[str]:
        """Tell a person what was there before."""
        if self.complete:
            yield f"{self.path} is complete: nothing to resume"
        elif self.replaced:
            yield f"the model that was there before is kept: {self.replaced}"
            yield from _kept_report(self.run)

    def foot(self, following: str) -> Iterator[str]:
        """Tell a person where the model is, and what may follow."""
        yield f"model  {self.path}"
        yield f"run    {self.run}"
        if self.report is not None:
            yield f"report {self.report}"
        yield f"next: foveal {following}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedClassifier(TrainedModel):
    """A classifier that a command trained."""

    def to_dict(self) -> dict[str, Any]:
        """Return where it is, what it knows, and how it fares on held-out pictures."""
        known, known_as = self.model.provenance, self.model.classes.tolist()
        return {
            **super(TrainedClassifier, self).to_dict(),
            "fixed_layers": self.model.plan.fixed,
            "backbone": plain(known.backbone),
            "logistic": plain(known.logistic),
            "ridge": plain(known.ridge),
            "task": self.model.task,
            "figures": plain(known.held_out_figures),
            "classes": self.model.classes.tolist(),
            "judged_by": known.judged_by,
            "validation_accuracy": plain(self.model.accuracy),
            "validation_effective": known.validation_effective,
            "unjudged": [known_as[one] for one in known.unjudged or ()],
            "temperature": self.model.temperature,
            "cuts": plain(self.cuts),
            "folds": self.folds or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedAutoencoder(TrainedModel):
    """An autoencoder that a command trained."""

    def to_dict(self) -> dict[str, Any]:
        """Return where it is, what it was taught, and how it fares beside PCA."""
        plan, coding = self.model.plan, self.model.provenance.coding
        return {
            **super(TrainedAutoencoder, self).to_dict(),
            "encoder_layers": plan.encoder_layers,
            "code_size": plan.code_size,
            "coding": coding and coding.model_dump(mode="json", exclude={"reconstruction"}),
            "reconstruction": plain(self.model.reconstruction),
        }


T = TypeVar("T", bound=TrainedModel)


def trained(context: typer.Context, make: Callable[[dict[str, Any]], Learner], kind: type[T]) -> T:
    """Train a learner as the options of a command say, in a run that can be resumed.

    Parameters
    ----------
    context : typer.Context
        Holds the options by name, besides `NOT_LEARNED`.
    make : callable
        From these options to the learner.
    kind : type
        What comes of it.

    Returns
    -------
    TrainedModel
        The model with its history; of a run that was complete already the model of the file.
    """
    trained_by_workers(context)
    from foveal.cli.progress import shown_progress
    from foveal.cli.sources import are_features, given
    from foveal.learning.job import labelled, train
    from foveal.model.loading import load
    from foveal.training.group import joined

    asked = context.params
    pictures = given(asked["pictures"])
    options = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in asked.items()
        if name not in NOT_LEARNED
    }
    with joined(asked["device"]) as group, shown_progress() as show:
        done = train(
            asked["model"],
            pictures,
            make,
            options,
            label_from=asked.get("label_from"),
            label=asked.get("label"),
            groups=groups_of(asked["groups"]),
            folds=asked.get("folds"),
            command=str(context.info_name),
            line=typed_line(context, NOT_TYPED),
            source=asked["pictures"],
            typed=[name for name in asked if was_typed(context, name)],
            resume=asked["resume"],
            fresh=asked["fresh"],
            listeners=[*[_refuse_left_out] * asked["strict"], show, *_curves(asked)],
            checkpoint_seconds=asked["checkpoint_seconds"],
            within=interruptible,
            group=group,
            launch=Launch.read(os.environ),
        )
        if not group.first:
            raise typer.Exit  # the first process tells
        learner = done.learner
        model = load(asked["model"]) if learner is None else learner.model_
        features = are_features(pictures)
        said = asked.get("label_from"), asked.get("label")
        shown = None if features else labelled(pictures, *said)
        report, unreported = report_of(asked, model, shown, show, anew=learner is not None)
        if unreported:
            typer.echo(visible_lines(f"note: {in_options(unreported)}"), err=True)
    return kind(
        path=asked["model"],
        pictures=asked["pictures"],
        label_from=asked.get("label_from"),
        label=asked.get("label"),
        pages=asked["pages"],
        model=model,
        history=() if learner is None else learner.history_,
        cuts=getattr(learner, "cuts_", {}),
        features=features,
        complete=learner is None,
        replaced=done.replaced,
        report=report,
        unreported=unreported,
    )


def report_of(
    asked: Mapping[str, Any], model: FittedModel, pictures: Any, show: Listener, *, anew: bool
) -> tuple[Path | None, str]:
    """Write the report of a training, whose model is saved by now.

    What keeps it from being written ends nothing: the model counts. A run that was complete already
    keeps the report that it has.

    Returns
    -------
    tuple
        Where it is, None where it is not; and why it is not, or shows no pictures, although it was
        asked for.
    """
    from foveal.cli.reports import told_report
    from foveal.training.journal import REPORT

    run = asked["model"].with_suffix(".run")
    place: Path = run / REPORT
    kept = place.is_file() and not anew
    if kept or not asked["report"]:
        return (place if kept else None), ""
    try:
        found = told_report(model, pictures, show, run=run, file=asked["model"], source="")
        return found.save(place), NO_PICTURES if pictures is None else ""
    except Exception as why:  # whatever a report meets, the model stays
        from foveal.errors import FovealError

        kind = "" if isinstance(why, FovealError) else f"{type(why).__name__}, "
        return None, f"no report was written: {kind}{why}"


def _kept_report(run: Path) -> Iterator[str]:
    """Say where the report of the training before is, if it is kept."""
    from foveal.training.journal import REPLACED_REPORT

    if (run / REPLACED_REPORT).is_file():
        yield f"its report is kept: {run / REPLACED_REPORT}"


def _curves(asked: dict[str, Any]) -> list[Listener]:
    """Return what writes curves for TensorBoard, where that is asked for."""
    if asked["tensorboard"] is None:
        return []
    from foveal.progress.tensorboard import tensorboard

    return [tensorboard(asked["tensorboard"])]


def _refuse_left_out(event: Event) -> None:
    from foveal.errors import DataError
    from foveal.progress.events import Prepared

    if isinstance(event, Prepared) and event.left_out:
        raise DataError(
            "--strict",
            needed="every file to be a picture with a class",
            came=event.notes[0],
            remedy="mend or remove these files; ledger.csv in the run's folder names them all",
        )


def lines_of_classifier(found: TrainedClassifier) -> Iterator[str]:
    """Lay out for a person how a classifier fares, and where it is."""
    from foveal.training.journal import TABLE_OF_FOLDS

    known = found.model.provenance
    yield from found.head()
    yield from _held_out(found.model)
    if known.judged_by == "folds":
        yield f"folds  {found.run / TABLE_OF_FOLDS}"
    model, pictures = quoted(found.path), quoted(found.pictures)
    if found.label_from is not None:
        pictures += f" --label-from {quoted(found.label_from)}"
    if found.label is not None:
        pictures += f" --label {quoted(found.label)}"
    if found.pages != "first":
        pictures += f" --pages {found.pages}"
    nothing = not known.held_out_figures  # no picture was held out, so that none may be judged
    yield from found.foot(
        f"show {model}" if nothing or found.features else f"evaluate {model} {pictures}"
    )


def _held_out(model: FittedModel) -> Iterator[str]:
    """Say how pictures were answered that were held out from the training."""
    from foveal.evaluation.baselines import written

    known, accuracy = model.provenance, model.accuracy
    where = JUDGED.get(known.judged_by, "validation {}")
    worth = known.validation_effective
    fewer = f" (worth {worth:,.0f} independent ones)" if worth and known.together else ""
    on = f"on {counted(known.validation_pictures, 'picture')}{fewer}"
    if accuracy is not None:
        most = max(known.class_counts) / sum(known.class_counts)
        yield (
            f"{where.format('accuracy')}  {accuracy.percent()} {on}; the largest class is "
            f"{100 * most:.1f} % of those trained on"
            f"{_without(known.unjudged, model.classes.tolist())}"
        )
    for name, figure in (known.figures or {}).items():
        yield f"{where.format(name)}  {written(name, figure)} {on}"


def _without(unjudged: Sequence[int] | None, classes: Sequence[Any], most: int = 3) -> str:
    """Name the classes that an accuracy says nothing of."""
    if not unjudged:
        return ""
    named = ", ".join(str(classes[one]) for one in unjudged[:most])
    more = f" and {len(unjudged) - most:,} more" if len(unjudged) > most else ""
    return f"; no picture of {named}{more} is among those judged"


def lines_of_autoencoder(found: TrainedAutoencoder) -> Iterator[str]:
    """Lay out for a person how an autoencoder fares, and where it is."""
    judged = found.model.reconstruction
    yield from found.head()
    if judged is not None:
        yield (
            f"{judged.judged_by} MSE  {judged.autoencoder.mse:.5f} on "
            f"{counted(judged.pictures, 'picture')}, PCA of the same size {judged.pca.mse:.5f}"
        )
    names = quoted(found.path), quoted(found.pictures)
    yield from found.foot(f"encode {names[0]} {names[1]} --to codes.parquet")
