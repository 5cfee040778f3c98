"""A model's card names its kind of target."""

from __future__ import annotations

import pytest

from foveal.targets.kinds import KINDS, target_of
from foveal.vocabulary import Task


@pytest.mark.parametrize("task", KINDS)
def test_every_task_of_a_card_has_its_target(task: Task) -> None:
    names = ["b", "a"] if task in ("classification", "labels") else []
    kept = {"middle": 1.0, "spread": 2.0} if task == "regression" else {}
    target = target_of(task, names, kept)
    assert target.task == task and target.names.tolist() == names
    outputs = {"classification": 2, "labels": 2, "regression": 1, "reconstruction": None}
    assert target.outputs == outputs[task]


@pytest.mark.parametrize(("names", "kind"), [([1, 2], "i"), ([0.5, 2.0], "f"), (["1", "2"], "U")])
def test_classes_keep_their_type(names: list[object], kind: str) -> None:
    assert target_of("classification", names, {}).names.dtype.kind == kind
