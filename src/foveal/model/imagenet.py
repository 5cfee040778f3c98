"""ImageNet's classes without any training: a backbone with the classifier it came with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foveal.backbones.catalog import DEFAULT, open_backbone
from foveal.backbones.cutting import filled
from foveal.device import choose
from foveal.errors import UsageError
from foveal.model.card import Origin
from foveal.model.fitted import FittedModel, placed
from foveal.model.freezing import freeze
from foveal.targets.classes import Classes

NAME = "imagenet"
"""What a person writes instead of a model file."""


def imagenet(
    *,
    device: str = "auto",
    threads: int | None = None,
    whole: bool = False,
    aspect: float | None = None,
) -> FittedModel:
    """Return EfficientNet-Lite0 as its authors trained it: ImageNet's 1,000 classes.

    Pictures are prepared as the authors did: the middle seven eighths of the shorter side. With
    `whole` all of a picture is seen, letterboxed: for features, since what one searches for may
    lie at an edge. With `aspect`, too, the median of width / height, pictures are as large as those
    of a transfer, see `foveal.backbones.catalog.natural_size`.

    Raises
    ------
    UsageError
        Where timm, which carries the names of the classes, is not installed.
    """
    backbone = open_backbone(DEFAULT, resize="letterbox" if whole else "crop", aspect=aspect)
    if not backbone.classes:
        raise UsageError(
            NAME,
            needed="the names of ImageNet's classes, which timm carries",
            came="a Python without timm",
            remedy="install it: pip install timm",
        )
    chosen = choose(device, threads)
    return freeze(
        backbone.plan,
        placed(filled(backbone.plan, backbone.weights), chosen),
        replace(backbone.recipe, adapts=True),
        chosen,
        target=Classes(names=np.array(backbone.classes)),
        backbone=Origin(
            name=backbone.name,
            source="package",
            sha256=backbone.sha256,
            stage=backbone.stages[-1].name,
        ),
        augmentation="none",
        flip=False,
        class_counts=[0] * len(backbone.classes),
        validation_pictures=0,
        validation_right=None,
    )
