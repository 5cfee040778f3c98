"""`foveal train`: from pictures to a model file."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import (
    Device,
    Json,
    Pictures,
    Strict,
    Threads,
    interruptible,
    print_json,
    size_of,
)

if TYPE_CHECKING:
    from foveal.estimators.cnn import CNNClassifier
    from foveal.training.events import Event

app = typer.Typer(help="Train a network on pictures.", no_args_is_help=True)

NETWORK, TRAINING, PICTURES, RUN = "Network", "Training", "Pictures", "Run"
NOT_LEARNED = ("model", "resume", "fresh", "strict", "json", "tensorboard", "checkpoint_seconds")
"""Options that say how a run is kept, not what it learns."""


@app.callback()
def train() -> None:
    """Train a network on pictures."""


@app.command("cnn")
def cnn(
    context: typer.Context,
    pictures: Pictures,
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Where the model goes: a .safetensors file.")
    ],
    net: Annotated[
        str,
        typer.Option(
            help="A network in the notation, or fast, lenet5, tinyvgg, resnet.",
            rich_help_panel=NETWORK,
        ),
    ] = "fast",
    epochs: Annotated[
        float | None,
        typer.Option(
            help="Times each picture is seen; derived if left out.", rich_help_panel=TRAINING
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="Budget of training time, instead of epochs.", rich_help_panel=TRAINING),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Pictures a step; derived if left out.", rich_help_panel=TRAINING),
    ] = None,
    optimizer: Annotated[
        str, typer.Option(help="sgd (with Nesterov momentum) or adamw.", rich_help_panel=TRAINING)
    ] = "sgd",
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Highest learning rate; derived from optimizer and batch if left out.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    momentum: Annotated[
        float, typer.Option(help="Momentum, 0 to 1.", rich_help_panel=TRAINING)
    ] = 0.9,
    weight_decay: Annotated[
        float | None,
        typer.Option(help="By optimizer if left out.", rich_help_panel=TRAINING),
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="one-cycle, cosine or constant.", rich_help_panel=TRAINING)
    ] = "one-cycle",
    label_smoothing: Annotated[
        float, typer.Option(help="Share of each label spread out.", rich_help_panel=TRAINING)
    ] = 0.05,
    ema: Annotated[
        float,
        typer.Option(
            help="Decay of a moving average of the weights; 0 for none.", rich_help_panel=TRAINING
        ),
    ] = 0.0,
    clip_norm: Annotated[
        float | None,
        typer.Option(
            help="Largest norm of the gradient, 0 for any; derived if left out.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many epochs without a better validation score.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    class_weight: Annotated[
        str | None,
        typer.Option(help="'balanced' weighs rare classes up.", rich_help_panel=TRAINING),
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            help="none, light (shifts), or strong (turns, zooms, colours too); light for "
            "fewer than 20,000 pictures, else none, if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="Mirror half of the pictures; by default colour pictures only.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Size of the pictures, 64 or 48x64; the median, at most 64, if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    channels: Annotated[
        int | None, typer.Option(help="1 for grey, 3 for colour.", rich_help_panel=PICTURES)
    ] = None,
    resize: Annotated[
        str, typer.Option(help="stretch, letterbox or crop.", rich_help_panel=PICTURES)
    ] = "stretch",
    validation_share: Annotated[
        float,
        typer.Option(
            help="Share held out to choose the weights, if no folder names them.",
            rich_help_panel=PICTURES,
        ),
    ] = 0.2,
    test_share: Annotated[
        float,
        typer.Option(
            help="Share never touched by training, if no folder names them.",
            rich_help_panel=PICTURES,
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.", rich_help_panel=RUN)] = 0,
    device: Device = "auto",
    threads: Threads = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an unfinished run.", rich_help_panel=RUN)
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Throw an unfinished run away.", rich_help_panel=RUN)
    ] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(help="Also write curves for TensorBoard here.", rich_help_panel=RUN),
    ] = None,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds between checkpoints.", rich_help_panel=RUN)
    ] = 5.0,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Train a convolutional network on labelled pictures.

    Beside MODEL.safetensors it leaves MODEL.run/ with events.jsonl, ledger.csv, config.json.
    """
    from foveal.cli.progress import shown_progress
    from foveal.model.fitted import checked_path
    from foveal.training.run import Run

    checked_path(model)
    given = {name for name in context.params if _typed(context, name)}
    options = {name: value for name, value in context.params.items() if name not in NOT_LEARNED}
    options["pictures"] = str(Path(pictures).absolute())
    with shown_progress() as show:
        listeners: list[Callable[[Event], None]] = [_refuse_left_out] * strict + [show]
        if tensorboard is not None:
            from foveal.training.tracking import tensorboard as curves

            listeners.append(curves(tensorboard))
        with Run(
            model.with_suffix(".run"),
            resume=resume,
            fresh=fresh,
            listeners=listeners,
            checkpoint_seconds=checkpoint_seconds,
            target=model,
        ) as run:
            if run.options:
                options = run.options | {key: options[key] for key in options if key in given}
            run.agree("options", options, "leave the option out, or begin with --fresh")
            if resume and run.was_finished:
                typer.echo(f"{model} is complete: nothing to resume")
                return
            with interruptible(run):
                learner = _learner(options).fit(options["pictures"], run=run)
                digest = learner.model_.save(model)
                run.finish({"model": model.name, "sha256": digest})
    _report(learner, model, options["pictures"], as_json=json)


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _learner(options: dict[str, Any]) -> CNNClassifier:
    from foveal.estimators.cnn import CNNClassifier

    values = {key: value for key, value in options.items() if key not in ("pictures", "seed")}
    values["size"] = size_of(values["size"])
    return CNNClassifier(**values, random_state=options["seed"])


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


def _report(learner: CNNClassifier, model: Path, pictures: str, *, as_json: bool) -> None:
    from foveal.evaluation.intervals import wilson

    fitted = learner.model_
    right, judged = fitted.provenance.validation_right, fitted.provenance.validation_pictures
    accuracy = None if right is None else wilson(right, judged)
    if as_json:
        print_json(
            {
                "model": str(model),
                "run": str(model.with_suffix(".run")),
                "network": fitted.plan.text,
                "classes": fitted.classes.tolist(),
                "validation_pictures": judged,
                "validation_accuracy": accuracy and vars_of(accuracy),
                "best_epoch": fitted.provenance.best_epoch,
                "temperature": fitted.temperature,
                "epochs": learner.history_,
            }
        )
        return
    if accuracy is not None:
        typer.echo(f"validation accuracy  {accuracy.percent()} on {judged:,} pictures")
    typer.echo(f"model                {model}")
    typer.echo(f"run                  {model.with_suffix('.run')}")
    typer.echo(f"next: foveal evaluate {shlex.quote(str(model))} {shlex.quote(pictures)}")


def vars_of(estimate: Any) -> dict[str, float]:
    """Give an estimate as plain values."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
