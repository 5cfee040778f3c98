"""What the commands answer that tell of a model."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from foveal.cli.answers.parts import Answer, Estimate, Notes, Part, Row, Shape


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

    measure: str
    noun: list[str]
    classes: Any
    judged: Any
    shares: list[float]
    points: list[dict[str, Any]]
    forecast: Any
    by_class: Any
    verdict: Any
    notes: Notes
    written: list[str]


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
