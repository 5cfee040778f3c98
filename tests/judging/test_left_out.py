"""Pictures that cannot be judged are counted by reason; near names of classes are asked for."""

from __future__ import annotations

import numpy as np

from foveal.judging.left_out import unusable
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
