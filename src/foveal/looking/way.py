"""The whole way of a picture through a network, stage by stage, to what is predicted.

Axes: n number of a vector, k class, h height, w width, c channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from foveal.arrays import Array
from foveal.looking.maps import Maps, maps_of, unactivated
from foveal.looking.stages import Stage, stages
from foveal.looking.subject import Seen, Subject
from foveal.nets.tracing import Traced
from foveal.pictures.collection import evenly
from foveal.vocabulary import Task

CLASSIFIES: Task = "classification"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StageSeen:
    """What a stage makes of the picture: maps, or a vector."""

    stage: Stage
    maps: Maps | None = None
    vector: Array | None = None
    """(n,)."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Softmax:
    """How the numbers of the last layer become probabilities."""

    names: tuple[str, ...]
    """Of the classes that are kept, the likeliest first."""
    logits: Array
    """What the network gives, divided by the temperature, (k,)."""
    exponentials: Array
    """Of the logits, the greatest of which is subtracted first, (k,)."""
    total: float
    """Sum of the exponentials of all classes."""
    classes: int
    """How many classes there are."""
    temperature: float

    @property
    def probabilities(self) -> Array:
        """Exponentials divided by their sum, (k,)."""
        found: Array = self.exponentials / self.total
        return found


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Way:
    """The whole way of one picture."""

    name: str
    """The picture."""
    image: Array
    """(h, w, c), black = 0 and white = 1."""
    stages: tuple[StageSeen, ...]
    left_out: int
    """Stages that are not kept, evenly between those that are."""
    softmax: Softmax | None
    """None where the network does not classify."""
    reconstruction: Array | None
    """(h, w, c), black = 0 and white = 1; None where the network is no autoencoder."""


def whole_way(
    subject: Subject, seen: Seen, *, most_stages: int, most_maps: int, most_classes: int
) -> Way:
    """Follow one picture through a network.

    Parameters
    ----------
    subject : Subject
        The network.
    seen : Seen
        Pictures, of which the first is followed.
    most_stages, most_maps, most_classes : int
        How many are kept: stages evenly spaced over the depth, the most active maps of each, and
        the likeliest classes.

    Returns
    -------
    Way
    """
    every = stages(subject.plan)
    kept = [every[place] for place in _kept(subject, every, most_stages)]
    inputs = seen.inputs[:1]
    outputs, passed = subject.traced(inputs, [one.last.number for one in kept])
    return Way(
        name=seen.names[0],
        image=seen.images[0],
        stages=tuple(_stage(one, passed[one.last.number], most_maps) for one in kept),
        left_out=len(every) - len(kept),
        softmax=_softmax(subject, inputs, most_classes),
        reconstruction=_reconstruction(subject, outputs),
    )


def _kept(subject: Subject, every: list[Stage], most: int) -> list[int]:
    """Choose stages, that which gives the code among them."""
    places = set(evenly(len(every), most).tolist())
    code = str(subject.plan.encoder_layers)
    return sorted(places | {at for at, one in enumerate(every) if one.last.number == code})


def _stage(stage: Stage, passed: Traced, most_maps: int) -> StageSeen:
    if len(stage.last.out_shape) == 3:
        return StageSeen(stage=stage, maps=maps_of(stage.last, passed.outputs, most_maps))
    return StageSeen(stage=stage, vector=passed.outputs[0].float().cpu().numpy())


def _softmax(subject: Subject, inputs: torch.Tensor, most: int) -> Softmax | None:
    plan, model = subject.plan, subject.model
    other = model is not None and model.task != CLASSIFIES
    if other or plan.encoder_layers or len(plan.output) != 1 or plan.output[0] < 2:
        return None
    logits = unactivated(subject, inputs, plan.layers[-1].number).astype(np.float64)
    logits = logits / subject.temperature
    exponentials = np.exp(logits - logits.max())
    likeliest = np.argsort(-logits, kind="stable")[:most]
    known = subject.classes if len(subject.classes) == len(logits) else ()
    return Softmax(
        names=tuple(known[one] if known else f"class {one}" for one in likeliest.tolist()),
        logits=logits[likeliest],
        exponentials=exponentials[likeliest],
        total=float(exponentials.sum()),
        classes=len(logits),
        temperature=subject.temperature,
    )


def _reconstruction(subject: Subject, outputs: torch.Tensor) -> Array | None:
    if not subject.plan.encoder_layers or subject.plan.output != subject.plan.input:
        return None
    found: Array = outputs[0].clamp(0, 1).permute(1, 2, 0).float().cpu().numpy()
    return found
