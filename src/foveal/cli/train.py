"""`foveal train`: from pictures to a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli import learning
from foveal.cli.learning import (
    NETWORK,
    PICTURES,
    TRAINING,
    learn,
    report_autoencoder,
    report_classifier,
)
from foveal.cli.options import AnyPictures, Device, Json, Pictures, Strict, Threads, size_of

if TYPE_CHECKING:
    from foveal.estimators.autoencoder import Autoencoder
    from foveal.estimators.cnn import CNNClassifier
    from foveal.estimators.transfer import TransferClassifier

app = typer.Typer(help="Train a network on pictures.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train a network on pictures."""


@app.command("cnn")
def cnn(
    context: typer.Context,
    pictures: Pictures,
    model: learning.Target,
    net: Annotated[
        str,
        typer.Option(
            help="A network in the notation, or fast, lenet5, tinyvgg, resnet.",
            rich_help_panel=NETWORK,
        ),
    ] = "fast",
    epochs: learning.Epochs = None,
    seconds: learning.Seconds = None,
    batch_size: learning.BatchSize = None,
    optimizer: learning.Optimizer = "sgd",
    learning_rate: learning.LearningRate = None,
    momentum: learning.Momentum = 0.9,
    weight_decay: learning.WeightDecay = None,
    schedule: learning.Schedule = "one-cycle",
    label_smoothing: learning.LabelSmoothing = 0.05,
    ema: learning.Ema = 0.0,
    clip_norm: learning.ClipNorm = None,
    patience: learning.Patience = None,
    class_weight: learning.ClassWeight = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            help="none, light (shifts), or strong (turns, zooms, colours too); light for "
            "fewer than 20,000 pictures, else none, if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    flip: learning.Flip = None,
    size: learning.Size = None,
    channels: learning.Channels = None,
    resize: learning.Resize = "stretch",
    validation_share: learning.ValidationShare = 0.2,
    test_share: learning.TestShare = 0.0,
    seed: learning.Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    resume: learning.Resume = False,
    fresh: learning.Fresh = False,
    tensorboard: learning.Tensorboard = None,
    checkpoint_seconds: learning.CheckpointSeconds = 5.0,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Train a convolutional network on labelled pictures.

    Beside MODEL.safetensors it leaves MODEL.run/ with events.jsonl, ledger.csv, config.json.
    """
    report_classifier(context, learn(context, _cnn))


def _cnn(parameters: dict[str, Any]) -> CNNClassifier:
    from foveal.estimators.cnn import CNNClassifier

    return CNNClassifier(**{**parameters, "size": size_of(parameters["size"])})


@app.command("transfer")
def transfer(
    context: typer.Context,
    pictures: Pictures,
    model: learning.Target,
    backbone: Annotated[
        str,
        typer.Option(
            help="A name that 'foveal backbones' lists, an architecture of timm, or a model "
            "file of one's own.",
            rich_help_panel=NETWORK,
        ),
    ] = "efficientnet_lite0",
    cut: Annotated[
        str | None,
        typer.Option(
            help="Stage after which the backbone is cut, or 'auto'; the end of its "
            "convolutional part if left out.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            help="'logistic', or layers in the notation, as in 'dense 256 relu | dropout 0.3'.",
            rich_help_panel=NETWORK,
        ),
    ] = "logistic",
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights of a timm architecture (.safetensors).", rich_help_panel=NETWORK
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Allow its weights to be fetched from its hub.",
            rich_help_panel=NETWORK,
        ),
    ] = False,
    strength: Annotated[
        float | None,
        typer.Option(
            help="C of the logistic head; chosen by cross-validation if left out.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    fine_tune: Annotated[
        float,
        typer.Option(
            help="Epochs of training the layers above the cut too.", rich_help_panel=TRAINING
        ),
    ] = 0.0,
    fine_tune_rate: Annotated[
        float | None,
        typer.Option(help="Highest learning rate of that.", rich_help_panel=TRAINING),
    ] = None,
    epochs: learning.Epochs = None,
    seconds: learning.Seconds = None,
    batch_size: learning.BatchSize = None,
    optimizer: learning.Optimizer = "sgd",
    learning_rate: learning.LearningRate = None,
    momentum: learning.Momentum = 0.9,
    weight_decay: learning.WeightDecay = None,
    schedule: learning.Schedule = "one-cycle",
    label_smoothing: learning.LabelSmoothing = 0.05,
    ema: learning.Ema = 0.0,
    clip_norm: learning.ClipNorm = None,
    patience: learning.Patience = None,
    class_weight: learning.ClassWeight = None,
    views: Annotated[
        int,
        typer.Option(
            help="Times each picture goes through the backbone: as it is, and varied.",
            rich_help_panel=PICTURES,
        ),
    ] = 1,
    augmentation: Annotated[
        str | None,
        typer.Option(help="How further views vary: none or light.", rich_help_panel=PICTURES),
    ] = None,
    flip: learning.Flip = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Size of the pictures, 224 or 192x256; by backbone and pictures if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    resize: Annotated[
        str | None,
        typer.Option(
            help="stretch, letterbox or crop; the backbone's if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    validation_share: Annotated[
        float | None,
        typer.Option(
            help="Share held out, if no folder names them; none for a logistic head, which is "
            "cross-validated, else 0.2, if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    test_share: learning.TestShare = 0.0,
    half: Annotated[
        bool,
        typer.Option(
            "--half", help="Keep features in half precision.", rich_help_panel=learning.RUN
        ),
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            help="openvino, onnxruntime or torch; the fastest if left out.",
            rich_help_panel=learning.RUN,
        ),
    ] = None,
    seed: learning.Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    resume: learning.Resume = False,
    fresh: learning.Fresh = False,
    tensorboard: learning.Tensorboard = None,
    checkpoint_seconds: learning.CheckpointSeconds = 5.0,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Reuse the kernels of a trained network: fix them, train only what remains.

    Needs few pictures and seconds. Features of pictures are kept: other labels, another head
    or another split need no picture decoded again.
    """
    report_classifier(context, learn(context, _transfer))


def _transfer(parameters: dict[str, Any]) -> TransferClassifier:
    from foveal.estimators.transfer import TransferClassifier

    return TransferClassifier(**{**parameters, "size": size_of(parameters["size"])})


@app.command("autoencoder")
def autoencoder(
    context: typer.Context,
    pictures: AnyPictures,
    model: learning.Target,
    kind: Annotated[
        str, typer.Option(help="Stock encoder: conv or dense.", rich_help_panel=NETWORK)
    ] = "conv",
    code_size: Annotated[
        int | None,
        typer.Option(
            help="Numbers of a code; 32, or half of a small picture's values, if left out.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Layers in the notation up to the code, as in 'flatten | dense 256 relu'.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    decoder: Annotated[
        str | None,
        typer.Option(
            help="Layers from the code to the picture; the encoder's mirror if left out.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    activation: Annotated[
        str, typer.Option(help="Activation of the stock encoders.", rich_help_panel=NETWORK)
    ] = "gelu",
    variational: Annotated[
        bool,
        typer.Option("--variational", help="Draw codes in training.", rich_help_panel=NETWORK),
    ] = False,
    beta: Annotated[
        float,
        typer.Option(
            help="Weight of the divergence from the normal distribution.",
            rich_help_panel=TRAINING,
        ),
    ] = 1.0,
    loss: Annotated[
        str,
        typer.Option(
            help="mse (squared error), bce (cross-entropy, with a sigmoid at the end) or l1.",
            rich_help_panel=TRAINING,
        ),
    ] = "mse",
    noise: Annotated[
        str,
        typer.Option(
            help="What is to be undone: none, gaussian, or masks.", rich_help_panel=TRAINING
        ),
    ] = "none",
    noise_level: Annotated[
        float | None,
        typer.Option(
            help="Its deviation (0.2), or the share that is masked (0.25).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    epochs: learning.Epochs = None,
    seconds: learning.Seconds = None,
    batch_size: learning.BatchSize = None,
    optimizer: learning.Optimizer = "adamw",
    learning_rate: learning.LearningRate = None,
    momentum: learning.Momentum = 0.9,
    weight_decay: learning.WeightDecay = None,
    schedule: learning.Schedule = "one-cycle",
    ema: learning.Ema = 0.0,
    clip_norm: learning.ClipNorm = None,
    patience: learning.Patience = None,
    augmentation: Annotated[
        str, typer.Option(help="none, light or strong.", rich_help_panel=PICTURES)
    ] = "none",
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="Mirror half of the pictures; colour ones, below 20,000, if left out.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    size: learning.Size = None,
    channels: learning.Channels = None,
    resize: learning.Resize = "stretch",
    validation_share: learning.ValidationShare = 0.2,
    test_share: learning.TestShare = 0.0,
    seed: learning.Seed = 0,
    device: Device = "auto",
    threads: Threads = None,
    resume: learning.Resume = False,
    fresh: learning.Fresh = False,
    tensorboard: learning.Tensorboard = None,
    checkpoint_seconds: learning.CheckpointSeconds = 5.0,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Learn to encode pictures as a few numbers and to decode them, without labels.

    Says how well, beside principal components of the same size.
    """
    report_autoencoder(context, learn(context, _autoencoder))


def _autoencoder(parameters: dict[str, Any]) -> Autoencoder:
    from foveal.estimators.autoencoder import Autoencoder

    return Autoencoder(**{**parameters, "size": size_of(parameters["size"])})
