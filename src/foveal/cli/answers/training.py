"""What the commands answer that teach a network, or plan one."""

from __future__ import annotations

from typing import Any

from foveal.cli.answers.parts import Answer, Estimate, Notes, Part, Shape


class Epoch(Part):
    """An epoch of a training."""

    epoch: int
    step: int
    loss: float | None
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    validation_pictures: int
    best: bool
    seconds: float
    computing: float
    judging: float


class Trained(Answer):
    """What every training answers."""

    model: str
    run: str
    complete: bool
    replaced: str | None
    report: str | None
    network: str
    validation_pictures: int
    best_epoch: int
    epochs: list[Epoch]
    notes: Notes


class TrainedToAnswer(Trained):
    """`train cnn` and `train transfer`."""

    fixed_layers: int
    backbone: dict[str, Any] | None
    logistic: dict[str, Any] | None
    ridge: dict[str, Any] | None
    task: str
    figures: dict[str, Any]
    classes: list[Any]
    judged_by: str
    validation_accuracy: Estimate | None
    validation_effective: float | None
    unjudged: list[Any]
    temperature: float
    cuts: dict[str, Any]
    folds: dict[str, Any] | None


class TrainedAutoencoder(Trained):
    """`train autoencoder`."""

    encoder_layers: int
    code_size: int
    coding: dict[str, Any]
    reconstruction: dict[str, Any] | None


class Tuned(Answer):
    """`tune`."""

    trials: list[dict[str, Any]]
    best: Any
    confirmed: list[dict[str, Any]]
    importance: Any
    front: Any
    model: str | None
    judged_by: str | None
    metrics: dict[str, Any] | None
    default_metrics: dict[str, Any] | None
    seconds: float
    notes: list[str]
    written: list[str]


class Planned(Answer):
    """`plan`."""

    network: str
    input: Shape
    output: Shape
    parameters: int
    multiply_adds: int
    activation_bytes: int
    fixed: int
    code_size: int | None
    layers: list[dict[str, Any]]
    batch_size: int
    activation_bytes_of_a_batch: int
    measured: dict[str, Any] | None


class PlannedAsTorch(Answer):
    """`plan --as torch`."""

    network: str
    torch: str


class Backbones(Answer):
    """`backbones`."""

    backbones: list[dict[str, Any]]


class Backbone(Answer):
    """`backbones NAME`."""

    name: str
    source: str
    sha256: str
    stages: list[dict[str, Any]]
    pictures_a_second: dict[str, Any] | None


class Demonstrated(Answer):
    """`demo`."""

    digits: dict[str, Any]
    few_pictures: Any
    codes: Any
    photographs: Any
