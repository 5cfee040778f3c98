"""Small backbones of one's own, transfers from them, and pictures for both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from foveal import Run, TransferClassifier
from foveal.model.fitted import FittedModel
from foveal.nets.build import part
from support.models import small_model

DEEP_NET = (
    "conv 6 3x3 same | batchnorm | relu | conv 12 3x3 same | batchnorm | relu | maxpool 2 | "
    "globalpool | dense"
)
LAYERED = "dense 16 relu | dropout 0.3"


def backbone(channels: int = 3, side: int = 16, net: str = DEEP_NET) -> FittedModel:
    """Make a small network of one's own, with statistics that are not those of a new one."""
    model = small_model(net, channels=channels, side=side)
    generator = torch.Generator().manual_seed(0)
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1, generator=generator)
            module.running_var.uniform_(0.05, 0.5, generator=generator)
            module.num_batches_tracked.fill_(7)
    return model


def learner(network: object = None, **changes) -> TransferClassifier:
    options = {"random_state": 0, "threads": 1} | changes
    return TransferClassifier(backbone() if network is None else network, **options)


def stripes(
    count: int = 45, classes: int = 3, side: int = 16, channels: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures with a bright stripe whose height is their class."""
    generator = np.random.default_rng(0)
    y = np.arange(count) % classes
    X = generator.integers(0, 110, (count, side, side, channels), dtype=np.uint8)
    for picture, code in zip(X, y, strict=True):
        top = side // classes * code
        picture[top : top + side // classes, : side // (code + 1)] += 100
    return X, np.array(["low", "middle", "top", "upper"])[y]


def in_folders(root: Path, X: np.ndarray, y: np.ndarray) -> Path:
    for index, (pixels, label) in enumerate(zip(X, y, strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.squeeze()).save(root / str(label) / f"{index:03d}.png")
    return root


def heard(fitted: TransferClassifier, X: object, y: object = None, kind: type = object) -> list:
    """Fit, and give the events of a kind."""
    told: list = []
    fitted.fit(X, y, run=Run(listeners=[told.append]))
    return [event for event in told if isinstance(event, kind)]


def fixed_state(model: FittedModel) -> dict[str, torch.Tensor]:
    return part(model.network, model.plan, 0, model.plan.fixed).state_dict()
