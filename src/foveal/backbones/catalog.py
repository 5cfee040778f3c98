"""Networks to start from: what they are, where their kernels come from, where they can be cut."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from torch import nn

from foveal.backbones import hub, weights
from foveal.backbones.weights import PACKAGES, Weights
from foveal.errors import UsageError
from foveal.inference.frozen import OWN
from foveal.nets.build import build
from foveal.nets.layer import Layer
from foveal.nets.lite import SCALES, lite_stages
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import Conv, Dense, Network
from foveal.parameters import did_you_mean
from foveal.recipe import PictureRecipe, Resize
from foveal.shapes import Shape

DEFAULT = "efficientnet_lite0"
"""The backbone that is installed with Foveal."""
IMAGENET_CLASSES = 1_000
RESIZE: Resize = "letterbox"
"""How pictures are brought to the size of a backbone: whole and undistorted (docs/tried.md)."""
KEPT = 0.875
"""Share of the shorter side that the customary centre crop keeps."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A place where a backbone can be cut."""

    name: str
    """As a person writes it for `cut`."""
    end: int
    """Layers up to and including this place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A trained network whose kernels are to be reused.

    The last stage is what reuse starts from unless another cut is asked for; layers beyond it
    (a classifier) are not reused.
    """

    name: str
    """As a person writes it for `backbone`."""
    source: Literal["package", "file", "hub", "model"]
    """Where the weights come from."""
    sha256: str
    """Of the file that held them."""
    plan: Plan
    """The whole network, repetitions written out."""
    weights: Weights
    """Its tensors, by the names of the built network."""
    recipe: PictureRecipe
    """How it wants its pictures."""
    stages: tuple[Stage, ...]
    """Where it can be cut, from the picture on."""
    classes: tuple[str, ...] = field(default=(), repr=False)
    """What its own outputs stand for, where that is known."""

    @property
    def engine_name(self) -> str:
        """Name by which its engine is chosen."""
        return OWN if self.source == "model" else self.name

    def stage(self, name: str | None) -> Stage:
        """Find a stage by name; the last where none is asked for.

        Raises
        ------
        UsageError
            For a name that is none.
        """
        found = {one.name: one for one in self.stages}
        if name is None:
            return self.stages[-1]
        if name not in found:
            raise UsageError(
                f"cut {name!r}",
                needed=f"one of {', '.join(found)}",
                came=repr(name),
                remedy=(did_you_mean(name, found) or "choose one of them")
                + (self.source != "model") * f": see 'foveal backbones {self.name}'",
            )
        return found[name]

    def shape(self, stage: Stage) -> Shape:
        """Shape of what comes out at a stage."""
        return self.plan.layers[stage.end - 1].out_shape

    def layers(self, start: int, end: int) -> tuple[Layer, ...]:
        """Layers from one place to another."""
        return tuple(one.layer for one in self.plan.layers[start:end])


def open_backbone(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    aspect: float | None = None,
    resize: Resize | None = None,
    file: str | Path | None = None,
    download: bool = False,
) -> Backbone:
    """Open a pretrained network by name.

    Parameters
    ----------
    name : str
        ``efficientnet_lite0`` (installed with Foveal), ``efficientnet_lite1`` or ``2`` (extra
        ``lite``), or any architecture of timm, with `file` or `download`.
    size : (height, width), optional
        Size of the pictures; by `natural_size` or the network's own where left out.
    aspect : float, optional
        Median of width / height of the pictures it is to see.
    resize : {"stretch", "letterbox", "crop"}, optional
        How pictures are brought to that size.
    file : path, optional
        Weights of a timm architecture in safetensors form.
    download : bool
        Whether its weights may be fetched from its hub. Nothing is ever fetched otherwise.

    Raises
    ------
    UsageError
        For an unknown name, or weights that are not there.
    DataError
        For weights that are damaged, foreign, or a pickle.
    """
    if name not in PACKAGES:
        opened = hub.open_timm(name, size=size, file=file, download=download)
        return _of_timm(opened, resize)
    if file is not None or download:
        raise UsageError(
            f"backbone {name}",
            needed="no weights: it brings its own",
            came="`weights`" if file is not None else "`download`",
            remedy=f"leave it out, or name the architecture tf_{name}, which takes any weights",
        )
    if size is None and aspect is not None and resize != "crop":
        size = natural_size(SCALES[name].side, aspect)
    return _of_package(name, size, resize)


