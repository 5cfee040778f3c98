"""What an actor of a pool does with its items."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from foveal import actors
from foveal.actors import TRIES, Actor, Starts, check_fits, handed_out, needs_graphics
from foveal.cluster import Cluster
from foveal.errors import ResourceError, UsageError


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


class Odd:
    """Cannot be opened, or not used, for a reason that nobody foresaw."""

    def __init__(self, *, opens: bool) -> None:
        self.opens = opens

    def open(self, threads: int) -> Callable[[int], int]:
        if not self.opens:
            raise MemoryError
        return lambda number: number // 0


@pytest.mark.parametrize(("opens", "told"), [(False, "MemoryError"), (True, "ZeroDivisionError")])
def test_what_nobody_foresaw_is_an_answer_too(
    opens: bool, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "get", lambda found: found)
    actor = Actor(Odd(opens=opens), 2, str(Path.cwd()), Begun())
    (answer,) = map(pickle.loads, actor({"item": [pickle.dumps((0, 0))]})["answer"])
    assert isinstance(answer, ResourceError) and told in answer.came


class Machines:
    """Stands for a cluster of machines of so many cores and graphics processors."""

    def __init__(self, *sizes: tuple[int, int]) -> None:
        self.sizes = sizes

    def nodes(self) -> list[dict[str, object]]:
        return [
            {"Alive": True, "Resources": {"CPU": cores, "GPU": graphics}}
            for cores, graphics in self.sizes
        ]

    def cluster_resources(self) -> dict[str, int]:
        return {"CPU": sum(cores for cores, _ in self.sizes)}


class Ended(Cluster):
    """Stands for a cluster whose Ray ends at once."""

    @contextmanager
    def joined(self) -> Iterator[Machines]:
        yield Machines((2, 0))


def test_once_ray_has_ended_no_more_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    listed: list[int] = []
    items = (listed.append(number) or number for number in range(1_000))
    monkeypatch.setattr(actors._Run, "_queue", lambda self: SimpleQueue())
    monkeypatch.setattr(actors._Run, "_collect", lambda self, queue: None)
    with pytest.raises(ResourceError, match="needed actors that stay alive"):
        list(handed_out(Ended(), Double(), items, threads=1))
    assert len(listed) < 100


@pytest.mark.parametrize(
    ("device", "needs"), [("auto", None), ("cpu", False), ("cuda", True), ("cuda:1", True)]
)
def test_who_needs_a_graphics_processor(device: str, needs: bool | None) -> None:
    assert needs_graphics(device) is needs


@pytest.mark.parametrize(
    ("sizes", "threads", "graphics", "told"),
    [
        ([(4, 0), (2, 0)], 4, 0, ""),
        ([(4, 0), (2, 0)], 5, 0, "4 cores at most"),
        ([(8, 0), (2, 1)], 4, 1, "2 cores at most"),
        ([(8, 0)], 4, 1, "none with a graphics processor"),
        ([(0, 0)], 4, 1, ""),  # machines may come when they are asked for
    ],
)
def test_actors_for_which_no_machine_has_room_are_refused(
    sizes: list[tuple[int, int]], threads: int, graphics: int, told: str
) -> None:
    if not told:
        check_fits(Machines(*sizes), threads, graphics)
        return
    with pytest.raises(UsageError, match=told):
        check_fits(Machines(*sizes), threads, graphics)
