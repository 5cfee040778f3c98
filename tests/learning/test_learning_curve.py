"""Learning curves: fewer pictures teach, others judge, and what more would bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsRestClassifier

from foveal import CNNClassifier, DataError, TransferClassifier, UsageError, learning_curve
from foveal.evaluation.intervals import Estimate
from foveal.judging import curve_points as room
from foveal.judging import head_curve
from foveal.judging.forecast import forecast
from foveal.learning import network_curve
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.targets.kinds import KINDS
from foveal.training import config as configs
from support.measures import Measures
from support.models import small_model

DIGITS = load_digits()
X = np.rint(DIGITS.images * 255 / 16).astype(np.uint8)
y = DIGITS.target
BACKBONE = "conv 8 3x3 same relu | maxpool 4 | flatten | dense"


def transfer(classes: int) -> FittedModel:
    """Fit a head for the first digits."""
    rows = np.flatnonzero(y < classes)[: 20 * classes]
    learner = TransferClassifier(small_model(BACKBONE), C=0.1, random_state=0, threads=1)
    return learner.fit(X[rows], y[rows]).model_


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return transfer(10)


def test_accuracy_rises_with_the_pictures_that_teach() -> None:
    few = y < 3
    curve = learning_curve(transfer(3), X[few][:150], y[few][:150])
    sizes = [one.pictures for one in curve.points]
    assert sizes == sorted(sizes) and len(sizes) == 6 and sizes[-1] == 120
    assert curve.judged == 150 and len(curve.classes) == 3
    shares = [one.accuracy.value for one in curve.points]
    assert shares[-1] > shares[0] and max(np.diff(shares)) > 0
    for one in curve.points:
        assert one.accuracy.low < one.accuracy.value < one.accuracy.high
        weighed = sum(
            share * recall.value
            for share, recall in zip(curve.shares, one.recalls, strict=True)
            if share
        )
        assert weighed == pytest.approx(one.accuracy.value)
    rows = list(curve.rows())
    assert all(len(row) == len(curve.columns) for row in rows)
    assert curve.to_dict()["verdict"] == curve.forecast.verdict


def test_what_is_forecast_comes_true(model: FittedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 250 digits the accuracy after twice as many is foretold; 750 digits say what it is."""
    monkeypatch.setattr(head_curve, "ROUNDS", replace(head_curve.ROUNDS, deals=2))
    told = learning_curve(model, X[:250], y[:250]).forecast
    there = learning_curve(model, X[:750], y[:750])
    sizes = [one.pictures for one in there.points]
    true = float(np.interp(500, sizes, [one.accuracy.value for one in there.points]))
    assert told.pictures == 500
    assert told.share.low - 0.01 < true < told.share.high + 0.01
    assert told.verdict != "no" and told.gain.value > 0.005


def test_a_picture_is_judged_by_heads_that_no_copy_of_it_taught() -> None:
    """Labels say nothing: a head that was taught by the twin would know it by heart."""
    few = X[y < 2][:60]
    labels = np.random.default_rng(0).integers(0, 2, 60)
    twice = np.concatenate([few, few]), np.concatenate([labels, labels])
    curve = learning_curve(transfer(2), *twice)
    last = curve.points[-1].accuracy
    assert last.low < 0.5 < last.high and curve.forecast.verdict != "yes"


def test_a_lawful_fall_is_forecast_and_a_flat_one_is_not() -> None:
    draws = np.random.default_rng(0)
    sizes = np.array([40.0, 80, 160, 320, 640, 1280])
    luck = draws.random(1600)
    falling = np.stack([luck > 4 * size**-0.5 / 2 for size in sizes]).astype(float)
    found = forecast(sizes, falling, np.arange(1600), 0.8, 1600, 0)
    true = 2 * 1600**-0.5 - 2 * 3200**-0.5
    assert found.gain.low < true < found.gain.high and found.verdict == "yes"
    flat = np.tile(luck > 0.1, (6, 1)).astype(float)
    assert forecast(sizes, flat, np.arange(1600), 0.8, 1600, 0).verdict == "no"


def test_few_answers_that_are_all_right_do_not_prove_that_no_error_is_left() -> None:
    sizes = np.array([10.0, 20, 40, 80])
    found = forecast(sizes, np.ones((4, 50)), np.arange(50), 1.0, 100, 0)
    assert 0.9 < found.share.low < 0.98 and found.share.high > 0.99


def test_units_that_belong_together_widen_the_interval() -> None:
    right = np.stack(
        [np.random.default_rng(1).random(200) > 2 * s**-0.5 for s in (20, 40, 80, 160)]
    )
    sizes = np.array([20.0, 40, 80, 160])

    def width(units: np.ndarray, worth: float) -> float:
        found: Estimate = forecast(sizes, right.astype(float), units, worth, 200, 0).share
        return found.high - found.low

    alone = width(np.arange(200), 1.0)
    assert width(np.arange(200), 0.4) > 1.2 * alone