GRAIN = 32
"""Sides are multiples of this: what the maps of a network are reduced by in all."""
FRAMES = ((7 / 6, 1.0), (1.65, 5 / 4), (math.inf, 7 / 4))
"""Aspects up to which pictures get a frame so many times as long as it is short: square, 4:3 and
3:2, wider. The limits lie between the customary aspects, so that some pictures more or less do
not change the frame, and with it all features."""


def natural_size(side: int, aspect: float) -> tuple[int, int]:
    """Return whole pictures the size at which objects are as large as in ImageNet's evaluation.

    There the shorter side becomes `side` / 0.875, and the border of the picture is cut off; here
    it has that scale and the picture is kept. Networks do better at this size than at their
    training's, whose random crops enlarge objects (Touvron et al., arXiv:1906.06423).

    Parameters
    ----------
    side : int
        Side of the network's own pictures.
    aspect : float
        Median of width / height of the pictures.

    Returns
    -------
    tuple of int
        Height and width, multiples of `GRAIN`.

    >>> natural_size(224, 4 / 3), natural_size(224, 2 / 3), natural_size(224, 1.0)
    ((256, 320), (320, 256), (256, 256))
    """
    short = round(side / KEPT / GRAIN) * GRAIN
    ratio = max(aspect, 1 / aspect)
    factor = next(factor for limit, factor in FRAMES if ratio <= limit)
    long = round(short * factor / GRAIN) * GRAIN
    return (long, short) if aspect < 1 else (short, long)


def _of_package(name: str, size: tuple[int, int] | None, resize: Resize | None) -> Backbone:
    side = SCALES[name].side
    height, width = size or (side, side)
    pieces = lite_stages(name, (3, height, width), IMAGENET_CLASSES)
    layers = tuple(layer for _, piece in pieces for layer in piece)
    plan = plan_network(Network(layers, (3, height, width)))
    state, digest = weights.packaged(name, dict(build(plan, seed=0).state_dict()))
    ends, end = [], 0
    for stage, piece in pieces[:-1]:  # the classifier is no place to cut
        end += len(piece)
        ends.append(Stage(stage, end))
    recipe = PictureRecipe(
        height=height,
        width=width,
        channels=3,
        resize=resize or RESIZE,
        kept=KEPT if resize == "crop" else 1.0,
        interpolation="bicubic",
        mean=(0.5,),
        std=(0.5,),
    )
    return Backbone(
        name=name,
        source="package",
        sha256=digest,
        plan=plan,
        weights=state,
        recipe=recipe,
        stages=tuple(ends),
        classes=hub.imagenet_labels(),
    )


def _of_timm(opened: hub.TimmNetwork, resize: Resize | None) -> Backbone:
    plan = plan_network(Network(opened.layers, opened.input))
    ends = [Stage(name, index + 1) for index, name in enumerate(opened.units)]
    recipe = opened.recipe
    if resize != "crop":
        recipe = replace(recipe, resize=resize or RESIZE, kept=1.0)
    return Backbone(
        name=opened.architecture,
        source=opened.source,
        sha256=opened.sha256,
        plan=plan,
        weights=opened.weights,
        recipe=recipe,
        stages=tuple(ends),
    )


def of_model(
    name: str,
    plan: Plan,
    network: nn.Module,
    recipe: PictureRecipe,
    *,
    sha256: str,
    end: int | None = None,
) -> Backbone:
    """Make a backbone of a network of one's own.

    Every layer is a place to cut, by its number in the plan. By default it is cut where its
    convolutional part ends, after 'flatten' or 'globalpool'; a network without convolutions
    is cut before its last dense layer.

    Parameters
    ----------
    end : int, optional
        Layers that can be reused, where that is known better.
    """
    flat = plan_network(Network(tuple(one.layer for one in plan.layers), plan.input))
    end = _own_end(flat) if end is None else end
    if end < 1:
        raise UsageError(
            f"backbone {name}",
            needed="a network with at least one layer before its last dense layer",
            came=flat.text,
            remedy="name a network with layers to reuse",
        )
    return Backbone(
        name=name,
        source="model",
        sha256=sha256,
        plan=flat,
        weights={key: value.detach().cpu() for key, value in network.state_dict().items()},
        recipe=recipe,
        stages=tuple(Stage(str(number), number) for number in range(1, end + 1)),
    )


def _own_end(plan: Plan) -> int:
    layers = [one.layer for one in plan.layers]
    dense = [index for index, layer in enumerate(layers) if isinstance(layer, Dense)]
    convolutional = any(isinstance(one.layer, Conv) for one in plan.walk())
    if not dense:
        return len(layers)
    return dense[0] if convolutional and dense[0] > 0 else dense[-1]
