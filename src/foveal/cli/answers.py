"""What each command's `--json` holds, as types: `foveal schema` prints them as JSON Schema.

The tests hold every answer against these, and these against docs/commands.md. Keys may be added to
an answer; `version` is raised when one goes or comes to mean something else.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from foveal.cli.env import PACKAGES
from foveal.cli.output import SCHEMA

Shape = list[int]
Notes = list[str]


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class Answer(Part):
    """What every answer has."""

    version: Literal[1]
    """`output.SCHEMA`."""


class Estimate(Part):
    """A number with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None


class Row(Part):
    """A row of a table, under its columns."""

    path: str


class Unreadable(Part):
    """A picture that cannot be read."""

    path: str
    error: str


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


class Unjudged(Part):
    """What `evaluate` could not judge."""

    given: int
    unusable: int
    unknown: int
    classes: list[str]


class Evaluated(Answer):
    """`evaluate`."""

    judged_by: str
    metrics: dict[str, Any] = Field(description="Figures of the kind of target, with intervals.")
    unjudged: Unjudged
    unfamiliar: dict[str, Any] | None
    uncalibrated_error: float | None
    temperature: float
    baselines: list[dict[str, Any]]
    notes: Notes
    worth: float
    answered: list[dict[str, Any]]
    refusing: dict[str, Any] | None
    pictures: list[Row] | None
    written: list[str]


class LearningCurve(Answer):
    """`evaluate --learning-curve`."""

    classes: Any
    judged: Any
    shares: list[float]
    points: list[dict[str, Any]]
    forecast: Any
    by_class: Any
    verdict: Any
    notes: Notes
    written: list[str]


class Predicted(Answer):
    """`predict`."""

    to: str | None
    rows: int
    unreadable: int
    unfamiliar: int | None
    false_alarms: Estimate | None
    left: int | None
    refusal: dict[str, Any] | None
    notes: Notes
    pictures: list[Row] | None


class InParts(Answer):
    """Any command that answers into a folder of parts."""

    to: str
    parts: int
    kept: int
    rows: int
    unreadable: int
    counts: dict[str, int]
    shards: str
    part_size: int
    whole: bool
    all_parts: int
    all_rows: int
    notes: Notes
    model: str
    seconds: float


class Exported(Answer):
    """`export`."""

    written: list[str]
    certificate: dict[str, Any]


class Snippet(Answer):
    """`export --as snippet`."""

    file: str
    snippet: str


class Reported(Answer):
    """`report`."""

    written: list[str]
    sections: list[str]
    notes: Notes


class File(Part):
    """A model file."""

    path: str
    bytes: int
    sha256: str
    format: int


class Shown(Answer):
    """`show`."""

    task: str
    file: File | None
    digest: str
    classes: list[Any]
    class_counts: list[int]
    training_pictures: int
    accuracy: Estimate | None
    reconstruction: dict[str, Any] | None
    temperature: float
    recipe: dict[str, Any]
    provenance: dict[str, Any]
    network: str
    input: Shape
    output: Shape
    parameters: int
    multiply_adds: int
    fixed: int
    code_size: int | None


class Looked(Answer):
    """`look`."""

    network: str
    written: list[str]
    left_out: dict[str, str]


class Anomalous(Answer):
    """`anomalies`."""

    threshold: dict[str, Any]
    rows: int
    above: int
    unreadable: int
    compared_with: int | None
    notes: Notes
    written: list[str]
    pictures: list[Row] | None


class Found(Part):
    """A picture that was found."""

    rank: int
    distance: float
    path: str


class Query(Part):
    """What was searched for, and found."""

    path: str
    error: str | None
    found: list[Found]


class Similar(Answer):
    """`similar`."""

    model: str
    measure: Literal["euclidean", "cosine"]
    approximate: bool
    pictures: int
    unreadable: list[Unreadable]
    notes: Notes
    to: str | None
    queries: list[Query]
    written: list[str]


class Group(Part):
    """Pictures that belong together."""

    group: int
    equal: int
    least_alike: float | None
    most_alike: float | None
    rows: list[int]
    paths: list[str]


class Grouped(Answer):
    """`similar --groups`."""

    model: str
    pictures: int
    unreadable: list[Unreadable]
    compared: int
    grouped: int
    groups: list[Group]
    notes: Notes
    written: list[str]


