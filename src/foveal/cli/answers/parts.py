"""What answers of several commands have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

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
