"""Actors of Ray try trials of one study; Ray itself is left out, as its own tests hold it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from sklearn.datasets import load_digits

from foveal import UsageError, tune
from foveal.cluster import Cluster
from foveal.tuning import on_ray

DIGITS = load_digits()
X, Y = DIGITS.images[:300], DIGITS.target[:300]


@pytest.fixture
def actors(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Let two actors of this process take items in turn; notes what they are opened with."""
    opened: list[dict[str, Any]] = []

    def handed_out(cluster: Cluster, task: Any, items: Iterator[int], **given: Any) -> Any:
        opened.append(given)
        there = pickle.dumps(task)
        two = [pickle.loads(there).open(1) for _ in range(2)]
        for number, again in items:
            yield two[number % 2]((number, again))

    monkeypatch.setattr(on_ray, "handed_out", handed_out)
    machines(monkeypatch, 1)
    return opened


def machines(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    nodes = [{"Alive": True}] * count + [{"Alive": False}]

    @contextmanager
    def joined(self: Cluster) -> Iterator[Any]:
        yield SimpleNamespace(nodes=lambda: nodes)

    monkeypatch.setattr(Cluster, "joined", joined)


def tuned(folder: Path, **options: Any) -> Any:
    given = {"to": folder / "m.safetensors", "epochs": 1, "engine": "ray", "repeats": 0}
    return tune(X, Y, **given | options)


def test_two_actors_share_a_study(tmp_path: Path, actors: list[dict[str, Any]]) -> None:
    heard: list[int] = []
    found = tuned(tmp_path, trials=3, threads=1, tell=lambda one, best: heard.append(one.number))
    assert actors == [{"threads": 1, "graphics": None}]
    assert heard == [0, 1, 2] == [one.number for one in found.trials]
    study = optuna.load_study(study_name="m", storage=f"sqlite:///{tmp_path / 'm.tune/study.db'}")
    assert len({one.user_attrs["process"] for one in study.trials}) == 2


def test_actors_train_the_best_again_too(tmp_path: Path, actors: list[dict[str, Any]]) -> None:
    found = tuned(tmp_path, trials=2, threads=1, repeats=2)
    again = [(one.repeat_of, one.round) for one in found.trials if one.repeat_of is not None]
    assert again == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert found.confirmed[0].rounds == 2


def test_when_time_is_up_no_actor_begins_another(
    tmp_path: Path, actors: list[dict[str, Any]]
) -> None:
    assert len(tuned(tmp_path, minutes=1e-9, threads=1).trials) == 1


def test_several_machines_need_a_server(
    tmp_path: Path, actors: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    machines(monkeypatch, 2)
    with pytest.raises(UsageError, match="a database that all of 2 machines reach"):
        tuned(tmp_path, trials=1)


def test_what_is_no_engine_and_both_ways_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ray, or ray://HOST:PORT"):
        tune(X, Y, to=tmp_path / "m.safetensors", engine="dask")
    with pytest.raises(UsageError, match="`workers` and `engine`"):
        tuned(tmp_path, workers=2)
