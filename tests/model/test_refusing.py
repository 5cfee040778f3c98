"""What is not sure enough is left to a person: from which probability on, and how many."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import CNNClassifier, DataError, UsageError
from foveal.model.fitted import FittedModel
from foveal.model.held_out import HeldOutLogits
from foveal.tables import write_table
from support.models import small_autoencoder, small_model

DIGITS = load_digits()


def judged(count: int = 99) -> FittedModel:
    """Return a model that keeps the logits of so many held-out pictures, each surer."""
    logits = np.zeros((count, 3))
    logits[:, 1] = np.linspace(0.1, 5, count)
    return replace(small_model(), held_out=HeldOutLogits.of(np.arange(count), logits))


def test_at_most_the_share_asked_for_of_the_held_out_is_left() -> None:
    model = judged()
    kept = model.answering().predicted(model.held_out.logits, 1.0).max(axis=1)
    for share in (0.01, 0.05, 0.1, 0.5, 0.9):
        found = model.refusal(reject=share)
        below = (kept < found.least).sum()
        assert below <= share * (len(kept) + 1) < below + 2
        assert found.expected.value - 0.011 < below / len(kept) < found.expected.high
        assert found.held_out == 99 and found.asked == share


def test_a_threshold_from_held_out_digits_leaves_about_so_many_new_ones() -> None:
    X, y = DIGITS.images, DIGITS.target
    net = "conv 8 3x3 same | batchnorm | relu | maxpool 2 | flatten | dense"
    learner = CNNClassifier(net, epochs=4, random_state=0, threads=1, validation_share=0.4)
    model = learner.fit(X[:1000], y[:1000]).model_
    found = model.predictions(X[1000:], reject=0.2)
    refused = model.refusal(reject=0.2)
    answered = found.answered
    assert 0.08 < 1 - answered.mean() < 0.35
    right = found.target.labels(found.predicted) == y[1000:]
    assert right[answered].mean() > right.mean() > right[~answered].mean()
    labels = model.predict(X[1000:], least_probability=refused.least)
    assert [one is None for one in labels] == (~answered).tolist()
    assert (labels[answered] == y[1000:][answered]).mean() > right.mean()


def test_rows_that_are_left_to_a_person_keep_what_the_model_would_have_said(
    tmp_path: Path,
) -> None:
    model = small_model(channels=3, side=8)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    pictures = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    sure = model.predict_proba(pictures).max(axis=1)
    least = float(np.sort(sure)[3])
    found = model.predictions(pictures, least_probability=least)
    assert found.columns[:5] == ["path", "label", "probability", "answered", "error"]
    rows = list(found.rows())
    assert len(rows) == 6 and sum(row[3] for row in rows) == 3
    for row, one in zip(rows, sure.tolist(), strict=True):
        assert row[2] == one and row[3] == (one >= least) == (row[1] is not None)
        assert max(row[7:]) == one
    assert found.labels.tolist().count(None) == found.left.sum() == 3
    assert "answered" not in model.predictions(pictures).columns
    (broken,) = model.predictions(tmp_path / "broken.png", least_probability=0.0).rows()
    assert broken[1:4] == [None, None, None] and broken[4]
    write_table(tmp_path / "t.parquet", found.columns, [found.rows()])


def test_a_share_needs_held_out_pictures_and_enough_of_them() -> None:
    with pytest.raises(UsageError, match="held-out pictures"):
        small_model().refusal(reject=0.1)
    with pytest.raises(DataError, match="at least 199 held-out pictures"):
        judged().refusal(reject=0.005)
    assert small_model().refusal(least_probability=0.9).expected is None
    assert small_model().refusal() is None


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan"), "0.1"])
def test_a_share_that_is_none_is_refused(share: object) -> None:
    with pytest.raises(UsageError, match="reject"):
        judged().refusal(reject=share)


def test_both_ways_at_once_and_models_that_answer_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="one of them"):
        judged().refusal(reject=0.1, least_probability=0.9)
    with pytest.raises(UsageError, match="classifier"):
        small_autoencoder().refusal(least_probability=0.9)
