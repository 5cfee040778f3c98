"""Labels, weights and paths as people give them: read where clear, else called what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foveal import CNNClassifier, DataError, TransferClassifier
from foveal.pictures.sources import gather
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
