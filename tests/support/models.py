"""Small fitted models, without any training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from foveal.model.card import Coding, Provenance
from foveal.model.fitted import FittedModel
from foveal.model.normal import NormalStats
from foveal.nets.autoencoder import autoencoder
from foveal.nets.blocks import Centre, Offset
from foveal.nets.build import build
from foveal.nets.notation import read
from foveal.nets.plan import plan_network
from foveal.recipe import PictureRecipe
from foveal.targets.classes import Classes
from foveal.targets.pictures import Originals

SMALL_NET = (
    "conv 16 3x3 same | batchnorm | relu | conv 32 3x3 same relu | maxpool 4 | flatten | dense"
)


def small_model(net: str = SMALL_NET, channels: int = 1, side: int = 8) -> FittedModel:
    """Make a fitted model of a small network with random kernels, without any training."""
    plan = plan_network(read(f"{channels}x{side}x{side} | {net}"), None, 3)
    nothing = np.empty(0, dtype=np.int64)
    return FittedModel(
        plan=plan,
        network=build(plan, seed=0).eval(),
        recipe=PictureRecipe(height=side, width=side, channels=channels),
        target=Classes(names=np.array(["a", "b", "c"])),
        temperature=1.0,
        provenance=Provenance(
            foveal="0",
            torch="0",
            augmentation="none",
            flip=False,
            class_counts=[1, 1, 1],
            validation_pictures=0,
            validation_right=None,
            best_epoch=0,
            snapshot_steps=[],
        ),
        trained_on=nothing,
        chosen_on=nothing,
        snapshots=torch.empty(0),
    )


def small_autoencoder(
    code_size: int = 4,
    shape: tuple[int, int, int] = (1, 8, 8),
    *,
    encoder: str = "flatten | dense 16 relu",
    decoder: str | None = None,
    variational: bool = False,
    squashed: bool = False,
) -> FittedModel:
    """Make a fitted autoencoder with random kernels and a random mean, without any training."""
    plan = autoencoder(
        shape,
        code_size,
        encoder=encoder,
        decoder=decoder,
        variational=variational,
        squashed=squashed,
    )
    network = build(plan, seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    for child in network.children():
        if isinstance(child, Centre | Offset):
            value = child.mean if isinstance(child, Centre) else child.weight.data
            value.copy_(torch.rand(value.shape, generator=generator))
    beta = 1.0 if variational else None
    model = small_model("flatten | dense", channels=shape[0], side=1)
    channels, height, width = shape
    return replace(
        model,
        plan=plan,
        network=network,
        recipe=PictureRecipe(
            height=height, width=width, channels=channels, mean=(0.0,), std=(1.0,)
        ),
        target=Originals(),
        provenance=model.provenance.model_copy(
            update={
                "class_counts": [1],
                "coding": Coding(loss="mse", noise="none", noise_level=0.0, beta=beta),
            }
        ),
        normal=NormalStats(
            mean=np.arange(code_size, dtype=np.float64),
            whitening=np.eye(code_size),
            errors=np.linspace(0.01, 0.1, 10),
            distances=np.linspace(0.5, 1.5, 10),
        ),
    )
