"""What the commands answer that tell of pictures, by a model or without one."""

from __future__ import annotations

from typing import Any, Literal

from foveal.cli.answers.parts import Answer, Estimate, Notes, Part, Row, Unreadable


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
