"""Fits in several threads of one process learn what they learn one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed

from foveal import Autoencoder, CNNClassifier, TransferClassifier
from foveal.device import Device, drawing
from support.models import small_model

NET = "conv 4 3x3 same relu | dropout 0.5 | flatten | dropout 0.3 | dense"
generator = np.random.default_rng(0)
IMAGES = generator.integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
LABELS = np.arange(60) % 2
COMMON: dict[str, Any] = {"epochs": 6, "batch_size": 8, "threads": 1}


def classifier(seed: int) -> CNNClassifier:
    return CNNClassifier(NET, augmentation="strong", random_state=seed, **COMMON)


def autoencoder(seed: int) -> Autoencoder:
    return Autoencoder(
        code_size=4,
        encoder="conv 4 3x3 same relu | dropout 0.2 | flatten",
        variational=True,
        noise="gaussian",
        random_state=seed,
        **COMMON,
    )


def transfer(seed: int) -> TransferClassifier:
    backbone = small_model("conv 4 3x3 same relu | maxpool 2 | flatten | dense", side=8)
    head = "dense 16 relu | dropout 0.5"
    return TransferClassifier(backbone, cut="2", head=head, random_state=seed, **COMMON)


def weights(make: Any, seed: int) -> list[torch.Tensor]:
    return list(make(seed).fit(IMAGES, LABELS).model_.network.state_dict().values())


@pytest.mark.parametrize("make", [classifier, autoencoder, transfer])
def test_fits_in_threads_equal_serial_ones_to_the_bit(make: Any) -> None:
    seeds = range(6)
    serial = [weights(make, seed) for seed in seeds]
    together = Parallel(n_jobs=4, backend="threading")(delayed(weights)(make, s) for s in seeds)
    for one, other in zip(serial, together, strict=True):
        assert all(map(torch.equal, one, other))
    assert not all(map(torch.equal, serial[0], serial[1]))


def test_the_callers_random_state_comes_back_whatever_threads_draw() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)

    def draw(seed: int) -> torch.Tensor:
        with Device(name="cpu", threads=1).private_randomness(seed):
            return torch.rand(1_000)

    drawn = Parallel(n_jobs=4, backend="threading")(delayed(draw)(seed) for seed in range(200))
    assert torch.equal(torch.rand(4), expected)
    with drawing(7):
        assert torch.equal(drawn[7], torch.rand(1_000))
