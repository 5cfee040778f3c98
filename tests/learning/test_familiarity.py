"""Pictures unlike all training pictures are told, by models as they come out of training."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import CNNClassifier, TransferClassifier, evaluate
from foveal.model.fitted import FittedModel
from foveal.pictures.hashing import content_hashes

DIGITS = load_digits()
IMAGES = np.rint(DIGITS.images * (255 / 16)).astype(np.uint8)
COMMON = {"random_state": 0, "threads": 1}


def new_to(model: FittedModel) -> np.ndarray:
    known = np.concatenate([model.trained_on, model.chosen_on])
    return IMAGES[~np.isin(content_hashes(IMAGES[..., None]), known)]


@pytest.fixture(scope="module")
def digits() -> CNNClassifier:
    return CNNClassifier(epochs=4, test_share=0.4, **COMMON).fit(IMAGES, DIGITS.target)


def test_inverted_and_blank_digits_are_unfamiliar_and_others_are_not(digits: CNNClassifier) -> None:
    tests = new_to(digits.model_)
    assert (digits.unfamiliarity(tests) > 1).mean() < 0.03
    assert (digits.unfamiliarity(255 - tests) > 1).mean() > 0.97
    blank = np.stack([np.full((8, 8), value, np.uint8) for value in (0, 128, 255)])
    assert (digits.unfamiliarity(blank) > 1).all()


def test_an_evaluation_says_how_many_are_unfamiliar(digits: CNNClassifier) -> None:
    model = digits.model_
    found = evaluate(model, IMAGES, DIGITS.target, with_baselines=False).unfamiliar
    assert found is not None and found.pictures == len(new_to(model))
    called = model.unfamiliarity(new_to(model)) > 1
    assert found.share.value == pytest.approx(called.mean())
    strange = evaluate(model, 255 - IMAGES[:50], DIGITS.target[:50], with_baselines=False)
    assert strange.unfamiliar is not None and strange.unfamiliar.share.value > 0.9
    taught = evaluate(
        model, IMAGES, DIGITS.target, include_training=True, with_baselines=False
    ).unfamiliar
    assert taught == found  # what taught is as familiar as can be, and says nothing


def test_fixed_kernels_are_held_against_all_that_taught_the_head(digits: CNNClassifier) -> None:
    learner = TransferClassifier(digits.model_, test_share=0.4, **COMMON)
    model = learner.fit(IMAGES, DIGITS.target % 2).model_
    assert model.familiar is not None
    assert set(model.familiar.kept) == {"features"}
    assert len(model.familiar.scores) == len(model.trained_on)
    assert (learner.unfamiliarity(new_to(model)) > 1).mean() < 0.03
    kept = evaluate(model, new_to(model), np.zeros(len(new_to(model))), with_baselines=False)
    assert kept.unfamiliar is not None and kept.unfamiliar.share.value < 0.03


def test_a_taught_head_is_held_against_those_that_chose_its_weights(digits: CNNClassifier) -> None:
    options = {"head": "dense 16 relu", "epochs": 2}
    learner = TransferClassifier(digits.model_, **options, **COMMON)
    model = learner.fit(IMAGES[:400], DIGITS.target[:400]).model_
    assert model.familiar is not None
    assert len(model.familiar.scores) == len(model.chosen_on)


def test_without_held_out_pictures_pixels_alone_are_compared() -> None:
    options = {"net": "conv 4 3x3 relu | flatten | dense", "epochs": 1, "validation_share": 0.0}
    rows = np.random.default_rng(0).permutation(len(IMAGES))[:400]  # writers come in turn
    model = CNNClassifier(**options, **COMMON).fit(IMAGES[rows], DIGITS.target[rows]).model_
    tests = new_to(model)
    assert model.familiar is not None and set(model.familiar.kept) == {"pixels", "statistics"}
    assert (model.unfamiliarity(255 - tests) > 1).mean() > 0.9
    assert (model.unfamiliarity(tests) > 1).mean() < 0.05


def test_a_handful_of_pictures_tells_nothing() -> None:
    model = CNNClassifier(epochs=1, **COMMON).fit(IMAGES[:30], DIGITS.target[:30] % 2).model_
    assert model.familiar is None and np.isnan(model.unfamiliarity(IMAGES[:4])).all()
