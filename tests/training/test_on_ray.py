"""Workers of Ray Train train as torchrun's processes do, started as a person starts them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import CNNClassifier, ResourceError, UsageError
from foveal.training.on_ray import Answered, Watch, Workers, answer
from foveal.training.ray_worker import STOP, Board, Ended

NET = "conv 8 3x3 same | relu | maxpool 2 | flatten | dense"
LINE = ("train", "cnn", "d.npz", "ray.safetensors", "--engine", "ray", "--workers", "2")
MORE = ("--net", NET, "--epochs", "8", "--checkpoint-seconds", "0.05", "--no-report", "--json")


@pytest.mark.parametrize(
    ("cores", "count", "threads", "graphics", "expected"),
    [
        ([2], None, None, 0, (1, 2)),
        ([2], 2, None, 0, (2, 1)),
        ([16, 8], None, None, 0, (2, 8)),
        ([16, 8], 3, None, 0, (3, 4)),
        ([8, 8], None, 2, 4, (4, 2)),
        ([8, 8], None, None, 4, (4, 4)),
    ],
)
def test_workers_fit_a_cluster(
    cores: list[int],
    count: int | None,
    threads: int | None,
    graphics: int,
    expected: tuple[int, int],
) -> None:
    found = Workers.fit(cores, count, threads, graphics)
    assert (found.count, found.threads, found.graphics) == (*expected, graphics > 0)


@pytest.mark.parametrize(
    ("cores", "count", "threads", "graphics"),
    [([2], 3, None, 0), ([4, 4], 3, 4, 0), ([8], 2, 1, 1)],
)
def test_more_workers_than_there_is_room_for_are_refused(
    cores: list[int], count: int, threads: int | None, graphics: int
) -> None:
    with pytest.raises(UsageError, match="Ask for fewer `workers`"):
        Workers.fit(cores, count, threads, graphics)


class Trained:
    """A command that was run to its end, and what was there meanwhile."""

    def __init__(self, place: Path) -> None:
        self.place = place
        own = tempfile.mkdtemp(prefix="r", dir="/tmp")  # names of sockets within may not be long
        more = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": str(place / "home")}
        more |= {"RAY_TMPDIR": own, "RAY_ADDRESS": "local", "TMPDIR": own}
        more |= {"FOVEAL_CACHE": str(place / "cache")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "foveal", *LINE, *MORE],
            cwd=place,
            env=os.environ | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._kill_one()
        self.out, self.err = self.process.communicate(timeout=300)
        self.left = [one.name for one in Path(own).iterdir()]
        shutil.rmtree(own, ignore_errors=True)

    def _kill_one(self) -> None:
        """End the second worker once there is something to go on from; its process follows."""
        until = time.monotonic() + 240
        while not list(self.place.glob("ray.run/checkpoint-*")):
            if self.process.poll() is not None or time.monotonic() > until:
                return  # what it said tells why
            time.sleep(0.02)
        os.kill(parent_of(second_in(self.place)), signal.SIGKILL)


def second_in(folder: Path) -> int:
    """Find the process of rank 1 that works in a folder."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            ranked = b"RANK=1" in (place / "environ").read_bytes().split(b"\0")
            if ranked and (place / "cwd").readlink() == folder:
                return int(place.name)
        except OSError:
            continue
    raise AssertionError("no such process")


def parent_of(process: int) -> int:
    """Find what started a process: the worker of Ray Train."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    pytest.importorskip("ray")
    place = tmp_path_factory.mktemp("ray")
    data = load_digits()
    np.savez(place / "d.npz", X=(data.images[:700] * 15).astype(np.uint8), y=data.target[:700])
    (place / "home").mkdir()
    yield Trained(place)


def test_where_a_worker_is_killed_all_begin_anew_and_the_run_goes_on(trained: Trained) -> None:
    assert trained.process.returncode == 0, trained.err
    assert trained.err.count("note: a process of the training was lost") == 1
    assert "error:" not in trained.err and "Traceback" not in trained.err
    lines = (trained.place / "ray.run" / "events.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["step"] > 0 for one in told if one["kind"] == "resumed"] == [True]


def test_losses_are_those_of_one_process(trained: Trained) -> None:
    data = np.load(trained.place / "d.npz")
    one = CNNClassifier(NET, epochs=8, random_state=0, threads=1).fit(data["X"], data["y"])
    answer = json.loads(trained.out)
    for name in ("loss", "validation_loss"):
        found = [epoch[name] for epoch in answer["epochs"]]
        np.testing.assert_allclose(found, [each[name] for each in one.history_], rtol=1e-3)


def test_the_first_process_alone_answers_and_ray_leaves_nothing(trained: Trained) -> None:
    assert "2 workers of Ray Train, each with 1 thread" in trained.err
    assert not (trained.place / "home" / "ray_results").exists()
    assert [name for name in trained.left if name.startswith("foveal-")] == []
    typed = json.loads((trained.place / "ray.run" / "config.json").read_text())["decided"]["typed"]
    assert "--engine" not in typed["line"] and "--epochs 8" in typed["line"]


class Here:
    """Stands for Ray: what is asked of an actor is done at once."""

    def get(self, found: Any) -> Any:
        return found

    def actor(self, board: Board) -> SimpleNamespace:
        names = ("news", "stop", "answer")
        return SimpleNamespace(
            **{one: SimpleNamespace(remote=getattr(board, one)) for one in names}
        )


class Fitting:
    """Stands for Ray Train, which is done when told, and meanwhile does what is asked."""

    def __init__(self, *turns: Callable[[], None]) -> None:
        self.done, self.turns = self, list(turns)

    def is_set(self) -> bool:
        return not self.turns

    def wait(self, seconds: float) -> None:
        if self.turns:
            self.turns.pop(0)()


def interrupted() -> None:
    raise KeyboardInterrupt


def test_interrupted_once_it_waits_for_what_workers_keep() -> None:
    board, lines = Board(), list[str]()
    board.begins()

    def keeps() -> None:
        assert board.told(0, b"kept\nerror: training\n", b"") == STOP
        board.ends(Ended(0, 130, b""))

    ray = Here()
    watch = Watch(ray, ray.actor(board), Fitting(interrupted, keeps), lines.append)
    watch.to_the_end()
    assert lines == ["kept"]
    group = Workers(2, 1)
    assert answer(ray, ray.actor(board), None, group) == Answered(130, "", "error: training\n")


def test_interrupted_twice_it_waits_no_longer() -> None:
    board, ray = Board(), Here()
    watch = Watch(ray, ray.actor(board), Fitting(interrupted, interrupted, interrupted), print)
    with pytest.raises(KeyboardInterrupt):
        watch.to_the_end()


def test_what_was_refused_is_raised_and_what_was_lost_is_told() -> None:
    board, ray, group = Board(), Here(), Workers(2, 1)
    board.begins()
    refused = ResourceError("a", needed="b", came="c", remedy="d")
    board.ends(Ended(1, 5, b"", refused))
    with pytest.raises(ResourceError, match="a: needed b"):
        answer(ray, ray.actor(board), None, group)
    lost = RuntimeError("a group")
    lost.worker_failures = {  # type: ignore[attr-defined]
        0: RuntimeError("Traceback\nRuntimeError: process 1, on a, ended by SIGKILL"),
    }
    with pytest.raises(ResourceError, match="got process 1, on a, ended by SIGKILL"):
        answer(ray, ray.actor(board), lost, group)
    with pytest.raises(ResourceError, match="cores that nothing else uses"):
        answer(ray, ray.actor(board), RuntimeError("no room"), group)
