"""A killed run goes on to the very same weights; a stopped one keeps a checkpoint."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from killing import Trials, command, make_pictures


@pytest.mark.parametrize("interrupt", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_keeps_a_checkpoint_and_says_how_to_go_on(
    tmp_path: Path, interrupt: signal.Signals
) -> None:
    pictures = make_pictures(tmp_path / "pictures")
    model = tmp_path / "model.safetensors"
    # A checkpoint every hour: the one that is found was written by the request to stop.
    arguments = command(pictures, model, "--checkpoint-seconds", "3600", "--epochs", "4000")
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
    refused = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr and "--fresh" in refused.stderr


def test_killed_runs_resume_to_the_same_bits(tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    kills, seed = 0, 100
    while kills < 3:
        killed, same = trials.trial(seed)
        assert same, f"trial {seed} gave other weights"
        kills, seed = kills + killed, seed + 1
    done = json.loads((tmp_path / "reference.run" / "done.json").read_text())
    assert done["model"] == "reference.safetensors"
