"""What a classifier says of pictures, and what a reader is told of it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from foveal.evaluation.intervals import wilson
from foveal.targets.classes import Classes

ANIMALS = Classes(names=np.array(["cat", "dog"]))


def test_a_classifier_at_chance_is_told_what_to_try() -> None:
    (note,) = ANIMALS.doubts({"accuracy": wilson(50, 100)}, [40, 40], ["or try again"])
    assert "no better than calling every picture the largest class (50.0 %)" in note
    assert note.endswith("check the labels, give more pictures, or try again")
    assert ANIMALS.doubts({"accuracy": wilson(80, 100)}, [40, 40], []) == ()
    assert ANIMALS.doubts({"accuracy": wilson(80, 100)}, [80, 20], []) != ()
    assert ANIMALS.doubts({}, [1, 1], []) == ()


def test_of_many_unknown_classes_the_most_frequent_are_named() -> None:
    labels = [str(number) for number in range(6) for _ in range(number + 1)]
    (note,) = ANIMALS.unknown(labels)
    assert note.endswith("5 (6); 4 (5); 3 (4) and 3 more")


def test_a_head_on_few_pictures_of_a_class_is_called_rough() -> None:
    held = np.arange(100) % 2
    (few,) = ANIMALS.head_doubts({"accuracy": wilson(70, 100)}, held, [19, 80], [], fixed=True)[:1]
    assert few == "pictures of the smallest class: 19; any figure on so few is rough"
    (weak,) = ANIMALS.head_doubts({"accuracy": wilson(70, 100)}, held, [50, 50], [], fixed=True)
    assert "fine-tuning is likely to help" in weak
    assert ANIMALS.head_doubts({"accuracy": wilson(70, 100)}, held, [50, 50], [], fixed=False) == ()
    assert ANIMALS.head_doubts({"accuracy": wilson(95, 100)}, held, [50, 50], [], fixed=True) == ()


def test_answers_are_written_the_surest_first() -> None:
    letters = Classes(names=np.array(["a", "b", "c"]))
    row = np.array([0.2, 0.7, 0.1])
    assert letters.written(row) == ("b", "70.0 %", "")
    assert letters.written(row, 9) == ("b", "70.0 %", "a 20.0 %, c 10.0 %")


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 3.0, 4.0])])
def test_the_score_is_the_accuracy_by_the_names_of_folders(weights: np.ndarray | None) -> None:
    answers = np.array([1, 2, 1, 2])
    true = np.array([1, 1, 1, 2])
    oracle = accuracy_score(true, answers, sample_weight=weights)
    for y in (true, true.astype(float), true.astype(str), true.tolist()):
        assert ANIMALS.score(y, answers, weights) == pytest.approx(oracle)
    some = np.array(["1", None, "1", "2"], dtype=object)  # which has no label counts nowhere
    assert ANIMALS.score(some, answers, weights) == 1.0
