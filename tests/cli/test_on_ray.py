"""`train ... --engine ray`: what workers are asked to run, and how the command ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foveal.cluster import Cluster
from foveal.training import on_ray
from foveal.training.on_ray import Answered

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Cluster, list[str], dict[str, Any]]]:
    """Note what workers are asked for; what is fresh is refused."""
    calls: list[tuple[Cluster, list[str], dict[str, Any]]] = []

    def train_on_ray(cluster: Cluster, words: list[str], **given: Any) -> Answered:
        given.pop("tell")("epoch 1")
        calls.append((cluster, words, given))
        if "--fresh" in words:
            return Answered(3, "", "error: pictures\n")
        return Answered(0, "the answer\n", "")

    monkeypatch.setattr(on_ray, "train_on_ray", train_on_ray)
    return calls


def test_workers_run_the_line_that_was_typed(run: Run, asked: list[Any], tmp_path: Path) -> None:
    model = tmp_path / "a b.safetensors"
    line = ["train", "cnn", tmp_path, model, "--learning-rate", "0.0123456789", "--no-report"]
    line += ["--engine", "ray://10.0.0.1:6379", "--workers", "3", "--threads", "2"]
    assert run(*line) == (0, "the answer\n", "epoch 1\n")
    ((cluster, words, given),) = asked
    assert cluster == Cluster("10.0.0.1:6379")
    assert words[:4] == ["train", "cnn", str(tmp_path), str(model)]
    assert sorted(words[4:]) == sorted(
        ["--learning-rate", "0.0123456789", "--no-report", "--threads", "2"]
    )
    assert given == {"workers": 3, "threads": 2, "device": "auto"}


def test_the_command_ends_as_they_did(run: Run, asked: list[Any], tmp_path: Path) -> None:
    line = ("train", "autoencoder", tmp_path, tmp_path / "a.safetensors", "--engine", "ray")
    assert run(*line, "--fresh") == (3, "", "epoch 1\nerror: pictures\n")
    assert asked[0][2]["workers"] is None


def test_a_transfer_has_workers_where_they_are_asked_for(
    run: Run, asked: list[Any], tmp_path: Path
) -> None:
    line = ("train", "transfer", tmp_path, tmp_path / "a.safetensors", "--engine", "ray")
    code, _, _ = run(*line)
    assert code == 3 and not asked, "actors compute features of pictures, and there are none"
    assert run(*line, "--workers", "2")[0] == 0
    assert "--engine" not in asked[0][1]


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("cnn", ("--workers", "2"), "--engine ray, whose workers they are"),
        ("transfer", ("--workers", "2", "--engine", "torch"), "engine torch"),
        ("cnn", ("--engine", "torch"), "ray, or ray://HOST:PORT"),
        ("cnn", ("--engine", "ray", "--workers", "0"), "workers"),
    ],
)
def test_workers_of_no_cluster_are_refused(
    run: Run, asked: list[Any], tmp_path: Path, kind: str, more: tuple[str, ...], said: str
) -> None:
    code, _, err = run("train", kind, tmp_path, tmp_path / "a.safetensors", *more)
    assert code == 2 and said in " ".join(err.split()) and not asked


def test_names_on_standard_input_are_for_one_process(
    run: Run, asked: list[Any], tmp_path: Path
) -> None:
    line = ("train", "autoencoder", "-", tmp_path / "a.safetensors", "--engine", "ray", "--json")
    code, _, err = run(*line)
    assert code == 2 and "standard input" in json.loads(err)["error"]["came"]


def test_a_process_of_torchrun_starts_no_workers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    line = ("train", "cnn", tmp_path, tmp_path / "a.safetensors", "--engine", "ray")
    code, _, err = run(*line)
    assert code == 2 and "WORLD_SIZE 2" in err
