"""Where a classifier looked: which pixels of a picture speak for a class.

Axes: n picture, k class, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from foveal.arrays import Array
from foveal.errors import UsageError
from foveal.looking.attribution_methods import (
    Scored,
    gradcam,
    gradients,
    integrated_gradients,
    median_colour,
    occlusion,
    patch_of,
)
from foveal.looking.subject import NothingToSee, Subject, check_numbers
from foveal.nets.plan import Plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import Activation, BatchNorm, Conv, ConvTranspose, Dropout, Residual, Timm
from foveal.nets.tracing import planned_layer
from foveal.parameters import did_you_mean, one_of
from foveal.pictures.collection import Pictures
from foveal.shapes import volume, written

Method = Literal["gradcam", "integrated", "occlusion"]
METHODS: tuple[Method, ...] = ("gradcam", "integrated", "occlusion")
NOISE = 1e-5
"""A method whose values all stay below this share of the score found nothing but rounding."""
NO_MAPS = "needs a layer of kernels whose maps are larger than one pixel"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Attributions:
    """Where a classifier looked in some pictures, by one or more methods."""

    names: Sequence[str]
    """The pictures, (n,)."""
    images: Array
    """The pictures as the network sees them, (n, h, w, c), black = 0 and white = 1."""
    targets: Array
    """Number of the class that is asked about, (n,)."""
    labels: tuple[str, ...]
    """Its name, (n,)."""
    probabilities: Array
    """Its probability, (n,); NaN where the network answers with a number."""
    maps: dict[Method, Array]
    """What each pixel does for the class, (n, h, w), by method; negative where it speaks against.

    Of Grad-CAM the weighted sum of a layer's maps, cut at zero; of integrated gradients log odds
    of the class against all others, which add up to `differences`; of occlusion the log odds that
    are lost where a pixel is covered.
    """
    differences: Array
    """Log odds of each picture, less those of its median colour alone, (n,)."""
    layer: str
    """Number of the layer whose maps Grad-CAM takes; empty where there is none."""
    left_out: dict[Method, str]
    """Methods that do not apply, each with why."""
    patch: int
    """Side of the patches that occlusion covers, in pixels."""

    @property
    def numbers(self) -> bool:
        """Whether the network answers with a number: maps and differences are in its unit."""
        return bool(np.isnan(self.probabilities).all()) and bool(len(self.probabilities))

    @property
    def gaps(self) -> Array:
        """Log odds that integrated gradients miss, (n,); 0 where they are complete."""
        sums = self.maps["integrated"].sum(axis=(1, 2), dtype=np.float64)
        return np.asarray(np.abs(sums - self.differences))


def attributions(
    subject: Subject,
    pictures: Pictures,
    methods: Sequence[str] = METHODS,
    *,
    target: Any = None,
    layer: str | int | None = None,
) -> Attributions:
    """Find which pixels of pictures speak for a class.

    What is asked of is the log odds of the class against all others, or of one of several labels by
    itself, which still change where its probability has long reached 1. Where nothing is, a picture
    has its median colour.

    Parameters
    ----------
    subject : Subject
        A classifier.
    pictures : Pictures
        A few pictures: all are held in memory.
    methods : sequence of {"gradcam", "integrated", "occlusion"}
        See `foveal.looking.attribution_methods` for each, and its source.
    target : optional
        The class, as the network names it; that which is predicted for each where left out.
    layer : int or str, optional
        Layer whose maps Grad-CAM takes; see `last_maps`.

    Raises
    ------
    NothingToSee
        For a network without classes, or one that gives no numbers.
    UsageError
        For a class or a method that there is not, and a layer without maps.
    DataError
        Where a picture cannot be read.
    """
    chosen = [one_of("methods", one, METHODS) for one in methods]
    _check_classifies(subject)
    number = _layer_of(subject.plan, layer)
    seen = subject.seen(pictures)
    with gradients(subject):
        scored, inputs = Scored(subject), seen.inputs.clone()
        logits = _one_by_one(scored.logits, inputs)
        targets = _targets(subject, logits, target)
        score = scored.odds(logits, targets)
        empty = scored.odds(_one_by_one(scored.logits, median_colour(inputs)), targets)
        left_out = {} if number or "gradcam" not in chosen else {METHODS[0]: NO_MAPS}
        maps = {
            method: _quiet(_map_of(method, scored, inputs, targets, number), score)
            for method in chosen
            if method not in left_out
        }
    labels, chances, unit = _answers(scored, logits, targets)
    maps = {method: unit * one for method, one in maps.items()}
    return Attributions(
        names=seen.names,
        images=seen.images,
        targets=targets.cpu().numpy(),
        labels=labels,
        probabilities=chances,
        maps=maps,
        differences=unit * (score.double() - empty.double()).cpu().numpy(),
        layer=number,
        left_out=left_out,
        patch=patch_of(*inputs.shape[2:]),
    )


def _answers(
    scored: Scored, logits_nk: torch.Tensor, targets: torch.Tensor
) -> tuple[tuple[str, ...], Array, float]:
    """Return what is asked about in each picture, its probability, and the unit of a score."""
    subject = scored.subject
    if answers_numbers(subject):
        assert subject.model is not None
        target = subject.model.answering()
        made = target.predicted(logits_nk.double().cpu().numpy(), 1.0)
        unit = float(np.diff(target.predicted(np.array([[0.0], [1.0]]), 1.0)[:, 0])[0])
        return tuple(target.written(one)[0] for one in made), np.full(len(made), np.nan), unit
    names = _class_names(subject)
    labels = tuple(names[one] for one in targets.tolist())
    return labels, scored.chances(logits_nk, targets).cpu().numpy(), 1.0


def answers_numbers(subject: Subject) -> bool:
    """Whether a network is a model that answers with one number, and not with classes."""
    model = subject.model
    return model is not None and not len(model.classes) and subject.plan.output == (1,)


def _one_by_one(
    function: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor
) -> torch.Tensor:
    """Compute picture by picture, without gradients, so that memory does not grow with them."""
    with torch.no_grad():
        return torch.cat([function(inputs[row : row + 1]) for row in range(len(inputs))])


def _map_of(
    method: Method, scored: Scored, inputs: torch.Tensor, targets: torch.Tensor, number: str
) -> torch.Tensor:
    """Attribute picture by picture, so that memory does not grow with them."""
    ways: dict[Method, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
        "gradcam": lambda one, of: gradcam(scored, one, of, number),
        "integrated": lambda one, of: integrated_gradients(scored, one, of),
        "occlusion": lambda one, of: occlusion(scored, one, of),
    }
    rows = range(len(inputs))
    return torch.cat([ways[method](inputs[r : r + 1], targets[r : r + 1]).cpu() for r in rows])


def _quiet(values_nhw: torch.Tensor, score_n: torch.Tensor) -> Array:
    """Set to zero what is rounding alone."""
    found = values_nhw.float().numpy()
    limits = NOISE * (1 + score_n.abs().double().cpu().numpy())
    found[np.abs(found).max(axis=(1, 2)) < limits] = 0
    return found


def last_maps(plan: Plan) -> PlannedLayer | None:
    """Find the layer whose maps Grad-CAM takes.

    The last layer of kernels whose maps are larger than one pixel, with the normalisation and the
    activation that follow it, before anything pools or flattens them: there features are the most
    abstract that still have a place. None where there is none.
    """
    found: PlannedLayer | None = None
    open_end = False
    for layer in plan.layers:
        if isinstance(layer.layer, Conv | ConvTranspose | Residual | Timm):
            open_end = _has_places(layer)
        elif not isinstance(layer.layer, BatchNorm | Activation | Dropout):
            open_end = False
        found = layer if open_end else found
    return found


def _has_places(layer: PlannedLayer) -> bool:
    return len(layer.out_shape) == 3 and volume(layer.out_shape[1:]) > 1


def _layer_of(plan: Plan, layer: str | int | None) -> str:
    """Return the number of the layer for Grad-CAM; empty where there is none."""
    if layer is None:
        last = last_maps(plan)
        return "" if last is None else last.number
    found = planned_layer(plan, layer)
    if not _has_places(found):
        raise NothingToSee(
            f"layer {layer}",
            needed="maps larger than one pixel",
            came=written(found.out_shape),
            remedy="name a layer before maps are pooled or flattened, or leave `layer` out",
        )
    return found.number


def _class_names(subject: Subject) -> tuple[str, ...]:
    return subject.classes or tuple(map(str, range(subject.plan.output[0])))


def classifies(subject: Subject) -> bool:
    """Whether a network ends with a number for each class."""
    return not subject.plan.encoder_layers and len(subject.plan.output) == 1


def _check_classifies(subject: Subject) -> None:
    if not classifies(subject):
        raise NothingToSee(
            "the look",
            needed="a classifier",
            came=f"a network that gives {written(subject.plan.output)} numbers",
            remedy="train one, or name a network that ends with one number for each class",
        )


def _targets(subject: Subject, logits_nk: torch.Tensor, target: Any) -> torch.Tensor:
    """Return the number of the class that is asked about in each picture, (n,)."""
    check_numbers(logits_nk)
    if target is None:
        return logits_nk.argmax(dim=1)
    index = check_target(subject, target)
    return torch.full_like(logits_nk[:, 0], index, dtype=torch.int64)


def check_target(subject: Subject, target: Any) -> int:
    """Return the number of a class, as the network names it.

    Raises
    ------
    UsageError
        For a class that it does not know.
    """
    names = _class_names(subject)
    if str(target) not in names:
        raise UsageError(
            "target",
            needed=f"one of {', '.join(names[:5])}" + ", ..." * (len(names) > 5),
            came=repr(target),
            remedy=did_you_mean(str(target), names) or "choose one of the classes",
        )
    return names.index(str(target))