def test_a_transfer_of_which_more_was_trained_is_refused() -> None:
    learner = TransferClassifier(
        small_model(BACKBONE), head="dense", epochs=1, random_state=0, threads=1
    )
    model = learner.fit(X[:60], y[:60]).model_
    with pytest.raises(UsageError, match="foveal train transfer"):
        learning_curve(model, X[:200], y[:200])


def test_a_network_from_scratch_is_trained_anew_at_every_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bright pictures differ from dark ones: many pictures tell them apart, few by luck alone."""
    few = np.flatnonzero(y < 2)[:200]
    net = "conv 4 3x3 same | batchnorm | relu | flatten | dense"
    learner = CNNClassifier(net, epochs=6, augmentation="none", random_state=0, threads=1)
    model = learner.fit(X[few], y[few]).model_
    before = model.digest()
    done: list[tuple[int, int]] = []
    curve = learning_curve(model, X[few], y[few], fitting=lambda *one: done.append(one))
    assert done == [(at + 1, 10) for at in range(10)]
    assert curve.judged == 80 and [one.pictures for one in curve.points][-1] == 160
    assert curve.points[-1].accuracy.value > 0.9
    assert any("a training of its own" in note for note in curve.notes)
    assert model.digest() == before
    shuffled = np.random.default_rng(0).permutation(y[few])
    last = learning_curve(model, X[few], shuffled).points[-1].accuracy
    assert last.low < 0.5 < last.high


def test_a_smaller_set_is_taught_as_its_size_asks_for() -> None:
    few = np.flatnonzero(y < 2)[:200]
    learner = CNNClassifier("flatten | dense", random_state=0, threads=1, schedule="cosine")
    model = learner.fit(X[few], y[few]).model_
    config = model.provenance.config
    assert config is not None
    networks = network_curve._Networks(model, config, None, None)  # type: ignore[arg-type]
    same = networks._descent(len(model.trained_on))
    assert same.learning_rate == config.learning_rate and same.schedule == "cosine"
    assert same.epochs == configs.epochs_for(len(model.trained_on), config.batch_size)
    fewer = networks._descent(20)
    assert fewer.epochs == configs.epochs_for(20, 16) and fewer.batch_size == 16


def test_of_several_labels_a_curve_tells_exact_matches_and_the_recall_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Labels: is the digit odd; is it above 4. The truth of both at once is counted by hand."""
    monkeypatch.setattr(head_curve, "ROUNDS", replace(head_curve.ROUNDS, deals=2))
    there = np.stack([y % 2, y > 4], axis=1)[:300]
    learner = TransferClassifier(small_model(BACKBONE), C=0.1, random_state=0, threads=1)
    model = learner.fit(X[:300], there).model_
    curve = learning_curve(model, X[:300], there)
    assert curve.measure == "exact matches" and curve.noun == ("label", "labels")
    assert curve.shares == pytest.approx(tuple(there[:300].mean(axis=0)), abs=0.02)
    last = curve.points[-1]
    judged = cross_val_predict(
        OneVsRestClassifier(LogisticRegression(max_iter=1_000)),
        X[:300].reshape(300, -1) / 255,
        there,
    )
    assert last.accuracy.value == pytest.approx((judged == there).all(axis=1).mean(), abs=0.25)
    for at, recall in enumerate(last.recalls):
        assert recall.value > last.accuracy.value - 0.1
        assert recall.value > there[:, at].mean()
    assert "exact matches" in str(curve) and "recall of the labels" in str(curve)
    assert any("one half" in note for note in curve.notes)
    single = [one.recalls[0].value for one in curve.points]
    assert single[-1] > single[0]


def test_too_few_pictures_of_a_class_are_refused(model: FittedModel) -> None:
    with pytest.raises(DataError, match="at least 10 of each class"):
        learning_curve(model, X[:60], y[:60])


def test_of_many_pictures_some_are_looked_at_and_a_test_part_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "MOST", 100)
    few = np.flatnonzero(y < 2)
    parts = np.where(np.arange(len(few)) % 3 == 0, "test", "")
    pictures = replace(gather(X[few]).labelled(y[few]), parts=parts)
    curve = learning_curve(transfer(2), pictures)
    assert curve.judged <= 100 and any("evenly spaced" in note for note in curve.notes)
    assert any("test part" in note for note in curve.notes)
    total = int((parts == "").sum())
    assert any(f"100 of {total} pictures" in note for note in curve.notes)


def test_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, Measures.task, Measures)
    model = replace(small_model(), target=Measures())
    with pytest.raises(UsageError, match="right or wrong"):
        learning_curve(model, X[:20], y[:20].astype(float))
