from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def test_networks_are_tried_and_the_best_is_written(run, tmp_path: Path) -> None:
    digits = load_digits()
    np.savez(tmp_path / "d.npz", X=digits.images[:300], y=digits.target[:300])
    model = tmp_path / "m.safetensors"
    asked = ("tune", tmp_path / "d.npz", model, "--trials", 2, "--epochs", 1, "--threads", 1)
    code, out, err = run(*map(str, asked))
    assert code == 0, err
    assert model.exists() and f"next: foveal evaluate {model}" in out
    assert err.startswith("trial 0: accuracy 0.") and "\ntrial 1: " in err
    page = (tmp_path / "m.tune" / "tune.html").read_text()
    assert "Trials: 2" in page and "no trial saw" in page and "<script" not in page
    with (tmp_path / "m.tune" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["0", "1"] and rows[0]["options"].startswith(
        "net=fast"
    )
    code, out, err = run(*map(str, asked), "--json")
    facts = json.loads(out)
    assert len(facts["trials"]) == 4 and facts["model"] == str(model)
