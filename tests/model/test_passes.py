"""What a model is given, and what its layers make of it, agree with what it answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from foveal.errors import PictureWarning, UsageError
from support.models import small_model


def pictures(model) -> np.ndarray:
    channels, height, width = model.recipe.shape
    shape = (5, height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_the_network_makes_the_models_logits_of_its_inputs() -> None:
    model = small_model()
    X = pictures(model)
    with torch.inference_mode():
        logits = model.network(torch.from_numpy(model.inputs(X))).numpy()
    assert np.allclose(logits, model.logits(X), atol=1e-5)


def test_the_last_layer_makes_the_models_logits() -> None:
    model = small_model()
    X = pictures(model)
    assert np.allclose(model.activations(X, len(model.plan.layers)), model.logits(X), atol=1e-5)


def test_every_layer_gives_the_shape_of_the_plan() -> None:
    model = small_model()
    X = pictures(model)
    for layer in model.plan.walk():
        assert model.activations(X, layer.number).shape == (len(X), *layer.out_shape)


def test_a_file_that_cannot_be_read_has_no_numbers_and_keeps_its_row(tmp_path: Path) -> None:
    model = small_model()
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(pictures(model)[0].squeeze()).save(good)
    bad.write_bytes(b"no picture")
    for ask in (model.inputs, lambda given: model.activations(given, 1)):
        with pytest.warns(PictureWarning, match="left out"):
            values = ask([bad, good])
        assert np.isnan(values[0]).all()
        assert np.isfinite(values[1]).all()


def test_a_layer_that_is_none_is_refused() -> None:
    model = small_model()
    with pytest.raises(UsageError, match="number of the plan"):
        model.activations(pictures(model), 99)
