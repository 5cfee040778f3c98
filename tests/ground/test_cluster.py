"""Where Ray is, and what is said where it is not."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from foveal.cluster import TRIES, Actor, Cluster, Starts, imported
from foveal.errors import ResourceError, UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [("ray", None), ("ray://", None), ("ray://10.0.0.1:6379", "10.0.0.1:6379")],
)
def test_where_ray_is(text: str, address: str | None) -> None:
    assert Cluster.read(text) == Cluster(address)


@pytest.mark.parametrize("text", ["", "dask", "ray://somewhere", "ray://:6379", "ray://a:b"])
def test_any_other_engine_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ray://HOST:PORT"):
        Cluster.read(text)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_address_at_which_nothing_answers_is_told(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")  # of one that was killed
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", "")
    with pytest.raises(ResourceError, match=r"ray://127.0.0.1:9.*ray start --head"):
        with Cluster("127.0.0.1:9" if named else None).joined():
            pass


def test_a_python_without_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(UsageError, match=r"pip install 'foveal\[scale\]'"):
        imported()


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
