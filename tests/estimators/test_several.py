"""Classifiers learn several labels by themselves, where these are given so."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score

import foveal
from foveal import CNNClassifier, DataError, TransferClassifier
from support.models import small_model
from support.several import NAMES, named, pictures, written

NET = "conv 8 5x5 relu | maxpool 4 | flatten | dense"


def learner(**more: object) -> CNNClassifier:
    options = {"epochs": 12, "random_state": 0, "threads": 1, **more}
    return CNNClassifier(NET, **options)


def test_a_matrix_of_0_and_1_is_learned_saved_loaded_asked_and_judged(tmp_path: Path) -> None:
    X, y = pictures(400, 0)
    fitted = learner().fit(X, y)
    assert fitted.classes_.tolist() == [0, 1, 2, 3]
    fitted.save(str(tmp_path / "m.safetensors"))
    model = foveal.load(tmp_path / "m.safetensors")
    new, true = pictures(150, 1)
    answers = model.predict(new)
    np.testing.assert_array_equal(answers, fitted.predict(new))
    assert answers.shape == true.shape and answers.dtype.kind == "i"
    assert model.target.thresholds == fitted.model_.target.thresholds
    assert fitted.score(new, true) == pytest.approx(accuracy_score(true, answers))
    assert fitted.score(new, true) > 0.6
    chances = model.predict_proba(new)
    assert chances.shape == (150, 4) and not np.allclose(chances.sum(axis=1), 1)
    everything = np.concatenate([X, new]), np.concatenate([y, true])
    found = foveal.evaluate(model, *everything)
    assert found.metrics.micro_f1.low > found.baselines[0].estimate.high
    assert found.metrics.exact_match.value == pytest.approx(fitted.score(new, true))
    assert {one.measure for one in found.baselines} == {"micro F1"}
    assert "micro F1" in str(found) and "threshold" in str(found) and found._repr_html_()
    facts = json.loads(json.dumps(found.to_dict()))
    assert facts["pictures"][-1]["true"] == (";".join(map(str, np.flatnonzero(true[-1]))) or ";")
    assert fitted.model_.accuracy is None
    assert set(fitted.model_.provenance.held_out_figures) >= {"micro F1", "exact matches"}


@pytest.mark.parametrize("form", ["lists", "frame"])
def test_lists_and_frames_name_the_labels(form: str) -> None:
    X, y = pictures(200, 0)
    labels = named(y) if form == "lists" else pd.DataFrame(y, columns=NAMES)
    fitted = learner(epochs=4).fit(X, labels)
    assert fitted.classes_.tolist() == NAMES
    new, true = pictures(60, 1)
    wanted = named(true) if form == "lists" else pd.DataFrame(true, columns=NAMES)
    share = accuracy_score(true, fitted.predict(new))
    assert fitted.score(new, wanted) == fitted.score(new, true) == pytest.approx(share)


def test_a_fitted_head_learns_each_label_and_is_judged_by_cross_validation() -> None:
    X, y = pictures(200, 0, noise=20)
    fitted = TransferClassifier(small_model(side=16), random_state=0, threads=1).fit(X, named(y))
    known = fitted.model_.provenance
    assert known.judged_by == "cross-validation" and known.logistic.folds == 5
    assert known.figures["micro F1"].value > 0.8
    new, true = pictures(100, 1, noise=20)
    assert fitted.score(new, true) > 0.5
    by_layers = TransferClassifier(
        small_model(side=16), head="dense", epochs=40, random_state=0, threads=1
    )
    assert by_layers.fit(X, y).score(new, true) > 0.4


def test_a_table_says_labels_by_a_separator_or_by_columns(tmp_path: Path) -> None:
    table = written(tmp_path, 80)
    by_text = learner(epochs=1, separator="auto").fit(table)
    by_columns = learner(epochs=1).fit(table, ",".join(NAMES))
    assert by_text.classes_.tolist() == by_columns.classes_.tolist() == NAMES
    new, _ = pictures(5, 3)
    np.testing.assert_array_equal(by_text.predict_proba(new), by_columns.predict_proba(new))
    found = foveal.evaluate(by_text.model_, table, include_training=True, with_baselines=False)
    assert found.metrics.pictures == 80  # its cells are taken apart again


def test_a_picture_that_cannot_be_read_has_no_labels(tmp_path: Path) -> None:
    fitted = learner(epochs=1).fit(*pictures(60, 0))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.warns(foveal.PictureWarning):
        answers = fitted.model_.predict([str(tmp_path / "bad.png")])
    assert answers.shape == (1, 4) and np.isnan(answers).all()


def test_a_label_of_test_pictures_alone_is_never_given_and_counts_as_missed(
    tmp_path: Path,
) -> None:
    table = pd.read_csv(written(tmp_path, 120))
    table["split"] = ["train"] * 90 + ["test"] * 30
    table.loc[table.index[-3:], "label"] += ";rare"
    table.to_csv(tmp_path / "split.csv", index=False)
    fitted = learner(epochs=2, separator=";").fit(tmp_path / "split.csv")
    rare = fitted.classes_.tolist().index("rare")
    chances = fitted.predict_proba(pictures(20, 5)[0])
    assert (chances[:, rare] < 0.5).all()
    found = foveal.evaluate(fitted.model_, tmp_path / "split.csv", with_baselines=False)
    assert (found.metrics.labels[rare].pictures, found.metrics.labels[rare].called) == (3, 0)


def test_a_matrix_of_other_numbers_is_refused() -> None:
    X, y = pictures(20, 0)
    with pytest.raises(DataError, match="2 in row 0, column 1"):
        learner().fit(X, np.where(np.arange(4) == 1, 2, y))
    with pytest.raises(DataError, match="0 and 1"):
        learner().fit(X, np.where(np.arange(4) == 1, 0.5, y))


def test_scikit_learn_searches_and_cross_validates_over_several_labels() -> None:
    X, y = pictures(90, 0, noise=20)
    learning = TransferClassifier(small_model(side=16), random_state=0, threads=1)
    scores = cross_val_score(learning, X, y, cv=3, scoring="f1_micro")
    assert scores.shape == (3,) and scores.mean() > 0.8
    search = GridSearchCV(learning, {"C": [1e-6, 0.1]}, cv=3).fit(X, y)
    assert search.best_params_ == {"C": 0.1}
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))
    judged = foveal.cross_validate(learning, X, y, folds=3)
    assert len(judged.held.rows) > 80 and judged.held.figures["micro F1"].value > 0.8
