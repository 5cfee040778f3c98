"""Several processes train one network, started as a person starts them: by torchrun.

Where it does not matter who started them, they are forks that the slow imports lie behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import CNNClassifier, load
from support import warm
from support.warm import Started

PLAIN = "conv 8 3x3 same | relu | maxpool 2 | flatten | dense"
NORMALISED = "conv 8 3x3 same | batchnorm | relu | maxpool 2 | flatten | dense"
TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    data = load_digits()
    np.savez(tmp_path / "d.npz", X=(data.images[:700] * 15).astype(np.uint8), y=data.target[:700])
    return tmp_path


def started(folder: Path, model: str, net: str, *more: str) -> subprocess.Popen:
    line = [sys.executable, *TWO, "-m", "foveal", "train", "cnn", "d.npz", model]
    line += ["--net", net, "--seed", "0", "--no-report", "--threads", "1", *more]
    return subprocess.Popen(
        line,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


TWO_FORKS = """
import os, socket, sys
from foveal.cli.main import main

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
told = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
os.environ.update(told, MASTER_PORT=str(port))
forks = []
for rank in "01":
    forks.append(os.fork())
    if not forks[-1]:
        os.environ.update(RANK=rank, LOCAL_RANK=rank)
        sys.exit(main())
sys.exit(max(os.waitpid(fork, 0)[1] != 0 for fork in forks))
"""
"""Does what torchrun does, and tells two processes so."""


def forked(folder: Path, model: str, net: str, *more: str) -> Started:
    line = ("train", "cnn", "d.npz", model, "--net", net, "--seed", "0", "--no-report")
    return warm.started(*line, "--threads", "1", *more, program=TWO_FORKS, cwd=folder)


def ended(process: subprocess.Popen | Started) -> str:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


def losses(folder: Path, model: str) -> np.ndarray:
    lines = (folder / f"{model}.run" / "events.jsonl").read_text().splitlines()
    epochs = [one for one in map(json.loads, lines) if one["kind"] == "epoch"]
    return np.array([(one["loss"], one["validation_loss"]) for one in epochs])


def alone(folder: Path, net: str, epochs: int) -> CNNClassifier:
    data = np.load(folder / "d.npz")
    learner = CNNClassifier(net, epochs=epochs, random_state=0, threads=1)
    return learner.fit(data["X"], data["y"])


def losses_of(learner: CNNClassifier) -> np.ndarray:
    return np.array([(one["loss"], one["validation_loss"]) for one in learner.history_])


@pytest.mark.parametrize(("net", "within"), [(PLAIN, 1e-4), (NORMALISED, 0.15)])
def test_two_processes_take_the_steps_of_one(digits: Path, net: str, within: float) -> None:
    out = ended(forked(digits, "two.safetensors", net, "--epochs", "3"))
    assert out.count("model ") == 1, "the first process alone tells"
    one = alone(digits, net, 3)
    np.testing.assert_allclose(losses(digits, "two"), losses_of(one), rtol=within)
    two = load(digits / "two.safetensors").network.state_dict()
    if net == PLAIN:
        for name, value in one.model_.network.state_dict().items():
            np.testing.assert_allclose(two[name].numpy(), value.numpy(), rtol=1e-2, atol=1e-4)


def test_a_killed_process_ends_all_and_the_run_goes_on(digits: Path) -> None:
    asked = ("--epochs", "8", "--checkpoint-seconds", "0.05")
    process = started(digits, "two.safetensors", PLAIN, *asked)
    until = time.monotonic() + 120
    while not list((digits / "two.run").glob("checkpoint-*")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(other_of(process.pid), signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0 and not (digits / "two.safetensors").exists()
    ended(started(digits, "two.safetensors", PLAIN, "--resume"))
    np.testing.assert_allclose(losses(digits, "two"), losses_of(alone(digits, PLAIN, 8)), rtol=1e-3)


def other_of(launcher: int) -> int:
    """Find the process of rank 1 that a launcher started."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
            ranked = b"RANK=1" in (place / "environ").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if parent == launcher and ranked:
            return int(place.name)
    raise AssertionError("no such process")


def test_a_batch_too_small_for_all_is_refused(digits: Path) -> None:
    process = forked(digits, "s.safetensors", PLAIN, "--epochs", "1", "--batch-size", "4")
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "at least 8 pictures a step for 2 processes" in err
