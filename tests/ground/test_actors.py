"""What an actor of a pool does with its items."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from foveal.actors import TRIES, Actor, Starts
from foveal.errors import ResourceError


class Begun:
    """Stands for an actor that counts starts; answers are there at once."""

    def __init__(self) -> None:
        self.starts = Starts()
        self.begun = self

    def remote(self, number: int) -> int:
        return self.starts.begun(number)


class Double:
    """Doubles numbers."""

    def open(self, threads: int) -> Callable[[int], int]:
        return lambda number: number * threads


def test_an_item_that_ends_its_actors_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "get", lambda found: found)
    actor = Actor(Double(), 2, str(Path.cwd()), Begun())
    items = [pickle.dumps((number, number)) for number in (4, 5)]
    for _ in range(TRIES):  # as if each time another actor had ended at it
        (answer,) = actor({"item": items[:1]})["answer"]
        assert pickle.loads(answer) == 8
    last, other = map(pickle.loads, actor({"item": items})["answer"])
    assert isinstance(last, ResourceError) and "3 actors ended" in str(last) and other == 10
