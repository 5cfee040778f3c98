"""Options that all trainings share, and what every training does with them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import interruptible, print_json

if TYPE_CHECKING:
    from foveal.estimators.autoencoder import Autoencoder
    from foveal.estimators.cnn import CNNClassifier
    from foveal.estimators.transfer import TransferClassifier
    from foveal.progress.events import Event

    Classifier = CNNClassifier | TransferClassifier
    Learner = Classifier | Autoencoder

NETWORK, TRAINING, PICTURES, RUN = "Network", "Training", "Pictures", "Run"
NOT_LEARNED = ("model", "resume", "fresh", "strict", "json", "tensorboard", "checkpoint_seconds")
"""Options that say how a run is kept, not what it learns."""


def _in(panel: str, help: str, *flags: str, **more: Any) -> Any:
    return typer.Option(*flags, help=help, rich_help_panel=panel, **more)


Target = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Where the model goes: a .safetensors file.")
]
Epochs = Annotated[float | None, _in(TRAINING, "Times each picture is seen; derived if left out.")]
Seconds = Annotated[float | None, _in(TRAINING, "Budget of training time, instead of epochs.")]
BatchSize = Annotated[int | None, _in(TRAINING, "Pictures a step; derived if left out.")]
Optimizer = Annotated[str, _in(TRAINING, "sgd (with Nesterov momentum) or adamw.")]
LearningRate = Annotated[
    float | None,
    _in(TRAINING, "Highest learning rate; derived from optimizer and batch if left out."),
]
Momentum = Annotated[float, _in(TRAINING, "Momentum, 0 to 1.")]
WeightDecay = Annotated[float | None, _in(TRAINING, "By optimizer if left out.")]
Schedule = Annotated[str, _in(TRAINING, "one-cycle, cosine or constant.")]
LabelSmoothing = Annotated[float, _in(TRAINING, "Share of each label spread out.")]
Ema = Annotated[float, _in(TRAINING, "Decay of a moving average of the weights; 0 for none.")]
ClipNorm = Annotated[
    float | None,
    _in(TRAINING, "Largest norm of the gradient, 0 for any; derived if left out."),
]
Patience = Annotated[
    int | None, _in(TRAINING, "Stop after so many epochs without a better validation score.")
]
ClassWeight = Annotated[str | None, _in(TRAINING, "'balanced' weighs rare classes up.")]
Flip = Annotated[
    bool | None,
    _in(
        PICTURES,
        "Mirror half of the pictures; by default colour pictures only.",
        "--flip/--no-flip",
    ),
]
Size = Annotated[
    str | None,
    _in(PICTURES, "Size of the pictures, 64 or 48x64; the median, at most 64, if left out."),
]
Channels = Annotated[int | None, _in(PICTURES, "1 for grey, 3 for colour.")]
Resize = Annotated[str, _in(PICTURES, "stretch, letterbox or crop.")]
ValidationShare = Annotated[
    float, _in(PICTURES, "Share held out to choose the weights, if no folder names them.")
]
TestShare = Annotated[
    float, _in(PICTURES, "Share never touched by training, if no folder names them.")
]
Seed = Annotated[int, _in(RUN, "Seed of all that is random.")]
Resume = Annotated[bool, _in(RUN, "Go on with an unfinished run.", "--resume")]
Fresh = Annotated[bool, _in(RUN, "Throw an unfinished run away.", "--fresh")]
Tensorboard = Annotated[Path | None, _in(RUN, "Also write curves for TensorBoard here.")]
CheckpointSeconds = Annotated[float, _in(RUN, "Seconds between checkpoints.", min=0)]


def learn(context: typer.Context, make: Callable[[dict[str, Any]], Learner]) -> Learner | None:
    """Train a learner as the options of a command say, in a run that can be resumed.

    Parameters
    ----------
    context : typer.Context
        Holds the options under the names of the learner's parameters, besides `NOT_LEARNED`.
    make : callable
        From these parameters to the learner; imports it.

    Returns
    -------
    Learner or None
        What was trained; None where the run was complete already.
    """
    from foveal.cli.progress import shown_progress
    from foveal.model.fitted import checked_path
    from foveal.training.run import Run

    asked = context.params
    model: Path = asked["model"]
    checked_path(model)
    given = {name for name in asked if _typed(context, name)}
    options = {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in asked.items()
        if name not in NOT_LEARNED
    }
    options["pictures"] = str(Path(asked["pictures"]).absolute())
    with shown_progress() as show:
        listeners: list[Callable[[Event], None]] = [_refuse_left_out] * asked["strict"] + [show]
        if asked["tensorboard"] is not None:
            from foveal.progress.tensorboard import tensorboard as curves

            listeners.append(curves(asked["tensorboard"]))
        with Run(
            model.with_suffix(".run"),
            resume=asked["resume"],
            fresh=asked["fresh"],
            listeners=listeners,
            checkpoint_seconds=asked["checkpoint_seconds"],
            target=model,
        ) as run:
            run.agree("command", context.info_name, "go on with it, or begin with --fresh")
            if run.options:
                options = run.options | {key: options[key] for key in options if key in given}
            run.agree("options", options, "leave the option out, or begin with --fresh")
            if asked["resume"] and run.was_finished:
                typer.echo(f"{model} is complete: nothing to resume")
                return None
            before = run.decide("replaced", lambda: _keep_aside(model))
            with interruptible(run):
                pictures, seed = options["pictures"], options["seed"]
                parameters = {
                    name: value
                    for name, value in options.items()
                    if name not in ("pictures", "seed")
                }
                learner = make({**parameters, "random_state": seed}).fit(pictures, run=run)
                digest = learner.model_.save(model)
                run.finish({"model": model.name, "sha256": digest})
    if before and not asked["json"]:
        typer.echo(f"the model that was there before is kept: {_aside(model)}")
    return learner


def _keep_aside(model: Path) -> bool:
    """Keep what the model will replace, the last such one; answers whether there is any."""
    from foveal import files

    if not model.is_file():
        return False
    files.write_whole(_aside(model), model.read_bytes())
    return True


def _aside(model: Path) -> Path:
    return model.with_suffix(".run") / "replaced.safetensors"


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
    """Say how a trained classifier fares, and where it is."""
    from foveal.evaluation.intervals import wilson

    if learner is None:
        return
    model, pictures = context.params["model"], context.params["pictures"]
    fitted = learner.model_
    provenance = fitted.provenance
    right, judged = provenance.validation_right, provenance.validation_pictures
    accuracy = None if right is None else wilson(right, judged)
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
    """Say how a trained autoencoder fares, and where it is; its progress told the figures."""
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
                "encoder_layers": learner.plan_.code,
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
    """Give an estimate as plain values."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
