"""A network that is looked at: trained or not, of one's own or not, with what it sees by.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array
from foveal.backbones.catalog import open_backbone
from foveal.backbones.cutting import filled
from foveal.backbones.weights import PACKAGES
from foveal.device import Device, choose
from foveal.errors import DataError, UsageError
from foveal.model.fitted import FittedModel, fitted_of, placed
from foveal.model.imagenet import NAME, imagenet
from foveal.model.loading import load
from foveal.nets.build import build
from foveal.nets.plan import Plan, plan
from foveal.nets.tracing import Traced, trace
from foveal.pictures.batches import normalised
from foveal.pictures.collection import Pictures
from foveal.pictures.preparing import batches
from foveal.pictures.scaling import scaling
from foveal.pictures.tensors import as_tensor
from foveal.recipe import PictureRecipe
from foveal.targets.labelled import Labelled

ENDING = ".safetensors"
AT_ONCE = 32
"""Pictures that go through a network at once, all that passes through its layers kept."""
LARGEST = 1e30
"""Size of a number above which sums and squares of such numbers may be none."""


PROBED = 16
"""Pictures of which it is tried whether they can be read, before any look."""


class NothingToSee(UsageError):
    """Raised where a look does not apply to a network, such as kernels where it has none."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Seen:
    """Pictures as a network sees them."""

    names: Sequence[str]
    """How each is named."""
    images: Array
    """(n, h, w, c), float32, black = 0 and white = 1."""
    inputs: torch.Tensor
    """(n, c, h, w), float32, normalised: what the first layer takes, on the subject's device."""


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Subject:
    """A network that is looked at."""

    name: str
    """How a figure names it."""
    plan: Plan
    """What it is, layer by layer."""
    network: nn.Sequential
    """The network, in evaluation mode, on its device."""
    recipe: PictureRecipe
    """How pictures become its input."""
    device: Device
    trained: bool
    """False for weights as they were drawn, before any training."""
    classes: tuple[str, ...] = ()
    """What its outputs stand for, in order; empty where that is not known, or they are none."""
    temperature: float = 1.0
    """Divides the logits before the softmax."""
    snapshots: Array = field(default_factory=lambda: np.empty((0, 0, 0, 0, 0), np.float32))
    """First-layer kernels over the epochs, (times, kernels, c, h, w); may be empty."""
    model: FittedModel | None = None
    """The model, where it is one."""

    @property
    def exclusive(self) -> bool:
        """Whether one of its classes excludes all others; not of several labels a picture."""
        target = None if self.model is None else self.model.target
        return target.exclusive if isinstance(target, Labelled) else True

    def __repr__(self) -> str:
        return f"Subject({self.name!r}, {'trained' if self.trained else 'untrained'})"

    def seen(self, pictures: Pictures) -> Seen:
        """Prepare a few pictures as the network sees them.

        Raises
        ------
        DataError
            Where one of them cannot be read.
        """
        recipe = pictures.content.suited(self.recipe)
        by = scaling(pictures, recipe)
        images, inputs = [], []
        for start, raw, reasons in batches(pictures, recipe, self.device.threads, AT_ONCE):
            for row, reason in enumerate(reasons, start):
                if reason:
                    raise DataError(
                        str(pictures.names[row])[:200],
                        needed="a picture that can be read",
                        came=reason,
                        remedy="name another",
                    )
            values = as_tensor(raw)
            images.append(normalised(values, by.unit).permute(0, 2, 3, 1).numpy())
            inputs.append(normalised(values, by))
        if not images:
            raise DataError(
                "pictures", needed="at least 1", came="none", remedy="name a picture to look at"
            )
        return Seen(
            names=[str(one) for one in pictures.names],
            images=np.ascontiguousarray(np.concatenate(images)),
            inputs=torch.cat(inputs).to(self.device.name, self.device.dtype),
        )

    def without_unreadable(self, pictures: Pictures) -> tuple[Pictures, dict[str, str]]:
        """Leave out those of the first pictures that cannot be read, where others can.

        Looks show the first pictures; those that go through all of them pass over the rest.

        Returns
        -------
        Pictures, dict
            The pictures; and of each that is left out its name and why.
        """
        some = pictures.take(range(min(PROBED, len(pictures))))
        recipe = some.content.suited(self.recipe)
        reasons = [
            reason
            for _, _, found in batches(some, recipe, self.device.threads, AT_ONCE)
            for reason in found
        ]
        bad = {row for row, reason in enumerate(reasons) if reason}
        if not bad or len(bad) == len(pictures):
            return pictures, {}
        kept = pictures.take([row for row in range(len(pictures)) if row not in bad])
        return kept, {str(pictures.names[row]): reasons[row] for row in sorted(bad)}

    def traced(
        self, inputs_nchw: torch.Tensor, numbers: Sequence[str]
    ) -> tuple[torch.Tensor, dict[str, Traced]]:
        """Run pictures that are seen; keep what passes through layers. No gradients are kept.

        Raises
        ------
        NothingToSee
            Where that is no numbers, or what the network answers is none.
        """
        with self.device.at_work(), torch.inference_mode():
            outputs, passed = trace(self.network, self.plan, inputs_nchw, numbers)
            check_numbers(outputs, *(one.inputs for one in passed.values()))
            check_numbers(*(one.outputs for one in passed.values()))
        return outputs, dict(passed)


