"""Predictions of many pictures: the first of them, and what is said of all."""

from __future__ import annotations

import numpy as np

from foveal.model.predictions import Predictions
from foveal.targets.classes import Classes
from foveal.targets.labelled import Labelled
from foveal.targets.numbers import Numbers
from foveal.targets.several import SeveralLabels

NAN = np.nan


def predictions(target: Labelled, predicted: list[list[float]], **more: object) -> Predictions:
    values = np.array(predicted)
    return Predictions(
        names=[f"{row}.png" for row in range(len(values))],
        predicted=values,
        reasons=["no picture" if np.isnan(row[0]) else "" for row in values],
        target=target,
        unfamiliarity=np.zeros(len(values)),
        **more,  # type: ignore[arg-type]
    )


def test_answers_are_counted_by_name_without_those_that_are_none() -> None:
    target = Classes(names=np.array([3, 10]))
    rows = [[0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [NAN, NAN], [0.7, 0.3]]
    assert predictions(target, rows).said() == {"3": 2, "10": 2}
    assert predictions(target, rows, least=0.75).said() == {"3": 1, "10": 1}
    assert predictions(target, rows[:1]).said() == {"3": 1}


def test_each_of_several_labels_is_counted_by_itself() -> None:
    target = SeveralLabels(
        names=np.array(["a", "b", "c"]), thresholds=(0.5, 0.2, 0.8), chosen=(True,) * 3
    )
    rows = [[0.6, 0.3, 0.1], [0.1, 0.3, 0.7], [NAN] * 3]
    assert predictions(target, rows).said() == {"a": 1, "b": 2}


def test_numbers_have_no_names_to_count() -> None:
    assert predictions(Numbers(), [[1.0, 0.5, 1.5]]).said() == {}


def test_the_first_are_as_they_are_among_all() -> None:
    target = Classes(names=np.array(["a", "b"]))
    whole = predictions(target, [[0.9, 0.1], [NAN, NAN], [0.2, 0.8]], least=0.5)
    some = whole.first(2)
    assert list(some.rows()) == list(whole.rows())[:2] and some.least == 0.5
    assert list(whole.first(9).rows()) == list(whole.rows())
    assert list(whole.first(0).rows()) == []


def test_numbers_are_headed_by_their_column_and_intervals_by_what_they_hold() -> None:
    rows = [[1.0, 0.5, 1.5]]
    made = predictions(Numbers(reach=0.5), rows, labelled_by=["age"])
    assert made.headings == ("age", "90 % interval")
    assert "<th>age</th>" in made._repr_html_() and "90 % interval" in made._repr_html_()
    assert predictions(Numbers(reach=0.5), rows).headings == ("number", "90 % interval")
    assert predictions(Numbers(), rows).headings == ("number", "interval")
    assert made.first(1).headings == Predictions.joined([made], made.target).headings
    assert made.columns[1:4] == ["number", "low", "high"]
    assert predictions(
        Classes(names=np.array(["a", "b"])), [[0.9, 0.1]], labelled_by=["x"]
    ).headings == (
        "label",
        "probability",
    )
