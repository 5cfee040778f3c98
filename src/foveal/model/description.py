"""What a model is, as a value: for a person who finds a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.evaluation.intervals import Estimate
from foveal.evaluation.reconstruction import Reconstruction
from foveal.model.card import FORMAT, Provenance
from foveal.model.fitted import FittedModel
from foveal.nets.plan import Plan
from foveal.recipe import PictureRecipe
from foveal.results import Result
from foveal.vocabulary import Task
from foveal.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile(Result):
    """The file of a model."""

    path: Path
    bytes: int
    sha256: str
    """Of all its bytes, as `sha256sum` says it."""
    format: int
    """Version of the file format."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class ModelDescription(Result):
    """What a model is, how good it was found, and how it came to be."""

    task: Task
    file: ModelFile | None
    """None for a model that is in no file of its own."""
    digest: str
    """Hash of what is in the model; tables of codes and indexes name their model by it."""
    plan: Plan
    classes: tuple[Any, ...]
    """In the order of the outputs; empty for autoencoders."""
    class_counts: tuple[int, ...]
    """Training pictures of each class."""
    training_pictures: int
    """Different pictures that taught it."""
    accuracy: Estimate | None
    """Share of held-out pictures answered right; None where none was held out."""
    reconstruction: Reconstruction | None
    """How an autoencoder fares beside PCA; None where no picture was held out."""
    temperature: float
    """Divides the logits before the softmax."""
    recipe: PictureRecipe
    provenance: Provenance

    @classmethod
    def of(cls, model: FittedModel, path: str | Path | None = None) -> ModelDescription:
        """Describe a model.

        Parameters
        ----------
        model : FittedModel
            The model.
        path : path, optional
            The file it was loaded from.
        """
        return cls(
            task=model.task,
            file=None if path is None else _file(Path(path)),
            digest=model.digest(),
            plan=model.plan,
            classes=tuple(model.classes.tolist()),
            class_counts=tuple(model.provenance.class_counts),
            training_pictures=len(set(model.trained_on.tolist())),
            accuracy=model.accuracy,
            reconstruction=model.reconstruction,
            temperature=model.temperature,
            recipe=model.recipe,
            provenance=model.provenance,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it; of the network its text and its costs."""
        facts = super(ModelDescription, self).to_dict()
        plan = facts.pop("plan")
        facts["network"] = plan.pop("network")
        costs = ("input", "output", "parameters", "multiply_adds", "fixed", "code_size")
        return {**facts, **{name: plan[name] for name in costs}}

    def __repr__(self) -> str:
        return f"ModelDescription({self.task}, {counted(self.plan.parameters, 'parameter')})"


def _file(path: Path) -> ModelFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.seek(0, 2)
    return ModelFile(path=path, bytes=size, sha256=digest, format=FORMAT)