def check_numbers(*made: torch.Tensor) -> None:
    """Refuse what a network makes of pictures where it overflows.

    Raises
    ------
    NothingToSee
        For NaN and infinity, and for numbers so large that their sums are.
    """
    if not all(bool((one.abs() <= LARGEST).all()) for one in made):
        raise no_numbers()


def no_numbers() -> NothingToSee:
    """Return what is raised of a network that gives no numbers."""
    return NothingToSee(
        "the look",
        needed="a network that gives numbers",
        came="NaN, infinity, or numbers without measure",
        remedy="train it again, at a smaller learning rate",
    )


def subject_of(
    what: Any, *, seed: int = 0, device: str = "auto", threads: int | None = None
) -> Subject:
    """Return what is to be looked at.

    Parameters
    ----------
    what : FittedModel, learner that was fitted, Plan, path or str
        A model; or, as text, a model file, "imagenet", a backbone of the catalogue, a stock net,
        or a network in the notation. Plans and networks in the notation are not trained: they
        have weights drawn by `seed`.
    seed : int
        Of the weights of an untrained network.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it is to run; a model stays where it is.
    threads : int, optional
        Threads on the processor.

    Raises
    ------
    NetworkError, ModelFileError, UsageError
        Where there is no such network.
    """
    if isinstance(what, Subject):
        return what
    if isinstance(what, Plan):
        return _untrained(what, seed, choose(device, threads))
    if not isinstance(what, str | Path):
        return _of_model(fitted_of(what))
    text = str(what)
    if text.endswith(ENDING) or os.path.isfile(text):  # noqa: PTH113  Path raises for long names
        return _of_model(load(Path(text), device=device, threads=threads), Path(text).name)
    if text == NAME:
        return _of_model(imagenet(device=device, threads=threads, whole=True), text)
    if text in PACKAGES:
        return _of_backbone(text, choose(device, threads))
    return _untrained(plan(text), seed, choose(device, threads))


def _of_model(model: FittedModel, name: str = "") -> Subject:
    return Subject(
        name=name or repr(model),
        plan=model.plan,
        network=model.network,
        recipe=model.recipe,
        device=model.device,
        trained=True,
        classes=tuple(map(str, model.classes.tolist())),
        temperature=model.temperature,
        snapshots=model.snapshots.numpy(),
        model=model,
    )


def _of_backbone(name: str, device: Device) -> Subject:
    backbone = open_backbone(name)
    return Subject(
        name=name,
        plan=backbone.plan,
        network=placed(filled(backbone.plan, backbone.weights), device),
        recipe=backbone.recipe,
        device=device,
        trained=True,
        classes=backbone.classes,
    )


def _untrained(planned: Plan, seed: int, device: Device) -> Subject:
    channels, height, width = planned.input
    return Subject(
        name=planned.name or planned.text,
        plan=planned,
        network=placed(build(planned, seed=seed), device),
        recipe=PictureRecipe(height=height, width=width, channels=channels, adapts=True),
        device=device,
        trained=False,
    )
