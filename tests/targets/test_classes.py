"""Classes as a target: labels to numbers, weights, loss, judgement, what a network ends with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, log_loss
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.class_weight import compute_class_weight

from foveal.errors import DataError, UsageError
from foveal.nets.plan import plan
from foveal.pictures.batches import Batch
from foveal.pictures.collection import Pictures
from foveal.targets.classes import UNKNOWN, Classes
from foveal.targets.labels import NO_LABEL

ABC = Classes(names=np.array(["a", "b", "c"]))


def labelled(labels: Any) -> Pictures:
    """Make pictures with these labels; no label looks at them."""
    return Pictures.of_array(np.zeros((len(labels), 1, 1, 1), np.uint8)).labelled(
        labels if isinstance(labels, np.ndarray) else np.array(labels, dtype=object)
    )


# Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["dog", "cat", "dog", "Zebra", "ant"]),
        np.array(["dog", "cat"], dtype=object),
        np.array([30, 4, 4, 100]),
        np.array([0.5, -2.0, 0.5], dtype=np.float32),
        np.array([True, False, True]),
    ],
    ids=["texts", "objects", "whole", "floats", "booleans"],
)
def test_numbers_are_those_of_scikit_learn(labels: np.ndarray) -> None:
    target = Classes().learned(labelled(labels))
    oracle = LabelEncoder().fit(labels)
    np.testing.assert_array_equal(target.names, oracle.classes_)
    assert target.names.dtype.kind == (labels.dtype.kind if labels.dtype != object else "U")
    answers = target.answers(labelled(labels))
    np.testing.assert_array_equal(answers.values_n, oracle.transform(labels))
    assert target.outputs == len(oracle.classes_) and answers.known.all()


def test_what_is_asked_for_is_kept_when_classes_are_learned() -> None:
    asked = Classes(label_smoothing=0.1, class_weight={"a": 2.0})
    target = asked.learned(labelled(["a", "b"]))
    assert target.label_smoothing == 0.1 and target.class_weight == {"a": 2.0}


def test_rows_without_a_known_class_say_why() -> None:
    answers = ABC.answers(labelled(["c", None, "A", "a"]))
    assert answers.values_n.tolist() == [2, UNKNOWN, UNKNOWN, 0]
    assert answers.reasons == ["", NO_LABEL, "class A is unknown to the model", ""]
    assert answers.known.tolist() == [True, False, False, True]


def test_labels_that_are_none_are_no_class() -> None:
    target = Classes().learned(labelled(["b", None, "a", None]))
    assert target.names.tolist() == ["a", "b"]


@pytest.mark.parametrize("names", [np.array([3, 10]), np.array(["3", "10"])])
def test_folders_name_numbers_as_texts(names: np.ndarray) -> None:
    answers = Classes(names=names).answers(labelled(["10", "3", "4"]))
    assert answers.values_n.tolist() == [1, 0, UNKNOWN]


def test_a_column_of_labels_is_read_as_a_row_of_them() -> None:
    column = labelled(np.array([["b"], ["a"], ["b"]]))
    target = Classes().learned(column)
    assert target.names.tolist() == ["a", "b"]
    assert target.answers(column).values_n.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "label",
    ["x" * 1_001, "a\nb", "cat\u200d", "\u202ecat", float("nan"), float("inf"), ("a", "b"), 1 + 2j],
)
def test_labels_that_no_model_file_could_keep_are_refused(label: object) -> None:
    labels = np.empty(2, dtype=object)
    labels[:] = ["a" if isinstance(label, str) else 0, label]
    with pytest.raises(DataError, match="printable texts of 1 to 1000 characters, or finite"):
        Classes().learned(labelled(labels))


@pytest.mark.parametrize("label", ["\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c\u062e\u0648"])
def test_labels_are_written_with_joiners_where_their_script_is(label: str) -> None:
    assert label in Classes().learned(labelled(np.array(["a", label]))).names


@pytest.mark.parametrize("labels", [["only", "only"], [None, "only"], [None, None]])
def test_fewer_than_two_classes_are_refused(labels: list[Any]) -> None:
    with pytest.raises(
        DataError, match=r"needed at least 2 classes.* got (no class|1 class: only)\. Add pictures"
    ):
        Classes().learned(labelled(labels))


def test_pictures_without_labels_are_refused() -> None:
    bare = Pictures.of_array(np.zeros((2, 1, 1, 1), np.uint8))
    with pytest.raises(DataError, match="needed labels: a folder a class, or y"):
        ABC.answers(bare)


# Enough to learn from -------------------------------------------------------------------------


def test_counts_name_every_class() -> None:
    assert ABC.counts(np.array([2, 0, 2])).tolist() == [1, 0, 2]


def test_every_class_needs_a_picture_to_train_on() -> None:
    hashes = np.arange(4)
    ABC.check_enough(np.array([0, 1, 2, 2]), hashes, str)
    said = r"got 2 classes with pictures; none to train on in b \(1 of 5 left out\)\."
    with pytest.raises(DataError, match=said):
        ABC.check_enough(np.array([0, 0, 2, 2]), hashes, lambda: " (1 of 5 left out)")
    with pytest.raises(DataError, match="got 1 class with pictures; none to train on in a, b"):
        ABC.check_enough(np.array([2, 2]), hashes[:2], str)


# Weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["balanced", {"a": 3.0, "c": 0}, {}])
def test_weights_are_those_of_scikit_learn(asked: Any) -> None:
    values = np.array([0, 0, 0, 0, 1, 2, 2])
    target = Classes(names=ABC.names, class_weight=asked)
    wanted = compute_class_weight(asked, classes=ABC.names, y=ABC.names[values])
    found = target.weights(values)
    assert found is not None and found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_without_weights_all_classes_weigh_the_same() -> None:
    assert ABC.weights(np.array([0, 0, 1, 2])) is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"d": 1.0}, "needed classes among a, b, c, got 'd'"),
        ({"a": -1.0}, "finite numbers of at least 0"),
        ({"a": float("nan")}, "finite numbers of at least 0"),
        ({"a": 0, "b": 0, "c": 0}, "not all of them 0"),
    ],
)
def test_weights_that_are_none_are_refused(asked: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Classes(names=ABC.names, class_weight=asked).weights(np.array([0, 1, 2]))


# Loss and judgement ---------------------------------------------------------------------------


def drawn(count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits that lean towards the true class, (n, 3), and the classes."""
    generator = np.random.default_rng(0)
    values = generator.integers(0, 3, count)
    logits = generator.normal(size=(count, 3))
    logits[np.arange(count), values] += 1.0
    return logits, values


