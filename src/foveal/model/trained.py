"""TrainedModel: what a model is, and the file that holds all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from foveal import tensor_files
from foveal.arrays import Array, Hashes
from foveal.device import Device, choose
from foveal.errors import UsageError
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.reconstruction import Reconstruction
from foveal.html_tables import html_lines
from foveal.model.card import Provenance
from foveal.model.contents import card_of, check_finite, check_whole, checked_path, tensors_of
from foveal.model.familiar import Familiar
from foveal.model.held_out import HeldOutLogits
from foveal.model.normal import NormalStats
from foveal.nets.plan import Plan
from foveal.nets.spec import Dense
from foveal.recipe import PictureRecipe
from foveal.shapes import written
from foveal.targets.labelled import Labelled
from foveal.targets.target import Target
from foveal.vocabulary import Task
from foveal.wording import counted


@dataclass(eq=False, repr=False, slots=True, kw_only=True)
class TrainedModel:
    """A trained network with its recipe, classes and provenance, before it is asked anything."""

    plan: Plan
    """What the network is, layer by layer."""
    network: nn.Sequential
    """The network itself, a plain module in evaluation mode; gives logits."""
    recipe: PictureRecipe
    """How pictures become its input."""
    target: Target
    """What it says of a picture."""
    temperature: float
    """Divides the logits before the softmax; fitted on validation pictures."""
    provenance: Provenance
    """How the model came to be."""
    trained_on: Hashes
    """Content hashes of the training pictures."""
    chosen_on: Hashes
    """Content hashes of the validation pictures."""
    snapshots: torch.Tensor
    """First-layer kernels over the epochs, (times, kernels, channels, h, w); may be empty."""
    normal: NormalStats | None = None
    """What usual pictures are like to an autoencoder; None for classifiers."""
    held_out: HeldOutLogits | None = None
    """What judged a classifier at its training; None where nothing did, or nothing was kept."""
    familiar: Familiar | None = None
    """What a classifier keeps of its training pictures; None where it keeps nothing."""
    half: str | None = None
    """Which half of an autoencoder is loaded; None where the network is whole."""
    kept_digest: str = ""
    """Of the file, where only half of it is loaded."""
    device: Device = field(default_factory=choose)

    def __repr__(self) -> str:
        origin = self.provenance.backbone
        name = self.plan.name or (origin.name if origin else self.plan.text)
        if self.autoencodes:
            return (
                f"{type(self).__name__}(autoencoder, {written(self.recipe.shape)} pictures, "
                f"{counted(self.plan.code_size, 'number')} a code)"
            )
        count = len(self.classes)
        named = isinstance(self.target, Labelled) and count
        said = counted(count, *self.answering().noun) if named else self.task
        return f"{type(self).__name__}({name!r}, {said}, {written(self.recipe.shape)} pictures)"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the model in a line, and its plan."""
        return html_lines([repr(self)]) + self.plan._repr_html_()

    @property
    def task(self) -> Task:
        """What the model is for, such as "classification" or "reconstruction"."""
        return self.target.task

    @property
    def classes(self) -> Array:
        """The labels, in the order of the network's outputs; none where they have no names."""
        return self.target.names

    @property
    def autoencodes(self) -> bool:
        """Whether it encodes pictures and decodes them, rather than answering what they are."""
        return bool(self.plan.encoder_layers)

    @property
    def accuracy(self) -> Estimate | None:
        """Share of held-out pictures answered right at the training; None where none was held out.

        `provenance.judged_by` says which: a validation part, or each fold in turn.
        """
        return self.provenance.validation_accuracy

    @property
    def reconstruction(self) -> Reconstruction | None:
        """How an autoencoder fares on held-out pictures; None where none was held out."""
        coding = self.provenance.coding
        return None if coding is None else coding.reconstruction

    @property
    def ends_dense(self) -> bool:
        """Whether there is a dense layer at the end, before which features can be taken."""
        return isinstance(self.plan.layers[-1].layer, Dense)

    def answering(self) -> Labelled:
        """Return the target of a model that answers what pictures are.

        Raises
        ------
        UsageError
            For an autoencoder.
        """
        if isinstance(self.target, Labelled):
            return self.target
        raise UsageError(
            "the model",
            needed="a classifier",
            came="an autoencoder, which knows no classes",
            remedy="use encode, decode or anomalies; or reuse its encoder as the `backbone` "
            "of transfer learning",
        )

    def save(self, path: str | Path) -> str:
        """Write the model as one .safetensors file, whole or not at all.

        Returns
        -------
        str
            SHA-256 of the content.

        Raises
        ------
        UsageError
            For half a model, and for weights that are no finite numbers.
        """
        return tensor_files.write_tensors(checked_path(path), *self._checked())

    def digest(self) -> str:
        """Hash the model as `save` would."""
        if self.kept_digest:
            return self.kept_digest
        return tensor_files.packed(*self._content())[1]

    def packed(self) -> bytes:
        """Return the bytes that `save` would write."""
        return tensor_files.packed(*self._checked())[0]

    def _checked(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return what a file holds, where it could be loaded again."""
        check_whole(self.half)
        tensors, facts = self._content()
        check_finite(tensors)
        return tensors, facts

    def _content(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        kept = (self.normal, self.held_out, self.familiar)
        tensors = tensors_of(self.network, self.snapshots, self.trained_on, self.chosen_on, kept)
        facts = card_of(self.plan, self.recipe, self.target, self.temperature, self.provenance)
        return tensors, facts
