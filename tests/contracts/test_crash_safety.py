"""A killed run goes on to the very same weights; a stopped one keeps a checkpoint."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from contracts.kill_and_resume import (
    Trials,
    autoencoder_command,
    command,
    events,
    losses,
    make_pictures,
    resumed,
    run,
    transfer_command,
)
from support.warm import ran, started


@pytest.mark.parametrize("interrupt", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_keeps_a_checkpoint_and_says_how_to_go_on(
    tmp_path: Path, interrupt: signal.Signals
) -> None:
    pictures = make_pictures(tmp_path / "pictures")
    model = tmp_path / "model.safetensors"
    # A checkpoint every hour: the one that is found was written by the request to stop.
    arguments = command(pictures, model, "--checkpoint-seconds", "3600", "--epochs", "4000")
    process = started(*arguments)
    events = tmp_path / "model.run" / "events.jsonl"
    deadline = time.monotonic() + 60
    while not (events.exists() and '"epoch"' in events.read_text()):
        assert time.monotonic() < deadline and process.poll() is None, "training never began"
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(interrupt)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert "--resume" in said
    assert len(list((tmp_path / "model.run").glob("checkpoint-*.safetensors"))) == 1
    assert not model.exists()
    refused = ran(*arguments)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr and "--fresh" in refused.stderr


def test_killed_runs_resume_to_the_same_bits(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    count, seed = 0, 100
    while count < 3:
        gone_on, same = trials.by_steps(seed)
        assert same, f"trial {seed} gave other weights or losses"
        count, seed = count + gone_on, seed + 1
    done = json.loads((tmp_path / "reference.run" / "done.json").read_text())
    assert done["model"] == "reference.safetensors"


KILLED = """
import os, signal, sys
from foveal.inference import extracting, feature_cache
from foveal.training import checkpoint, run

extracting.A_SAVING, run.DUTY = 64, 0  # a part every 64 pictures, a checkpoint every step
halves = {"features": (feature_cache.FeatureCache, "add"), "tuning": (checkpoint, "save")}
owner, name = halves[sys.argv[1]]
before, left = getattr(owner, name), int(sys.argv[2])

def counted(*asked, **more):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return before(*asked, **more)

setattr(owner, name, counted)
sys.argv = ["foveal", *sys.argv[3:]]
from foveal.cli.main import main
main()
"""
"""Runs the command and kills it when it is about to write another part or checkpoint."""


def test_a_transfer_killed_in_either_half_resumes_to_the_same_bits(tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path / "pictures", 200)
    whole, model = tmp_path / "whole.safetensors", tmp_path / "model.safetensors"
    run(transfer_command(pictures, whole), cache=tmp_path / "a")
    cold = {**os.environ, "FOVEAL_CACHE": str(tmp_path / "b")}

    def killed(half: str, after: int, *more: str) -> None:
        arguments = transfer_command(pictures, model, *more)
        assert ran(half, after, *arguments, program=KILLED, env=cold).returncode == -9
        assert not model.exists()

    killed("features", 2)
    parts = list((tmp_path / "b" / "features").rglob("*.npy"))
    assert len(parts) == 2, "killed in the middle of the pass"
    killed("tuning", 40, "--resume")
    assert set(parts) < set((tmp_path / "b" / "features").rglob("*.npy"))
    assert list((tmp_path / "model.run").glob("checkpoint-*"))
    run(transfer_command(pictures, model, "--resume"), cache=tmp_path / "b")
    assert model.read_bytes() == whole.read_bytes() and losses(model) == losses(whole)
    told = [one["epoch"] for one in events(model) if one["kind"] == "epoch"]
    assert told == list(range(1, 11))
    last = resumed(model)[-1]
    assert 30 < last <= 40, "gone on in the middle of fine-tuning"
    assert not list((tmp_path / "model.run").glob("checkpoint-*"))


def test_an_autoencoder_killed_twice_resumes_to_the_same_bits(tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path / "pictures", 100)
    whole, model = tmp_path / "whole.safetensors", tmp_path / "model.safetensors"
    options = ("--epochs", "8")
    run(autoencoder_command(pictures, whole, *options))
    for after, more in ((7, ()), (11, ("--resume",))):
        arguments = autoencoder_command(pictures, model, *options, *more)
        assert ran("tuning", after, *arguments, program=KILLED).returncode == -9
        assert list((tmp_path / "model.run").glob("checkpoint-*")) and not model.exists()
    run(autoencoder_command(pictures, model, *options, "--resume"))
    assert model.read_bytes() == whole.read_bytes() and losses(model) == losses(whole)
    told = [one["epoch"] for one in events(model) if one["kind"] == "epoch"]
    assert told == list(range(1, 9))
    steps = resumed(model)
    assert steps == sorted(steps) and 7 < steps[-1] <= 18, "gone on in the middle"
