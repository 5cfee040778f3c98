"""`foveal cache` and `foveal env`: what is on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import foveal

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def train(run, pictures: Path, model: Path, *more: object) -> tuple[int, str, str]:
    return run("train", "cnn", pictures, model, "--net", NET, "--epochs", 6, "--threads", 1, *more)


def test_env_and_cache(run, class_folders: Path, tmp_path: Path, cache: Path) -> None:
    _, out, _ = run("env", "--json")
    assert json.loads(out)["foveal"] == foveal.__version__
    train(run, class_folders, tmp_path / "m.safetensors")
    _, out, _ = run("cache", "--json")
    assert [one["kind"] for one in json.loads(out)["entries"]] == ["stores"]
    assert json.loads(out)["entries"][0]["bytes"] > 60 * 16 * 16 * 3
    _, out, _ = run("cache", "--clear")
    assert "1 entries" in out and str(cache) in out
    _, out, _ = run("cache", "--json")
    assert json.loads(out)["entries"] == []
