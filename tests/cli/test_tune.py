from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from foveal.cli import tune


def test_networks_are_tried_and_the_best_is_written(run, tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "d.npz", X=digits.images[:300], y=digits.target[:300])
    model = tmp_path / "m.safetensors"
    asked = ("tune", tmp_path / "d.npz", model, "--trials", 2, "--epochs", 1, "--threads", 1)
    asked += ("--repeats", 1)
    code, out, err = run(*map(str, asked))
    assert code == 0, err
    assert model.exists() and f"next: foveal evaluate {model}" in out
    prepared, _, trials = err.partition("\ntrial 0: ")
    assert "192 training" in prepared  # is heard of before a trial ends
    assert trials.startswith("loss ") and ", accuracy " in trials and " % (" in trials
    assert "\ntrial 1: " in err and "\ntrial 1 again, 1: loss " in err
    page = (tmp_path / "m.tune" / "tune.html").read_text()
    assert (
        "Trials: 2" in page
        and "trained again" in page
        and "no trial saw" in page
        and "<script" not in page
    )
    with (tmp_path / "m.tune" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["repeat_of"] for row in rows] == ["", "", "0", "1"]
    assert rows[0]["options"].startswith("net=fast")
    code, out, err = run(*map(str, asked), "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert sum(one["repeat_of"] is None for one in facts["trials"]) == 4
    assert facts["model"] == str(model) and facts["confirmed"][0]["rounds"] == 1


def test_stopped_it_says_what_is_kept_and_the_same_command_goes_on(
    run, tmp_path: Path, monkeypatch
) -> None:
    digits = load_digits()
    np.savez(tmp_path / "d.npz", X=digits.images[:300], y=digits.target[:300])
    model = tmp_path / "m.safetensors"
    asked = ("tune", tmp_path / "d.npz", model, "--epochs", 1, "--threads", 1, "--repeats", 0)
    monkeypatch.setattr(tune, "_tell", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    code, out, err = run(*asked, "--trials", 5, "--json")
    assert code == 130 and not out
    error = json.loads(err.splitlines()[-1])["error"]
    assert error["came"] == "a request to stop, after 1 trial"
    assert error["remedy"].endswith(f"{model} is the best so far") and model.exists()
    monkeypatch.undo()
    code, out, _ = run(*asked, "--trials", 1, "--json")
    assert code == 0 and [one["number"] for one in json.loads(out)["trials"]] == [0, 1]
