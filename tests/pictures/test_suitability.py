"""Values that come to a model: of its range, converted for certain, or refused with the way out."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from foveal import TransferClassifier
from foveal.errors import DataError, PictureWarning
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.pictures.suitability import suited
from foveal.recipe import PictureRecipe
from support.models import small_autoencoder, small_model

UNIT = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)) / 255
BYTES = np.rint(UNIT * 255).astype(np.uint8)
WORDS = BYTES.astype(np.uint16) * 257


def taught(low: float, high: float) -> PictureRecipe:
    return PictureRecipe(height=8, width=8, channels=1, low=low, high=high)


def in_unit(values: np.ndarray, recipe: PictureRecipe) -> np.ndarray:
    return (values.astype(float) - recipe.low) / (recipe.high - recipe.low)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (BYTES, 0, 255),
        (BYTES.astype(float), 0, 255),
        (BYTES.astype(np.int64), 0, 255),
        (BYTES.astype(np.uint16), 0, 255),
        (UNIT, 0, 1),
        (UNIT * 2 - 1, -1, 1),
        (UNIT * 16, 0, 16),
        (np.rint(UNIT * 16).astype(np.uint8), 0, 16),
        (UNIT > 0.5, 0, 1),
        ((UNIT > 0.5).astype(np.uint8), 0, 1),
        (WORDS, 0, 65535),
        (np.zeros((1, 8, 8, 1)), 0, 255),
        (np.full((1, 8, 8, 1), 3.0), 0, 255),
        (np.full((1, 8, 8, 1), np.nan), 0, 255),
        (np.empty((0, 8, 8, 1)), 0, 255),
        (UNIT * 255 * 1.2, 0, 255),
        (np.where(np.arange(1280).reshape(20, 8, 8, 1) % 200 == 0, 60000, BYTES), 0, 255),
        (np.random.default_rng(0).normal(size=(9, 8, 8, 1)), -2.5, 3.0),
    ],
)
def test_values_of_the_range_that_was_taught_are_taken_as_they_are(
    values: np.ndarray, low: float, high: float
) -> None:
    assert suited(values, taught(low, high)) == taught(low, high)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (BYTES, 0, 1),
        (BYTES, 0.02, 0.97),
        (BYTES, 0, 65535),
        (WORDS, 0, 255),
        (WORDS, 0, 1),
    ],
)
def test_what_is_certain_is_converted_and_said(values: np.ndarray, low: float, high: float) -> None:
    kind = values.dtype
    with pytest.warns(PictureWarning, match=rf"{kind} read as 0 to \d+: the model was taught"):
        found = suited(values, taught(low, high))
    white = {1: 1, 0.97: 1}.get(high, high)
    wanted = in_unit(UNIT * white, taught(low, high))
    np.testing.assert_allclose(in_unit(values, found), wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("values", "low", "high", "right"),
    [
        (UNIT, 0, 255, UNIT * 255),
        (UNIT.astype(np.float32), 0, 255, UNIT * 255),
        (UNIT * 2 - 1, 0, 255, UNIT * 255),
        (UNIT > 0.5, 0, 255, (UNIT > 0.5) * 255),
        (BYTES.astype(float), 0, 1, UNIT),
        (UNIT * 2 - 1, 0, 1, UNIT),
        (UNIT, 0, 16, UNIT * 16),
        (BYTES, 0, 16, UNIT * 16),
        (BYTES.astype(float), 0, 16, UNIT * 16),
        (np.rint(UNIT * 4095).astype(np.uint16), 0, 255, UNIT * 255),
        (UNIT * 65535, 0, 255, UNIT * 255),
        (BYTES, 0, 4095, UNIT * 4095),
        (BYTES.astype(float), -1, 1, UNIT * 2 - 1),
    ],
)
def test_what_cannot_be_its_range_is_refused_and_the_remedy_mends_it(
    values: np.ndarray, low: float, high: float, right: np.ndarray
) -> None:
    with pytest.raises(DataError, match="needed values as those that taught the model") as refused:
        suited(values, taught(low, high))
    way = re.search(r"give (\(?X.*)$", refused.value.remedy)
    assert way is not None
    mended = eval(way[1], {"X": values})
    np.testing.assert_allclose(mended, right, atol=0.004 * (high - low))
    assert suited(mended, taught(low, high)) == taught(low, high)


def test_half_of_a_signed_range_is_told() -> None:
    with pytest.warns(PictureWarning, match=r"no value is below 0.*give X \* 2 - 1"):
        assert suited(UNIT, taught(-1, 1)) == taught(-1, 1)


def asked(model: FittedModel) -> list[object]:
    """Ways to ask a model about pictures."""
    if model.autoencodes:
        return [model.encode, model.features, lambda X: list(model.comparing(X))]
    return [model.predict, model.predict_proba, model.features]


@pytest.mark.parametrize("make", [small_model, small_autoencoder])
def test_every_way_to_ask_refuses_converts_and_says(make: object) -> None:
    model = make()  # type: ignore[operator]
    for ask in asked(model):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answers = ask(BYTES)  # type: ignore[operator]
        with pytest.raises(DataError, match=r"give X \* 255"):
            ask(UNIT)  # type: ignore[operator]
        with pytest.warns(PictureWarning, match="uint16 read as 0 to 65535"):
            converted = ask(WORDS)  # type: ignore[operator]
        if isinstance(answers, np.ndarray) and answers.dtype.kind == "f":
            np.testing.assert_allclose(converted, answers, atol=1e-5)


def test_values_less_their_mean_by_their_deviation_are_refused_where_bytes_were_taught() -> None:
    bytes_taught = PictureRecipe(height=8, width=8, channels=3, low=0.0, high=255.0)
    X = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.float32)
    assert suited(X, bytes_taught) == bytes_taught
    with pytest.raises(DataError, match="Bring them to 0 to 255"):
        suited((X / 255 - 0.45) / 0.22, bytes_taught)


def test_three_planes_before_a_model_of_colours_are_not_taken_for_three_pictures() -> None:
    colour = PictureRecipe(height=6, width=6, channels=3, resize="stretch", adapts=True)
    planes = np.zeros((3, 6, 6), np.uint8)
    with pytest.raises(DataError, match=r"its 3 planes first, or 3 grey.*transpose\(1, 2, 0\)"):
        gather(planes).content.suited(colour)
    for told in (planes[..., None], planes.transpose(1, 2, 0)[None], planes[:2]):
        assert gather(told).content.suited(colour)
    grey = PictureRecipe(height=6, width=6, channels=1)
    assert gather(planes).content.suited(grey) == grey


def test_a_learner_that_was_shown_greys_takes_three_of_them() -> None:
    greys = np.random.default_rng(0).integers(0, 255, (20, 16, 16), dtype=np.uint8)
    backbone = small_model(channels=3, side=16)
    learner = TransferClassifier(backbone, random_state=0, threads=1)
    assert len(learner.fit(greys, np.arange(20) % 2).predict(greys[:3])) == 3
