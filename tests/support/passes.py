"""A small frozen network, what passes over pictures give, and the same by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from foveal.backbones.catalog import of_model
from foveal.backbones.cutting import cut
from foveal.device import Device
from foveal.inference.extracting import Extraction
from foveal.inference.features import Features
from foveal.inference.frozen import FrozenNetwork
from foveal.inference.session import Session
from foveal.nets.build import build
from foveal.nets.plan import plan
from foveal.recipe import PictureRecipe

Draw = Callable[..., np.ndarray]


NET = "3x12x16 | conv 6 3x3 same | batchnorm | relu | maxpool 2 | conv 5 3x3 relu | flatten | dense"


RECIPE = PictureRecipe(height=12, width=16, channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))


def network(seed: int = 0) -> tuple[Any, torch.nn.Sequential]:
    planned = plan(NET, classes=3)
    made = build(planned, seed=seed)
    with torch.no_grad():
        made.train()(torch.randn(8, 3, 12, 16, generator=torch.Generator().manual_seed(seed)))
    return planned, made.eval()


def cut_of(seed: int = 0, stage: str = "5", pooled: bool = True) -> FrozenNetwork:
    backbone = of_model("mine", *network(seed), RECIPE, sha256="x")
    return cut(backbone, backbone.stage(stage), pooled=pooled)


CUT = cut_of()


def extraction(**more: Any) -> Extraction:
    given = {"cut": CUT, "recipe": RECIPE, "engine": "torch", "threads": 1, **more}
    device = Device(name="cpu", threads=given.pop("threads"))
    network, recipe, engine = given.pop("cut"), given.pop("recipe"), given.pop("engine")
    return Extraction(session=Session(network, recipe, device, engine=engine), **given)


def values(found: Features, view: int = 0) -> np.ndarray:
    return found.views[view][np.arange(len(found.reasons))]


def by_hand(prepared_nhwc: np.ndarray, top: float = 255, made: FrozenNetwork = CUT) -> np.ndarray:
    """Normalise and answer in double precision."""
    unit = prepared_nhwc.astype(np.float64) / top
    scaled = (unit - np.array(RECIPE.mean)) / np.array(RECIPE.std)
    double = build(plan(made.text), seed=0).double().eval()
    double.load_state_dict(made.network.state_dict())
    with torch.no_grad():
        return double(torch.from_numpy(scaled.transpose(0, 3, 1, 2))).numpy()
