"""Noise that an autoencoder is to undo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.learning.corruption import noisy
from support.autoencoders import blobs, learner


def test_gaussian_noise_has_the_deviation_that_was_asked_for() -> None:
    torch.manual_seed(0)
    images = torch.rand(40, 3, 20, 20)
    added = noisy(images, "gaussian", 0.3) - images
    assert added.mean().abs() < 0.005 and (added.std() - 0.3).abs() < 0.005
    flat = added.reshape(40, -1).numpy()
    assert np.abs(np.corrcoef(flat) - np.eye(40)).max() < 0.15, "pictures share their noise"


@pytest.mark.parametrize(
    ("height", "width", "side"), [(28, 28, 4), (8, 8, 1), (5, 5, 1), (14, 30, 4), (64, 48, 9)]
)
def test_masks_hide_whole_patches_of_all_channels(height: int, width: int, side: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(60, 2, height, width) + 0.5
    kept = (noisy(images, "masks", 0.4) / images).numpy()
    assert set(np.unique(kept)) == {0.0, 1.0}
    np.testing.assert_array_equal(kept[:, 0], kept[:, 1])
    cells = kept[:, 0, ::side, ::side]
    grown = np.repeat(np.repeat(cells, side, 1), side, 2)[:, :height, :width]
    np.testing.assert_array_equal(kept[:, 0], grown)
    assert abs(cells.mean() - 0.6) < 0.05
    per_place = cells.mean(axis=0)
    assert per_place.min() > 0.3 and per_place.max() < 0.9, "places that are never, always hidden"


@pytest.mark.parametrize("noise", ["gaussian", "masks"])
def test_noise_follows_from_the_seed_and_leaves_pictures_alone(noise: str) -> None:
    images = torch.rand(4, 1, 9, 9)
    before, found = images.clone(), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(noisy(images, noise, 0.3))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert torch.equal(images, before)
    assert torch.equal(noisy(images, noise, 0.0), images)
    assert torch.equal(noisy(images, "none", 0.3), images)


@pytest.mark.parametrize(("noise", "level"), [("gaussian", 0.8), ("masks", 0.9)])
def test_noise_changes_what_is_learned(noise: str, level: float) -> None:
    X = blobs()
    plain, other = learner().fit(X), learner(noise=noise, noise_level=level).fit(X)
    assert plain.model_.digest() != other.model_.digest()
    assert plain.history_[0]["loss"] != other.history_[0]["loss"]
