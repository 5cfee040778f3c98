"""What a model reaches that answers only where it is sure enough."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import CNNClassifier, evaluate
from foveal.model.fitted import FittedModel

DIGITS = load_digits()
NET = "conv 8 3x3 same | batchnorm | relu | maxpool 2 | flatten | dense"


@pytest.fixture(scope="module")
def model() -> FittedModel:
    learner = CNNClassifier(NET, epochs=2, random_state=0, threads=1)
    return learner.fit(DIGITS.images[:600], DIGITS.target[:600]).model_


def test_what_is_reached_is_counted_on_the_judged_pictures(model: FittedModel) -> None:
    X, y = DIGITS.images[600:1200], DIGITS.target[600:1200]
    found = evaluate(model, X, y, reject=0.3, with_baselines=False)
    probabilities = model.predict_proba(X)[found.answers.rows]
    sure = probabilities.max(axis=1)
    here = sure >= model.refusal(reject=0.3).least
    right = probabilities.argmax(axis=1) == y[found.answers.rows]
    reached = found.refusing
    assert reached.answered == here.sum()
    assert reached.share.value == pytest.approx(here.mean())
    assert reached.accuracy.value == pytest.approx(right[here].mean())
    assert reached.accuracy.low < right[here].mean() < reached.accuracy.high
    told = str(found)
    assert reached.accuracy.percent() in told and "left to a person" in told
    assert not any("these very pictures" in note for note in found.notes)
    assert reached.answered == found.to_dict()["refusing"]["answered"]


def test_without_a_threshold_the_surest_are_told(model: FittedModel) -> None:
    found = evaluate(model, DIGITS.images[600:900], DIGITS.target[600:900], with_baselines=False)
    assert found.refusing is None and re.search(r"surest 9\d %", str(found))
    shares = [one.share for one in found.answered]
    assert shares == sorted(shares) and shares[-1] == 1
    assert found.answered[-1].accuracy == found.metrics.accuracy


def test_a_threshold_set_on_the_judged_pictures_is_said(model: FittedModel) -> None:
    X, y = DIGITS.images[:600], DIGITS.target[:600]
    model.chosen_on.sort()
    found = evaluate(model, X, y, reject=0.3, with_baselines=False)
    assert found.judged_by == "validation"
    assert any("these very pictures" in note for note in found.notes)
    assert np.isclose(found.refusing.share.value, 0.7, atol=0.03)
