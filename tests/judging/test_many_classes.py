"""Very many classes: judged exactly, in the memory of what judging needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import foveal.evaluation.baselines
import foveal.judging.evaluation
import foveal.targets.class_answers
from foveal import evaluate
from foveal.errors import UsageError
from foveal.judging.evaluation import Evaluation
from foveal.looking.mistakes import rows_of_mistakes
from foveal.model.fitted import FittedModel
from foveal.nets.build import build
from foveal.nets.notation import read
from foveal.nets.plan import plan_network
from foveal.pictures.hashing import content_hashes
from foveal.results import plain
from foveal.targets.classes import Classes
from support.models import small_model
from support.traced import traced


def classifier(classes: int) -> FittedModel:
    """A network of random weights that tells so many classes apart."""
    model = small_model("flatten | dense")
    net = read(f"1x8x8 | flatten | dense {classes}")
    model.plan = plan_network(net)
    model.network = build(model.plan, seed=0).eval()
    model.network[-1].weight.data *= 30
    model.target = Classes(names=np.array([f"class {one}" for one in range(classes)]))
    model.temperature = 1.7
    return model


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 8, 8), dtype=np.uint8)


def judged(model: FittedModel, count: int, right: int) -> Evaluation:
    """Judge pictures of ten classes; some of them are what the model calls them."""
    X = pictures(count)
    labels = [f"class {one}" for one in np.random.default_rng(0).integers(0, 10, count)]
    labels[:right] = model.predict(X[:right]).tolist()
    return evaluate(model, X, labels, with_baselines=False)


def test_what_is_kept_of_many_classes_is_judged_as_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = classifier(40)
    whole = judged(model, 300, 150)
    monkeypatch.setattr(foveal.targets.class_answers, "MANY", 30)
    monkeypatch.setattr(foveal.judging.evaluation, "LARGEST", 40 * 64)  # 64 pictures at once
    few = judged(model, 300, 150)
    assert whole.answers.predicted.shape == (300, 40) and few.answers.predicted.shape == (300, 3)
    agree(plain(few), plain(whole))
    assert [one.places.tolist() for one in rows_of_mistakes(few)] == [
        one.places.tolist() for one in rows_of_mistakes(whole)
    ]
    with pytest.raises(UsageError, match="Use predict_proba"):
        _ = few.answers.probabilities


def agree(found: Any, wanted: Any) -> None:
    """Hold nested values against one another, numbers nearly."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for name in wanted:
            agree(found[name], wanted[name])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            agree(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-6)
    else:
        assert found == wanted


def test_of_10_000_classes_memory_does_not_grow_with_pictures_times_classes() -> None:
    model, count = classifier(10_000), 2_000
    judged(model, 50, 5)  # what is imported on the way is not measured
    found, _, peak = traced(lambda: judged(model, count, 40))
    whole = (
        8 * count * 10_000
    )  # of probabilities alone; a matrix of what is called what has 5 times
    assert peak < 0.9 * whole, peak
    assert found.answers.predicted.nbytes == 8 * 3 * count
    assert found.metrics.accuracy.value == pytest.approx(40 / count, abs=2 / count)
    assert len(found.metrics.confusion.true) <= count
    assert len(found.to_dict()["metrics"]["confusion"]) <= count


def test_of_too_many_classes_no_logistic_regression_is_fitted_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foveal.evaluation.baselines, "MOST_CLASSES", 4)
    monkeypatch.setattr(foveal.judging.evaluation, "MOST_CLASSES", 4)
    model, X = classifier(5), pictures(60)
    labels = [f"class {one % 5}" for one in range(60)]
    model.trained_on = np.sort(content_hashes(X[:30, :, :, None]))
    found = evaluate(model, X, labels)
    assert [one.name for one in found.baselines] == [
        "majority class",
        "nearest neighbour on pixels",
    ]
    assert any("on at most 4 classes" in note for note in found.notes)
