"""Whatever names a network can be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import foveal
from foveal.errors import DataError, NetworkError
from foveal.looking.subject import subject_of
from foveal.pictures.sources import gather
from support.models import small_autoencoder, small_model


def test_a_network_in_the_notation_is_untrained_and_follows_its_seed() -> None:
    one, other, third = (
        subject_of("1x8x8 | conv 4 3x3 | flatten | dense 2", seed=n) for n in (0, 0, 1)
    )
    weights = [next(iter(each.network.parameters())) for each in (one, other, third)]
    assert not one.trained
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_network_may_be_longer_than_any_name_of_a_file() -> None:
    text = f"1x8x8 | {' | '.join(['conv 4 3x3 same relu'] * 20)} | flatten | dense 2"
    assert len(subject_of(text).plan.layers) == 22


def test_a_stock_net_and_a_plan_are_the_same() -> None:
    assert subject_of("lenet5").plan == subject_of(foveal.plan("lenet5")).plan


def test_a_model_is_looked_at_as_it_is(tmp_path: Path) -> None:
    model = small_model()
    model.save(tmp_path / "m.safetensors")
    of_file, of_model = subject_of(tmp_path / "m.safetensors"), subject_of(model)
    assert of_file.trained
    assert of_model.network is model.network
    assert of_file.classes == tuple(map(str, model.classes))
    assert of_file.name == "m.safetensors"


def test_an_autoencoder_has_no_classes() -> None:
    assert subject_of(small_autoencoder()).classes == ()


def test_a_backbone_is_looked_at_by_its_name() -> None:
    found = subject_of("efficientnet_lite0")
    assert found.trained
    assert len(found.classes) == 1_000
    assert found.plan.layers[0].out_shape[0] == 32


def test_pictures_are_seen_as_the_model_sees_them() -> None:
    model = small_model()
    channels, height, width = model.recipe.shape
    X = np.random.default_rng(0).integers(0, 256, (3, height, width, channels), dtype=np.uint8)
    seen = subject_of(model).seen(gather(X))
    assert np.allclose(seen.inputs.numpy(), model.inputs(X), atol=1e-6)
    assert np.allclose(seen.images, X / 255, atol=1e-6)


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png"):
        subject_of(small_model()).seen(gather([bad]))


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(NetworkError):
        subject_of("efficientnet_lte0")


def test_a_network_whose_text_is_longer_than_a_file_name_is_read() -> None:
    text = f"1x4x4 | {' | '.join(['relu'] * 1_000)} | flatten | dense 2"
    assert len(subject_of(text).plan.layers) == 1_002
