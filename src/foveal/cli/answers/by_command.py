"""What each command may answer, and its JSON Schema.

The tests hold every answer against these, and these against docs/commands.md. Keys may be added to
an answer; `version` is raised when one goes or comes to mean something else.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from pydantic import BaseModel, TypeAdapter

from foveal.cli.answers.machine import Cached, Environment, Failure
from foveal.cli.answers.models import (
    Evaluated,
    Exported,
    LearningCurve,
    Looked,
    Reported,
    Shown,
    Snippet,
)
from foveal.cli.answers.pictures import (
    Anomalous,
    Checked,
    Decoded,
    Encoded,
    Grouped,
    InParts,
    Interpolated,
    Mapped,
    Predicted,
    Reconstructed,
    Similar,
)
from foveal.cli.answers.training import (
    Backbone,
    Backbones,
    Demonstrated,
    Planned,
    PlannedAsTorch,
    TrainedAutoencoder,
    TrainedToAnswer,
    Tuned,
)
from foveal.cli.output import SCHEMA

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
    "anomalies": (Anomalous, InParts),
    "similar": (Similar, Grouped, InParts),
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
    whole: Any = reduce(or_, kinds)
    found = TypeAdapter(whole).json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, "title": f"foveal {command} --json, version {SCHEMA}", **_untitled(found)}


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the title that pydantic gives the whole."""
    return {name: value for name, value in schema.items() if name != "title"}
