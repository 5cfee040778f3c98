"""A transfer from features that lie in parts: the network that made them, no picture at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foveal.backbones.catalog import DEFAULT, Backbone, Stage, of_model, open_backbone
from foveal.bulk.source import PartFeatures, at_hand
from foveal.device import Device
from foveal.errors import DataError, UsageError
from foveal.inference.features import Features
from foveal.learning.context import FitContext
from foveal.learning.heads import ON_MAPS, head_layers
from foveal.learning.option_groups import sides_of
from foveal.learning.part_features import features_of_parts
from foveal.learning.transfer import Transfer
from foveal.learning.transfer_config import TransferConfig
from foveal.model.codes_file import model_of
from foveal.model.fitted import FittedModel
from foveal.model.imagenet import NAME
from foveal.model.opening import load
from foveal.pictures.collection import Pictures
from foveal.pictures.units import NO_PAIRS
from foveal.progress.events import passing
from foveal.recipe import PictureRecipe
from foveal.shapes import volume, written
from foveal.wording import counted

NOT_SOUGHT = (
    "near copies were not looked for: the pictures are not where the parts name them; name what "
    "belongs together (`groups`)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """The network that made the features of parts, as a backbone that is cut where they are."""

    backbone: Backbone
    stage: Stage
    recipe: PictureRecipe
    """How it saw the pictures."""


@dataclass(frozen=True, slots=True)
class AsFeaturesOfParts:
    """Opens the features that parts hold; see `foveal.learning.opening.Opening`."""

    parts: PartFeatures
    encoded_by: PictureRecipe
    float16: bool
    context: FitContext

    def recipe(self, pictures: Pictures) -> PictureRecipe:
        """Return how the network that made them saw the pictures."""
        return self.encoded_by

    def store(self, pictures: Pictures, recipe: PictureRecipe) -> Features:
        """Lay them out in the cache, or find them there."""
        progress = passing(self.context.run.tell, f"the features in {self.parts.title}")
        return features_of_parts(self.parts, float16=self.float16, progress=progress)


def from_parts(
    pictures: Pictures, features: PartFeatures, config: TransferConfig, context: FitContext
) -> tuple[Transfer, AsFeaturesOfParts, Pictures]:
    """Return a transfer from parts, what opens their features, and the pictures to prepare.

    Raises
    ------
    UsageError
        For what takes the pictures themselves, and for a backbone that cannot have encoded.
    DataError
        For parts that another model encoded.
    """
    _check_options(config)
    encoder = _encoder(features, config, context.device)
    _check_size(config, encoder.recipe)
    transfer = Transfer(encoder.backbone, encoder.stage, config, context)
    if volume(transfer.cut.shape) != features.width:
        raise DataError(
            features.title,
            needed=f"features {written(transfer.cut.shape)}, as the network has them there",
            came=counted(features.width, "feature"),
            remedy="encode the pictures again, or name them",
        )

    opening = AsFeaturesOfParts(features, encoder.recipe, config.start.float16, context)
    if pictures.near is None and not at_hand(pictures):
        pictures = replace(pictures, near=NO_PAIRS).noted([NOT_SOUGHT])
    return transfer, opening, pictures


def _encoder(features: PartFeatures, config: TransferConfig, device: Device) -> Encoder:
    """Open the network that is named, where it is the one that encoded."""
    named = config.start.backbone
    own = str(named) in (DEFAULT, NAME)
    model = _model(NAME if own else named, device)
    digest, whose = model.digest(), model_of(features.parts.schema_arrow.metadata or {})
    if digest != whose:
        raise DataError(
            features.title,
            needed=f"features by the `backbone`, {_called(named)} ({digest[:12]}...)",
            came=f"those of another model ({(whose or 'none')[:12]}...)",
            remedy="name the model that encoded them as the `backbone`, or encode the pictures by "
            "this one",
        )
    if own:
        backbone = open_backbone(DEFAULT, resize=model.recipe.resize)
    else:
        layers = len(model.plan.layers) - 1
        backbone = of_model(
            _called(named), model.plan, model.network, model.recipe, sha256=digest, end=layers
        )
    recipe = replace(model.recipe, adapts=True)  # as every transfer takes arrays of any size
    return Encoder(backbone=backbone, stage=backbone.stages[-1], recipe=recipe)


def _model(named: Any, device: Device) -> FittedModel:
    if isinstance(named, FittedModel):
        return named
    if str(named) != NAME and not str(named).endswith(".safetensors"):
        raise UsageError(
            "backbone",
            needed=f"what encoded the parts: {DEFAULT}, as 'imagenet', or a model file",
            came=str(named),
            remedy="name the model that encoded them, or the pictures",
        )
    return load(named, whole=True, device=device.name, threads=device.threads)


def _called(named: Any) -> str:
    return "a fitted model" if isinstance(named, FittedModel) else Path(named).name


def _check_options(config: TransferConfig) -> None:
    """Refuse what takes the pictures themselves."""
    for name, value, why in _of_pictures(config):
        raise UsageError(
            name,
            needed=f"pictures: {why}",
            came="parts of their features",
            remedy=f"leave `{name}` out ({value}), or name the pictures",
        )


def _of_pictures(config: TransferConfig) -> Iterator[tuple[str, Any, str]]:
    """Yield options that were asked for and take pictures: name, value, what they are for."""
    start, views = config.start, config.views
    layers = head_layers(start.head)
    asked = {
        "fine_tune_epochs": (start.fine_tune_epochs, "layers of the network are taught by them"),
        "cut": (start.cut, "features were taken where the network was cut"),
        "head": (
            start.head if isinstance(layers[0], ON_MAPS) else None,
            "such layers take maps, not features",
        ),
        "views": (views.views if views.views > 1 else None, "they are varied"),
        "weights": (start.weights, "they go through the network"),
        "download": (start.download, "they go through the network"),
        "engine": (start.engine, "they go through the network"),
        "earlier": (config.earlier and "a model", "its held-out ones are known by their pixels"),
    }
    yield from ((name, value, why) for name, (value, why) in asked.items() if value)


def _check_size(config: TransferConfig, recipe: PictureRecipe) -> None:
    """Refuse another size than that of the pictures that were encoded."""
    sides, resize = sides_of(config.views.size), config.views.resize
    there = (recipe.height, recipe.width)
    if sides in (None, there) and resize in (None, recipe.resize):
        return
    raise UsageError(
        "size and resize",
        needed=f"those of the pictures that were encoded: {there[0]}x{there[1]}, {recipe.resize}",
        came=f"{sides or 'no size'}, {resize or 'no resize'}",
        remedy="leave them out, or name the pictures",
    )
