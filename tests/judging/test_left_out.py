"""Pictures that cannot be judged are counted by reason; near names of classes are asked for."""

from __future__ import annotations

import numpy as np

from foveal.judging.left_out import Unjudged, unusable
from foveal.targets.classes import Classes

ANIMALS = Classes(names=np.array(["cat", "dog"]))


def test_each_reason_has_its_count_and_a_near_class_is_asked_for() -> None:
    labels = ["Cat", "Cat", None, "dog", "horse", None]
    readable = [True, True, True, True, True, False]
    known = [False, False, False, True, False, False]
    assert unusable(readable, known, labels, ANIMALS) == [
        "1 picture left out: cannot be read",
        "1 picture left out: without a label",
        "3 pictures left out: of classes that the model does not know, "
        "Cat (2, did you mean 'cat'?); horse (1)",
    ]


def test_where_all_can_be_judged_nothing_is_said() -> None:
    assert unusable([True], [True], ["cat"], ANIMALS) == []


def test_what_a_figure_leaves_out_is_said_in_its_place() -> None:
    nothing = Unjudged(given=9, unusable=0, unknown=0, classes=())
    assert list(nothing.lines(2)) == []
    some = Unjudged(given=40, unusable=20, unknown=19, classes=("c",))
    assert list(some.lines(3)) == [
        "leaves out 20 of 40 pictures given, which cannot be judged, 19 of an unknown class",
        "leaves out 1 of 3 classes, of which no picture is judged: c",
    ]
