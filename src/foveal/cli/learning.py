"""Options that all trainings share, and what every training does with them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import interruptible, print_json

if TYPE_CHECKING:
    from foveal.estimators.cnn import CNNClassifier
    from foveal.estimators.transfer import TransferClassifier
    from foveal.training.events import Event

    Learner = CNNClassifier | TransferClassifier

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
TestShare = Annotated[
    float, _in(PICTURES, "Share never touched by training, if no folder names them.")
]
Seed = Annotated[int, _in(RUN, "Seed of all that is random.")]
Resume = Annotated[bool, _in(RUN, "Go on with an unfinished run.", "--resume")]
Fresh = Annotated[bool, _in(RUN, "Throw an unfinished run away.", "--fresh")]
Tensorboard = Annotated[Path | None, _in(RUN, "Also write curves for TensorBoard here.")]
CheckpointSeconds = Annotated[float, _in(RUN, "Seconds between checkpoints.", min=0)]


def learn(context: typer.Context, make: Callable[[dict[str, Any]], Learner]) -> None:
    """Train a learner as the options of a command say, in a run that can be resumed.

    Parameters
    ----------
    context : typer.Context
        Holds the options under the names of the learner's parameters, besides `NOT_LEARNED`.
    make : callable
        From these parameters to the learner; imports it.
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
            from foveal.training.tracking import tensorboard as curves

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
                return
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
    _report(learner, model, options["pictures"], as_json=asked["json"])


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_left_out(event: Event) -> None:
    from foveal.errors import DataError
    from foveal.training.events import Prepared

    if isinstance(event, Prepared) and event.left_out:
        raise DataError(
            "--strict",
            needed="every file to be a picture with a class",
            came=event.notes[0],
            remedy="mend or remove these files; ledger.csv in the run's folder names them all",
        )


def _report(learner: Learner, model: Path, pictures: str, *, as_json: bool) -> None:
    from foveal.evaluation.intervals import wilson

    fitted = learner.model_
    provenance = fitted.provenance
    right, judged = provenance.validation_right, provenance.validation_pictures
    accuracy = None if right is None else wilson(right, judged)
    if as_json:
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
        typer.echo(f"{where}  {accuracy.percent()} on {judged:,} pictures")
    typer.echo(f"model  {model}")
    typer.echo(f"run    {model.with_suffix('.run')}")
    typer.echo(f"next: foveal evaluate {shlex.quote(str(model))} {shlex.quote(pictures)}")


def logistic_only(learner: Learner) -> bool:
    """Whether the accuracy of a model comes from cross-validation."""
    return learner.model_.provenance.judged_by == "cross-validation"


def vars_of(estimate: Any) -> dict[str, float]:
    """Give an estimate as plain values."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
