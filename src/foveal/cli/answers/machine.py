"""What the commands answer that tell of the machine, and what any prints for an error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, create_model

from foveal.cli.answers.parts import Answer, Part
from foveal.cli.env import PACKAGES


class Machine(Answer):
    """`env`, but for the version of each package."""

    python: str
    system: str
    devices: list[str]
    device: str
    threads: int
    cache: str
    formats: list[str]


_versions: dict[str, Any] = dict.fromkeys(PACKAGES, (str | None, ...))
Environment: type[BaseModel] = create_model(
    "Environment", __base__=Machine, __doc__="`env`.", **_versions
)


class Cached(Answer):
    """`cache`."""

    cache: str
    entries: list[dict[str, Any]]
    limit: int | None
    cleared: bool
    pruned: int


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
