"""Several labels a picture as a kind of target: read, taught, answered and judged."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import accuracy_score
from torch import nn
from torch.nn import functional as F

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.targets.kinds import labelled_of
from foveal.targets.several import MOST_LABELS, SeveralLabels
from foveal.training.steps import Batch

ABC = SeveralLabels(
    names=np.array(["a", "b", "c"]), thresholds=(0.5, 0.2, 0.8), chosen=(False, True, True)
)


def labelled(labels: Any, **more: Any) -> Pictures:
    """Make pictures under labels as a target reads them, or as a table has them."""
    target = SeveralLabels(**more)
    texts = all(one is None or isinstance(one, str | int) for one in labels)
    found = np.array(labels, dtype=object) if texts else target.read(labels)
    return Pictures.of_array(np.zeros((len(found), 4, 4, 1), np.uint8)).labelled(found)


def test_texts_lists_and_columns_say_the_same() -> None:
    there = [[True, False], [True, True], [False, False]]
    for labels in (["a", "a;b", ";"], [["a"], ["b", "a"], []], [{"a"}, {"a", "b"}, set()]):
        pictures = labelled(labels)
        target = SeveralLabels().learned(pictures)
        assert target.names.tolist() == ["a", "b"]
        answers = target.answers(pictures)
        assert answers.values_n.tolist() == there and answers.known.all()
    columns = labelled([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    numbered = SeveralLabels().learned(columns)
    assert numbered.names.tolist() == [0, 1, 2]  # also the one that none bears
    assert numbered.answers(columns).values_n[:, :2].tolist() == there
    assert ABC.answers(columns).values_n[:, :2].tolist() == there  # by their places


def test_a_missing_row_and_one_of_unknown_labels_say_why() -> None:
    pictures = labelled(["a", None, ";", "a;z"])
    answers = ABC.answers(pictures)
    assert answers.known.tolist() == [True, False, True, False]
    assert answers.reasons[3] == "label z is unknown to the model"
    (note,) = ABC.unknown([pictures.labels[3]])
    assert note == "1 picture left out: of a label that the model does not know, z (1)"


@pytest.mark.parametrize(
    ("labels", "came"),
    [
        ([";", ";"], "pictures without any label"),
        ([None, None], "no picture with labels"),
        ([[f"{row}"] for row in range(MOST_LABELS + 1)] + [[]], "1,001: 0, 1, 10 and 998 more"),
        ([["a", "b\n"], ["a"]], re.escape("'b\\n'")),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(labels: Any, came: str) -> None:
    with pytest.raises(DataError, match=came):
        SeveralLabels().learned(labelled(labels))


def test_training_pictures_must_differ_in_some_label() -> None:
    with pytest.raises(DataError, match="2 pictures that bear the same"):
        ABC.check_enough(np.array([[1, 0, 0], [1, 0, 0]], bool), np.arange(2), str)
    ABC.check_enough(np.array([[1, 0, 0], [0, 0, 0]], bool), np.arange(2), str)


def test_what_is_never_or_always_there_and_how_it_was_read_is_said() -> None:
    pictures = labelled(["a;b", "a;b;b", "a"])
    target = SeveralLabels().learned(pictures)
    values = target.answers(pictures).values_n
    assert target.remarks(values) == (
        "labels are separated by ';'",
        "1 picture bears a label twice: it counts once",
        "every training picture bears a: given to every picture",
    )
    (never,) = ABC.remarks(np.array([[1, 1, 0], [0, 0, 0]], bool))
    assert never == "no training picture bears c: never given to any picture"


def test_the_same_picture_under_other_labels_teaches_nothing() -> None:
    values = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]], bool)
    found = ABC.contradicted(np.array([7, 7, 9, 9]), values, np.array([0, 1, 2]))
    assert set(found) == {0, 1}
    assert found[0].startswith("the same picture bears other labels too, a;b: write all labels")


def test_the_kind_is_chosen_by_how_labels_are_given() -> None:
    asked = {"label_smoothing": 0.0, "class_weight": None, "separator": None}
    for labels, task in (
        (["a", "b"], "classification"),
        ([["a"], ["a", "b"]], "labels"),
        (np.eye(2), "labels"),
        (None, "classification"),
    ):
        assert labelled_of("classification", labels, **asked).task == task
    assert labelled_of("classification", ["a"], **{**asked, "separator": ";"}).task == "labels"


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, "balanced", {"b": 3.0}])
@pytest.mark.parametrize("of_rows", [False, True])
def test_the_loss_is_the_cross_entropy_of_each_label(
    smoothing: float, weight: Any, of_rows: bool
) -> None:
    generator = np.random.default_rng(0)
    values = generator.random((40, 3)) < (0.5, 0.3, 0.1)
    target = SeveralLabels(names=ABC.names, label_smoothing=smoothing, class_weight=weight)
    logits, there = torch.randn(8, 3), torch.from_numpy(target.scaled(values[:8]))
    weights = torch.rand(8) if of_rows else None

    class Some(Batch):
        images_nchw, values_n, weights_n = logits, there, weights

    found = target.loss(values, "cpu")(nn.Identity(), Some())
    usual = values.mean(axis=0)
    wanted = (1 - smoothing) * values[:8] + smoothing * usual
    chances = expit(logits.double().numpy())
    each = -(wanted * np.log(chances) + (1 - wanted) * np.log(1 - chances))
    if weight == "balanced":
        each = each * np.where(values[:8], 0.5 / usual, 0.5 / (1 - usual))
    elif weight is not None:
        each = each * [1, 3, 1]
    rows = np.ones(8) if weights is None else weights.double().numpy()
    assert found.minimised.item() == pytest.approx((rows * each.mean(axis=1)).mean(), rel=1e-5)
    plain = F.binary_cross_entropy_with_logits(logits, there).item()
    assert found.told.item() == pytest.approx(plain, rel=1e-6)


def test_answers_are_given_above_thresholds_and_written_the_surest_first() -> None:
    predicted = np.array([[0.4, 0.3, 0.9], [0.5, 0.1, 0.8], [np.nan] * 3])
    assert ABC.given(predicted[:2]).tolist() == [[False, True, True], [False] * 3]
    assert ABC.labels(predicted[:2]).tolist() == [[0, 1, 1], [0, 0, 0]]
    labels = ABC.labels(predicted)
    assert labels[0].tolist() == [0, 1, 1] and np.isnan(labels[2]).all()
    assert ABC.written(predicted[0], 2) == ("c, b", "90.0, 30.0 %", "a 40.0 %")
    assert ABC.written(predicted[1]) == ("none", "", "")
    assert ABC.columns() == (["labels"], ["p:a", "p:b", "p:c"])
    assert [first for first, _ in ABC.cells(predicted[:2])] == [["b;c"], [";"]]
    assert ABC.verdict(predicted[0], [1, 1, 0]) == ("a, b", "missed: a", "too much: c")
    np.testing.assert_allclose(ABC.sureness(predicted[:2]), [0.3, 0.2])
    (row,) = ABC.judged_rows(predicted[:1], np.array([[1, 1, 0]]))
    assert row[:2] == ["a;b", "b;c"]
    assert row[2] == pytest.approx(-np.log([0.4, 0.3, 0.1]).mean())


def test_labels_that_hold_the_usual_separator_are_joined_by_another() -> None:
    assert SeveralLabels(names=np.array(["a;b", "c"])).joined(np.array([True, True])) == "a;b|c"


def test_the_score_is_the_share_of_pictures_all_of_whose_labels_are_right() -> None:
    generator = np.random.default_rng(0)
    true, said = (generator.integers(0, 2, (50, 3)) for _ in range(2))
    said[:20] = true[:20]
    weights = generator.random(50)
    for sample_weight in (None, weights):
        oracle = accuracy_score(true, said, sample_weight=sample_weight)
        assert ABC.score(true, said, sample_weight) == pytest.approx(oracle)
    names = [[ABC.names[at] for at in np.flatnonzero(row)] for row in true]
    assert ABC.score(names, said, weights) == pytest.approx(oracle)
    odd = [*names[:49], ["z"]]  # a label that it does not know is missed
    assert ABC.score(odd, np.vstack([said[:49], [0, 0, 0]]), None) < 1


def test_held_out_pictures_choose_thresholds_which_a_model_file_keeps() -> None:
    generator = np.random.default_rng(0)
    there = generator.random((300, 3)) < (0.5, 0.3, 0.01)
    logits = 2 * there - 1.0 + generator.normal(size=(300, 3))
    target = SeveralLabels(names=ABC.names).calibrated(logits, there, there)
    assert target.chosen == (True, True, False) and target.thresholds[2] == 0.5
    again = SeveralLabels.restored(["a", "b", "c"], target.kept)
    assert again.thresholds == target.thresholds and again.chosen == target.chosen
    figures = target.held_out_figures(logits, there, 1.0)
    assert list(figures) == ["micro F1", "macro F1", "mean average precision", "exact matches"]
    assert figures["micro F1"].value > 0.7
    nothing = SeveralLabels(names=ABC.names).calibrated(
        np.empty((0, 3)), np.empty((0, 3), bool), there
    )
    assert nothing.thresholds == (0.5,) * 3 and not any(nothing.chosen)


def test_what_no_training_picture_bears_or_each_is_given_to_none_or_to_all() -> None:
    generator = np.random.default_rng(1)
    there = generator.random((60, 3)) < 0.5
    taught = np.column_stack([np.zeros(9, bool), np.ones(9, bool), np.arange(9) % 2 == 0])
    target = SeveralLabels(names=ABC.names).calibrated(20 * (there - 0.5), there, taught)
    assert target.thresholds[:2] == (1.0, 0.0) and all(target.chosen)
    said = target.predicted(np.array([[99.0, -99.0, 9.0], [99.0, -9.0, -9.0]]), 1.0)
    assert (said > target.cuts).tolist() == [[False, True, True], [False, True, False]]


@pytest.mark.parametrize(
    ("names", "kept"),
    [([], {}), (["a"], {"1": 0.5}), (["a"], {"0": 1.5}), (["a"], {"mean": 0.5})],
)
def test_a_card_of_other_names_and_numbers_is_refused(names: list[str], kept: Any) -> None:
    with pytest.raises(ValueError, match="do not belong to labels"):
        SeveralLabels.restored(names, kept)


def test_a_thousand_labels_are_judged_and_told_of_in_few_lines() -> None:
    generator = np.random.default_rng(0)
    target = SeveralLabels(names=np.array([f"label {at}" for at in range(MOST_LABELS)]))
    there = generator.random((60, MOST_LABELS)) < 0.02
    metrics = target.metrics(np.where(there, 0.6, 0.1), there, 1.0)
    lines = target.details(metrics)
    assert len(lines) < 60 and max(map(len, lines)) < 160
    assert any("of 1,000 labels" in line for line in lines)
    assert metrics.micro_f1.value == 1 and len(metrics.labels) == MOST_LABELS
    assert len(target.strata(there)) == 60
