"""What a file is to hold, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveal import UsageError
from foveal.exporting.program import program_of
from foveal.model.fitted import FittedModel
from foveal.recipe import PictureRecipe
from support.models import small_autoencoder, small_model

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def answers(model: FittedModel, given: np.ndarray, **options: object) -> np.ndarray:
    with torch.inference_mode():
        return program_of(model, **options).module(torch.from_numpy(given)).numpy()


def test_a_program_of_a_classifier_gives_probabilities(model: FittedModel) -> None:
    warm = replace(model, temperature=2.5)
    assert np.allclose(answers(warm, PIXELS), warm.predict_proba(PIXELS), atol=1e-6)
    assert not np.allclose(answers(model, PIXELS), warm.predict_proba(PIXELS), atol=1e-3)


def test_the_halves_of_an_autoencoder_are_those_of_the_model() -> None:
    coder = small_autoencoder(shape=(3, 8, 8), variational=True)
    codes = coder.encode(PIXELS)
    assert np.allclose(answers(coder, PIXELS, half="encoder"), codes, atol=1e-5)
    assert np.allclose(answers(coder, codes, half="decoder"), coder.decode(codes), atol=1e-6)
    assert np.allclose(answers(coder, PIXELS), coder.decode(codes), atol=1e-6)


def test_values_of_another_range_go_in_as_they_taught() -> None:
    model = small_model("flatten | dense")
    recipe = replace(model.recipe, low=-1.0, high=3.0, mean=(0.3,), std=(0.2,))
    floats = replace(model, recipe=recipe)
    program = program_of(floats)
    assert program.input.dtype == "float32" and program.input.shape == ("n", 8, 8, 1)
    X = np.random.default_rng(1).uniform(-1, 3, (4, 8, 8))
    found = answers(floats, X[..., None].astype(np.float32))
    assert np.allclose(found, floats.predict_proba(X), atol=1e-6)


def test_a_program_leaves_its_model_alone(model: FittedModel) -> None:
    before = model.digest()
    program = program_of(model)
    next(iter(program.module.parameters())).data.zero_()
    assert model.digest() == before


def test_half_of_a_classifier_is_refused(model: FittedModel) -> None:
    with pytest.raises(UsageError, match="the model: needed an autoencoder, got a classifier"):
        program_of(model, "encoder")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"half": "decoder", "raw": True}, "got the decoder, which takes codes"),
        ({"raw": True}, "a network of 1 or 3 channels, as decoders give, got 2"),
    ],
)
def test_resizing_within_is_refused_where_no_decoded_picture_goes_in(
    options: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        program_of(small_autoencoder(shape=(2, 8, 8)), **options)


def test_a_grey_network_takes_colours_and_mixes_them_as_the_decoder_does() -> None:
    model = small_model("flatten | dense")
    model = replace(model, recipe=PictureRecipe(height=8, width=8, channels=1))
    greys = np.asarray([[[[77]]]], dtype=np.uint8) * np.ones((1, 8, 8, 3), dtype=np.uint8)
    assert np.allclose(answers(model, greys, raw=True), answers(model, greys[..., :1]), atol=1e-7)
