"""Labels, weights and paths as people give them: read where clear, else called what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from foveal import CNNClassifier, DataError, TransferClassifier, list_pictures
from foveal.pictures.sources import gather
from foveal.pictures.sources.forms import column
from foveal.targets.classes import Classes
from support.models import small_model

X = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype=np.uint8)
Y = np.arange(24) % 2


def test_pictures_without_a_label_do_not_train() -> None:
    labels = [None if row < 4 else int(label) for row, label in enumerate(Y)]
    learner = TransferClassifier(small_model(), random_state=0, threads=1)
    model = learner.fit(X, labels).model_
    assert sum(model.provenance.class_counts) == 20
    assert model.classes.tolist() == [0, 1]


def test_series_of_paths_are_paths(class_folders: Path) -> None:
    pictures = gather(class_folders)
    files = pd.Series([str(file) for file in pictures.content.pictures])
    labels = pd.Series(pictures.labels, dtype="string")
    backbone = small_model(channels=3, side=8)
    learner = TransferClassifier(backbone, random_state=0, threads=1).fit(files, labels)
    assert learner.classes_.tolist() == ["above", "below"]
    assert learner.predict(files)[0] in ("above", "below")


@pytest.mark.parametrize("weights", [[1.0] * 23, [-1.0] * 24, [0.0] * 24, ["x"] * 24, [[1.0]] * 24])
def test_weights_that_are_none_are_refused(weights: object) -> None:
    with pytest.raises(DataError, match="a finite number of at least 0 for each of 24 pictures"):
        CNNClassifier(epochs=1).fit(X, Y, sample_weight=weights)


def test_a_weight_of_nothing_leaves_a_picture_out_and_the_same_for_all_changes_nothing() -> None:
    learner = CNNClassifier(epochs=2, validation_share=0, random_state=0, threads=1)
    some = np.r_[np.zeros(6), np.ones(18)]
    assert sum(learner.fit(X, Y, sample_weight=some).model_.provenance.class_counts) == 18
    weighed = learner.fit(X, Y, sample_weight=np.full(24, 7.0)).predict_proba(X)
    np.testing.assert_allclose(weighed, learner.fit(X, Y).predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("head", ["logistic", "dense"])
def test_pictures_that_weigh_more_are_answered_rather(head: str) -> None:
    same = np.repeat(X[:1], 24, axis=0) + (np.arange(24) // 12)[:, None, None].astype(np.uint8)
    noise = np.random.default_rng(1).integers(0, 3, same.shape).astype(np.uint8)
    learner = TransferClassifier(
        small_model(), head=head, epochs=20, validation_share=0, random_state=0, threads=1
    )
    for favoured in (0, 1):
        weights = np.where(favoured == Y, 20.0, 1.0)
        answered = learner.fit(same // 2 + noise, Y, sample_weight=weights).predict(same)
        assert (answered == favoured).mean() > 0.9


def test_an_accent_is_one_however_it_is_written() -> None:
    labels = np.array(["cafe\u0301", "cafe\u0301", "caf\u00e9", "tea"])[np.arange(24) % 4]
    learner = CNNClassifier(epochs=1, random_state=0, threads=1, validation_share=0)
    learner.set_params(class_weight={"cafe\u0301": 2.0})
    assert learner.fit(X, labels).classes_.tolist() == ["caf\u00e9", "tea"]
    composed = np.where(labels == "tea", "tea", "caf\u00e9")
    assert learner.score(X, labels) == learner.score(X, composed)


@pytest.mark.parametrize("name", ["", "  "])
def test_a_class_has_a_name(name: str) -> None:
    with pytest.raises(DataError, match="texts of 1 to .* None stands for a picture without"):
        CNNClassifier(epochs=1).fit(X, np.array([name, "a"])[Y])


@pytest.mark.parametrize("kind", ["Int64", "boolean", "float64", "string", "category"])
def test_columns_of_pandas_may_lack_labels(kind: str) -> None:
    whole = pd.Series(Y.astype(str) if kind in ("string", "category") else Y, dtype=kind)
    labels = whole.copy()
    labels[3] = None
    for given in (labels, labels.array, labels.to_frame()):
        found = Classes().read(column(given))
        assert found[3] is None
        assert found[[0, 1]].tolist() == whole[[0, 1]].tolist()
    learner = CNNClassifier(epochs=1, random_state=0, threads=1, validation_share=0)
    assert sum(learner.fit(X, labels).model_.provenance.class_counts) == 23
    assert learner.classes_.dtype != object


def test_learners_take_frames_and_pictures_of_pillow_alike(class_folders: Path) -> None:
    paths, labels = list_pictures(class_folders)
    pictures = []
    for path in paths:
        with Image.open(path) as opened:
            pictures.append(opened.copy())
    frame = pd.DataFrame({"path": paths, "label": labels})
    net = "conv 4 3x3 relu | globalpool | dense 2"
    answers = []
    for given in ((class_folders,), (frame,), (frame[["path"]], labels), (pictures, labels)):
        learner = CNNClassifier(net, epochs=1, random_state=0, threads=1).fit(*given)
        answers.append(learner.predict_proba(given[0]))
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])
