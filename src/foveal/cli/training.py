"""What every training command does with its options, and how it tells what came of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from foveal.cli.options import groups_of, interruptible, print_json

if TYPE_CHECKING:
    from foveal.estimators.autoencoder import Autoencoder
    from foveal.estimators.learner import Classifier, Learner
    from foveal.progress.events import Event, Listener

NOT_LEARNED = (
    *("model", "pictures", "groups", "resume", "fresh", "strict", "json"),
    *("tensorboard", "checkpoint_seconds"),
)
"""Parameters of the command that say what it learns from and how its run is kept, not how."""


def trained(context: typer.Context, make: Callable[[dict[str, Any]], Learner]) -> Learner | None:
    """Train a learner as the options of a command say, in a run that can be resumed.

    Parameters
    ----------
    context : typer.Context
        Holds the options by name, besides `NOT_LEARNED`.
    make : callable
        From these options to the learner.

    Returns
    -------
    Learner or None
        What was trained; None where the run was complete already.
    """
    from foveal.cli.progress import shown_progress
    from foveal.learning.job import train

    asked = context.params
    options = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in asked.items()
        if name not in NOT_LEARNED
    }
    with shown_progress() as show:
        done = train(
            asked["model"],
            asked["pictures"],
            make,
            options,
            groups=groups_of(asked["groups"]),
            command=str(context.info_name),
            typed=[name for name in asked if _typed(context, name)],
            resume=asked["resume"],
            fresh=asked["fresh"],
            listeners=[*[_refuse_left_out] * asked["strict"], show, *_curves(asked)],
            checkpoint_seconds=asked["checkpoint_seconds"],
            within=interruptible,
        )
    if done.learner is None:
        typer.echo(f"{asked['model']} is complete: nothing to resume")
    elif done.replaced and not asked["json"]:
        typer.echo(f"the model that was there before is kept: {done.replaced}")
    return done.learner


def _curves(asked: dict[str, Any]) -> list[Listener]:
    """Return what writes curves for TensorBoard, where that is asked for."""
    if asked["tensorboard"] is None:
        return []
    from foveal.progress.tensorboard import tensorboard

    return [tensorboard(asked["tensorboard"])]


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


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


def report_classifier(context: typer.Context, learner: Classifier | None) -> None:
    """Describe how a trained classifier fares, and where it is."""
    if learner is None:
        return
    model, pictures = context.params["model"], context.params["pictures"]
    fitted = learner.model_
    provenance = fitted.provenance
    judged, accuracy = provenance.validation_pictures, provenance.validation_accuracy
    if context.params["json"]:
        origin, logistic = provenance.backbone, provenance.logistic
        print_json(
            {
                "model": str(model),
                "run": str(model.with_suffix(".run")),
                "network": fitted.plan.text,
                "fixed_layers": fitted.plan.fixed,
                "backbone": origin and origin.model_dump(),
                "logistic": logistic and logistic.model_dump(),
                "classes": fitted.classes.tolist(),
                "judged_by": provenance.judged_by,
                "validation_pictures": judged,
                "validation_accuracy": accuracy and vars_of(accuracy),
                "best_epoch": provenance.best_epoch,
                "temperature": fitted.temperature,
                "epochs": learner.history_,
                "cuts": getattr(learner, "cuts_", {}),
            }
        )
        return
    if accuracy is not None:
        where = "cross-validated accuracy" if logistic_only(learner) else "validation accuracy"
        counts = provenance.class_counts
        most = max(counts) / sum(counts)
        typer.echo(
            f"{where}  {accuracy.percent()} on {judged:,} pictures; the largest class is "
            f"{100 * most:.1f} % of those trained on"
        )
    typer.echo(f"model  {model}")
    typer.echo(f"run    {model.with_suffix('.run')}")
    typer.echo(f"next: foveal evaluate {shlex.quote(str(model))} {shlex.quote(pictures)}")


def report_autoencoder(context: typer.Context, learner: Autoencoder | None) -> None:
    """Describe how a trained autoencoder fares, and where it is; its progress told the figures."""
    from dataclasses import asdict

    if learner is None:
        return
    model, pictures = context.params["model"], context.params["pictures"]
    found = learner.reconstruction_
    if context.params["json"]:
        coding = learner.model_.provenance.coding
        print_json(
            {
                "model": str(model),
                "run": str(model.with_suffix(".run")),
                "network": learner.plan_.text,
                "encoder_layers": learner.plan_.encoder_layers,
                "code_size": learner.plan_.code_size,
                "coding": coding and coding.model_dump(mode="json", exclude={"reconstruction"}),
                "reconstruction": found and asdict(found),
                "validation_pictures": learner.model_.provenance.validation_pictures,
                "best_epoch": learner.model_.provenance.best_epoch,
                "epochs": learner.history_,
            }
        )
        return
    if found is not None:
        typer.echo(
            f"{found.judged_by} MSE  {found.autoencoder.mse:.5f} on {found.pictures:,} pictures, "
            f"PCA of the same size {found.pca.mse:.5f}"
        )
    typer.echo(f"model  {model}")
    typer.echo(f"run    {model.with_suffix('.run')}")
    quoted = shlex.quote(str(model)), shlex.quote(pictures)
    typer.echo(f"next: foveal encode {quoted[0]} {quoted[1]} --to codes.parquet")


def logistic_only(learner: Classifier) -> bool:
    """Whether the accuracy of a model comes from cross-validation."""
    return learner.model_.provenance.judged_by == "cross-validation"


def vars_of(estimate: Any) -> dict[str, float]:
    """Return an estimate as plain values."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
