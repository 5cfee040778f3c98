"""What a file tells of itself, in its own metadata."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from foveal.exporting.format import Facts
from foveal.exporting.program import Half, Program
from foveal.model import predictions
from foveal.model.fitted import FittedModel
from foveal.results import plain
from foveal.version import __version__


def facts_of(
    model: FittedModel, program: Program, half: Half | None, *, raw: bool, int8: bool
) -> Facts:
    """Return what a file tells of itself, by name: text, and all else as JSON.

    Returns
    -------
    mapping of str to str
        ``foveal`` (version), ``model_sha256``, ``task``, ``half``, ``raw``, ``int8``, ``names`` (of
        the answers, in order), ``kept`` (further numbers of the target, which the graph holds),
        ``temperature`` (which it holds too), ``recipe``, ``provenance``, ``network``, ``input`` and
        ``output``.
    """
    told: dict[str, Any] = {
        "half": half,
        "raw": raw,
        "int8": int8,
        "names": names_of(model),
        "kept": dict(model.target.kept),
        "temperature": model.temperature,
        "recipe": asdict(model.recipe),
        "provenance": model.provenance.model_dump(mode="json", by_alias=True),
        "input": asdict(program.input),
        "output": asdict(program.output),
    }
    words = {
        "foveal": __version__,
        "model_sha256": model.digest(),
        "task": model.task,
        "network": model.plan.text,
    }
    return words | {name: json.dumps(plain(value)) for name, value in told.items()}


def names_of(model: FittedModel) -> list[Any]:
    """Return what the numbers of an answer are called; none of those of an autoencoder."""
    return [] if model.autoencodes else predictions.names_of(model.answering())
