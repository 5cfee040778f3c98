"""Regressors: they share what classifiers take, learn numbers, and answer with intervals."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.model_selection import cross_val_score

import foveal
from foveal import CNNClassifier, CNNRegressor, DataError, TransferClassifier, TransferRegressor
from foveal.errors import UsageError
from foveal.estimators.cnn import LEARNERS as SCRATCH
from foveal.estimators.learner import of_target
from foveal.learning.option_groups import options_of
from foveal.learning.options import Labels
from support.models import small_model

NET = "conv 4 3x3 relu | flatten | dense"


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise of some brightness, which is what is to be told, from 60 to 200."""
    generator = np.random.default_rng(seed)
    light = generator.uniform(60, 200, count)
    noise = generator.normal(0, 15, (count, 8, 8))
    return np.clip(light[:, None, None] + noise, 0, 255).astype(np.uint8), light


def learner(**options: object) -> CNNRegressor:
    return CNNRegressor(NET, **{"epochs": 15, "random_state": 0, "threads": 1, **options})


@pytest.mark.parametrize(
    ("regressor", "classifier"),
    [(CNNRegressor, CNNClassifier), (TransferRegressor, TransferClassifier)],
)
def test_they_take_what_classifiers_take_but_for_labels(regressor: type, classifier: type) -> None:
    own, other = (inspect.signature(one.__init__).parameters for one in (regressor, classifier))
    of_labels = {one.name for one in options_of((Labels,))}
    assert "class_weight" in of_labels
    assert set(other) - set(own) == of_labels and set(own) < set(other)
    assert all(own[name].default == other[name].default for name in own if name != "self")
    options = {one.name for one in options_of(regressor.groups)}
    assert set(own) - {"self", "random_state", "verbose"} == options
    assert is_regressor(regressor()) and clone(regressor(epochs=3)).epochs == 3
    with pytest.raises(TypeError, match="label_smoothing"):
        regressor(label_smoothing=0.1)


def test_numbers_are_learned_saved_and_answered_with_intervals(tmp_path) -> None:
    X, y = drawn(160, 0)
    fitted = learner().fit(X, np.where(np.arange(160) < 3, np.nan, y))
    new, true = drawn(200, 1)
    assert fitted.score(new, true) > 0.9
    made, ends = fitted.predict(new), fitted.predict_interval(new)
    held = np.mean((ends[:, 0] <= true) & (true <= ends[:, 1]))
    assert 0.75 < held < 0.99 and np.all(ends[:, 0] < made) and np.all(made < ends[:, 1])
    fitted.save(str(tmp_path / "m.safetensors"))
    model = foveal.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(model.predict(new), made)
    assert model.provenance.figures == fitted.model_.provenance.figures
    found = foveal.evaluate(model, new, true).metrics
    assert found.mean_absolute_error.value == pytest.approx(np.abs(made - true).mean())
    assert found.coverage.value == pytest.approx(held)


def test_a_ridge_head_is_fitted_on_features_and_judged_in_folds() -> None:
    X, y = drawn(120, 0)
    fitted = TransferRegressor(small_model(), random_state=0, threads=1).fit(X, y)
    known = fitted.model_.provenance
    assert known.judged_by == "cross-validation" and known.ridge.folds == 5
    assert known.logistic is None and known.validation_right is None
    new, true = drawn(60, 1)
    assert fitted.score(new, true) > 0.9
    dense = TransferRegressor(small_model(), head="dense", epochs=40, random_state=0, threads=1)
    assert dense.fit(X, y).score(new, true) > 0.5 and dense.model_.provenance.ridge is None


@pytest.mark.parametrize("head", ["logistic", "ridge"])
def test_a_head_of_the_other_kind_is_refused(head: str) -> None:
    X, y = drawn(30, 0)
    kind = TransferRegressor if head == "logistic" else TransferClassifier
    with pytest.raises(UsageError, match=f"head: needed layers in the notation, .*got {head}"):
        kind(small_model(), head=head).fit(X, y if head == "logistic" else y > 100)