class Mapped(Answer):
    """`map`."""

    pictures: int
    unreadable: int
    points: int
    drawn: int
    method: str
    variance: list[float] | None
    perplexity: float | None
    seed: int | None
    written: list[str]


class Encoded(Answer):
    """`encode`."""

    to: str
    rows: int
    unreadable: int
    code_size: int | None
    features: int | None
    model: str
    seconds: float


class Decoded(Answer):
    """`decode`."""

    to: str
    pictures: int
    missing: int
    notes: Notes
    seconds: float


class Reconstructed(Answer):
    """`reconstruct`."""

    pictures: int
    unreadable: int
    judged: int
    judged_by: str
    mse: Estimate
    median: float | None
    worst: dict[str, Any] | None
    kept: float | None
    colour_kept: float | None
    taught: int
    training_mse: float | None
    drawn: list[dict[str, Any]]
    notes: Notes
    written: list[str]


class Step(Part):
    """A picture on the way from one to another."""

    title: str
    change: float | None


class Interpolated(Answer):
    """`interpolate`."""

    steps: list[Step]
    written: list[str]


class Finding(Part):
    """What is wrong with some pictures."""

    kind: str
    title: str
    count: int
    meaning: str
    remedy: str
    items: list[dict[str, Any]]


class Tuned(Answer):
    """`tune`."""

    trials: list[dict[str, Any]]
    best: Any
    importance: Any
    front: Any
    model: str | None
    judged_by: str | None
    metrics: dict[str, Any] | None
    default_metrics: dict[str, Any] | None
    seconds: float
    written: list[str]


class Checked(Answer):
    """`check`."""

    total: int
    pictures: int
    unreadable: list[Any]
    classes: list[dict[str, Any]]
    numbers: Any
    kept: int
    findings: list[Finding]
    notes: Notes
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


class Machine(Answer):
    """`env`, but for the version of each package."""

    python: str
    system: str
    devices: list[str]
    device: str
    threads: int
    cache: str
    formats: list[str]


class Cached(Answer):
    """`cache`."""

    cache: str
    entries: list[dict[str, Any]]
    limit: int | None
    cleared: bool
    pruned: int


class Demonstrated(Answer):
    """`demo`."""

    digits: dict[str, Any]
    few_pictures: Any
    codes: Any
    photographs: Any


class Beats(Part):
    """The parts of an error."""

    what: str
    needed: str
    came: str
    remedy: str


class Failure(Answer):
    """What any command prints to stderr instead."""

    error: Beats
    exit_code: int


_versions: dict[str, Any] = dict.fromkeys(PACKAGES, (str | None, ...))
Environment: type[BaseModel] = create_model(
    "Environment", __base__=Machine, __doc__="`env`.", **_versions
)

ANSWERS: dict[str, tuple[type[BaseModel], ...]] = {
    "train cnn": (TrainedToAnswer,),
    "train transfer": (TrainedToAnswer,),
    "train autoencoder": (TrainedAutoencoder,),
    "evaluate": (Evaluated, LearningCurve),
    "predict": (Predicted, InParts),
    "export": (Exported, Snippet),
    "report": (Reported,),
    "show": (Shown,),
    "look": (Looked,),
    "anomalies": (Anomalous,),
    "similar": (Similar, Grouped),
    "map": (Mapped,),
    "encode": (Encoded, InParts),
    "decode": (Decoded,),
    "reconstruct": (Reconstructed,),
    "interpolate": (Interpolated,),
    "check": (Checked,),
    "tune": (Tuned,),
    "plan": (Planned, PlannedAsTorch),
    "backbones": (Backbones, Backbone),
    "env": (Environment,),
    "cache": (Cached,),
    "demo": (Demonstrated,),
    "error": (Failure,),
}
"""By the command, what it may answer: one of these, as its options say."""


def schema_of(command: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what a command answers."""
    kinds = ANSWERS[command]
    whole: Any = kinds[0] if len(kinds) == 1 else kinds[0] | kinds[1]
    found = TypeAdapter(whole).json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, "title": f"foveal {command} --json, version {SCHEMA}", **_untitled(found)}


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the title that pydantic gives the whole."""
    return {name: value for name, value in schema.items() if name != "title"}
