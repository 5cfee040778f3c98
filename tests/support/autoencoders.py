"""Small autoencoders, and pictures for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits

from foveal import (
    Autoencoder,
    Run,
)
from foveal.model.fitted import FittedModel

DIGITS = load_digits()
ENCODER = "flatten | dense 24 relu"
STILL = 1e-30
"""A learning rate that changes no weight: what comes out is what training began with."""


def learner(**changes) -> Autoencoder:
    options = {"encoder": ENCODER, "code_size": 6, "epochs": 2, "random_state": 0, "threads": 1}
    return Autoencoder(**(options | changes))


def told(kind, X, **changes):
    heard = []
    learner(**changes).fit(X, run=Run(listeners=[heard.append]))
    return next(event for event in heard if isinstance(event, kind))


def blobs(count: int = 40, height: int = 8, width: int = 8, channels: int = 0) -> np.ndarray:
    """Grey or colour bytes: a bright spot at one of many places, on a dim ground."""
    generator = np.random.default_rng(0)
    shape = (count, height, width, channels) if channels else (count, height, width)
    X = generator.integers(0, 40, shape, dtype=np.uint8)
    for picture in X:
        row, column = generator.integers(0, height - 2), generator.integers(0, width - 2)
        picture[row : row + 3, column : column + 3] += 180
    return X


def parted(tmp_path: Path, **arrays: np.ndarray) -> Path:
    np.savez(tmp_path / "parted.npz", **arrays)
    return tmp_path / "parted.npz"


def child(model: FittedModel, kind: type) -> torch.nn.Module:
    return next(one for one in model.network.children() if isinstance(one, kind))


def through(model: FittedModel, X: np.ndarray) -> np.ndarray:
    """What the whole network gives for pictures (n, h, w) of 0 to 1, without clipping."""
    with torch.inference_mode():
        made = model.network(torch.from_numpy(X[:, None].astype(np.float32)))
    return made[:, 0].double().numpy()


def in_folder(root: Path, X: np.ndarray) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(X):
        Image.fromarray(pixels).save(root / f"{index:03d}.png")
    return root