@pytest.mark.parametrize(
    ("shift", "scale"), [(0.0, 1e30), (1.6e9, 1.0), (0.0, 1e-9)], ids=["huge", "dates", "tiny"]
)
def test_numbers_of_any_range_are_learned(shift: float, scale: float) -> None:
    X, y = drawn(160, 0)
    new, true = drawn(80, 1)
    fitted = learner().fit(X, shift + scale * y)
    plain = learner().fit(X, y).predict(new)
    np.testing.assert_allclose(fitted.predict(new), shift + scale * plain, rtol=1e-4)
    assert fitted.score(new, shift + scale * true) > 0.9


def test_a_single_huge_number_does_not_spoil_the_others() -> None:
    X, y = drawn(160, 0)
    wrong = y.copy()
    wrong[5] = 1e30
    new, true = drawn(80, 1)
    assert learner().fit(X, wrong).score(new, true) > 0.8


def test_a_constant_and_labels_that_are_none_are_refused() -> None:
    X, _ = drawn(20, 0)
    with pytest.raises(DataError, match="whose numbers differ"):
        learner().fit(X, np.full(20, 4.0))
    with pytest.raises(DataError, match="no number: 'cat'"):
        learner().fit(X, ["cat", "dog"] * 10)
    with pytest.raises(ValueError, match="infinity"):
        learner().fit(X, np.full(20, np.inf))


def test_a_classifier_refuses_what_is_plainly_measured(tmp_path) -> None:
    X, y = drawn(40, 0)
    lines = [f"{at}.png,{value:.3f}" for at, value in enumerate(y)]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["path,label", *lines, "x.png,unknown"]), encoding="utf-8")
    with pytest.raises(DataError, match=r"40 different numbers in 41 pictures.*CNNRegressor"):
        CNNClassifier(NET, epochs=1).fit(table)
    tenths = [f"{at / 10:.1f}" for at in range(5, 45)] * 2  # ages, each of them twice
    with pytest.raises(DataError, match=r"36 different numbers in 80 pictures"):
        CNNClassifier(NET, epochs=1).fit(np.concatenate([X, X]), tenths)
    quarters = np.round(y / 200 * 4) / 4  # few numbers, each often: they may name classes
    assert len(CNNClassifier(NET, epochs=1, threads=1).fit(X, quarters.astype(str)).classes_) < 6


def test_scikit_learn_scores_them() -> None:
    X, y = drawn(90, 0)
    assert cross_val_score(learner(), X, y, cv=3).mean() > 0.8


def test_options_of_classes_are_refused_for_numbers() -> None:
    with pytest.raises(UsageError, match="label_smoothing: needed an option of learning numbers"):
        of_target(SCRATCH, "numbers", {"label_smoothing": 0.2})
    made = of_target(SCRATCH, "numbers", {"label_smoothing": 0.05, "epochs": 2, "random_state": 1})
    assert isinstance(made, CNNRegressor) and (made.epochs, made.random_state) == (2, 1)


def test_whole_trainings_judge_numbers_by_folds() -> None:
    X, y = drawn(60, 0)
    found = foveal.cross_validate(learner(epochs=8), X, y, folds=3)
    assert found.accuracy is None and found.metrics.pictures == 60
    assert found.metrics.r2.value > 0.8 and found.metrics.stated == 0.9


def test_going_on_from_a_model_keeps_what_it_says_in_the_units_of_the_new_numbers() -> None:
    X, y = drawn(160, 0)
    model = learner().fit(X, y).model_
    new, _ = drawn(40, 1)
    further = learner(epochs=1, learning_rate=1e-12, weight_decay=0.0, earlier=model)
    found = further.fit(*drawn(200, 2)).model_
    assert found.target.middle != model.target.middle
    np.testing.assert_allclose(found.predict(new), model.predict(new), rtol=1e-3)