@pytest.mark.parametrize("asked", [None, {"a": 3.0}])
def test_the_loss_is_cross_entropy_with_smoothed_labels_and_weighed_classes(asked: Any) -> None:
    logits, values = drawn()
    target = Classes(names=ABC.names, label_smoothing=0.3, class_weight=asked)
    loss_of = target.loss(values, "cpu")
    batch = Batch(torch.from_numpy(logits).float(), torch.from_numpy(values))
    found = loss_of(torch.nn.Identity(), batch)
    loss, right = found.minimised, found.right
    weights = np.array([3.0, 1.0, 1.0]) if asked else np.ones(3)
    wanted = np.full((30, 3), 0.3 / 3)
    wanted[np.arange(30), values] += 0.7
    losses = -(wanted * weights * log_softmax(logits, axis=1)).sum(axis=1)
    assert float(loss) == pytest.approx(losses.sum() / weights[values].sum(), rel=1e-5)
    assert right == (logits.argmax(axis=1) == values).sum()


def test_judgement_is_log_loss_and_accuracy_without_smoothing() -> None:
    logits, values = drawn()
    smoothing = Classes(names=ABC.names, label_smoothing=0.3)
    scores = smoothing.judge(torch.from_numpy(logits), values)
    shares = np.exp(log_softmax(logits, axis=1))
    assert scores.loss == pytest.approx(log_loss(values, shares), rel=1e-9)
    assert scores.accuracy == accuracy_score(values, logits.argmax(axis=1))
    assert scores.pictures == 30


def test_the_temperature_undoes_what_logits_were_multiplied_by() -> None:
    logits, values = drawn(300)
    plain = ABC.temperature(4 * logits, values)
    assert ABC.temperature(8 * logits, values) == pytest.approx(2 * plain, rel=1e-3) != 2.0


# The end of a network -------------------------------------------------------------------------


@pytest.mark.parametrize("net", ["flatten | dense 3", "flatten | dense 3 relu"])
def test_networks_end_with_plain_sums(net: str) -> None:
    ABC.check_end(plan(f"1x4x4 | {net}", classes=3))


@pytest.mark.parametrize("function", ["softmax", "sigmoid"])
@pytest.mark.parametrize("net", ["flatten | dense 3 {}", "flatten | dense 3 | {}"])
def test_networks_that_squash_their_sums_are_refused(net: str, function: str) -> None:
    squashed = plan(f"1x4x4 | {net.format(function)}", classes=3)
    with pytest.raises(UsageError, match=f"got {function}. .*'dense 3'"):
        ABC.check_end(squashed)
