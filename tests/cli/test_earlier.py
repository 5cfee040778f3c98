"""`--from` of a training: more pictures later, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

import foveal
from support.models import small_model

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def further(folder: Path) -> None:
    """Add pictures of a further class."""
    draws = np.random.default_rng(5)
    (folder / "noise").mkdir()
    for index in range(20):
        pixels = draws.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "noise" / f"{index}.png")


def test_a_cnn_goes_on_into_its_own_file(run, class_folders: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    line = ("train", "cnn", class_folders, model, "--threads", 1, "--no-report")
    assert run(*line, "--net", NET, "--epochs", 4)[0] == 0
    old = foveal.load(model)
    further(class_folders)
    code, out, err = run(*line, "--from", model, "--epochs", 3, "--fresh")
    assert code == 0, err
    assert "going on from m.safetensors: 20 pictures new to it, 4 of them held out" in err
    assert "further classes: noise" in err and "replaced.safetensors" in out
    new = foveal.load(model)
    assert new.classes.tolist() == ["above", "below", "noise"]
    assert np.isin(old.chosen_on, new.chosen_on).all()
    code, _, err = run(*line, "--from", model, "--net", "lenet5", "--fresh")
    assert code == 2 and "--net" in err and "without --from" in err
    code, _, err = run(*line, "--from", model, "--folds", 3, "--fresh")
    assert code == 2 and "--folds and --from" in err


def test_a_transfer_goes_on_from_its_file(run, class_folders: Path, tmp_path: Path) -> None:
    small_model("conv 4 3x3 same relu | maxpool 4 | flatten | dense", channels=3, side=16).save(
        tmp_path / "backbone.safetensors"
    )
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    line = ("train", "transfer", class_folders)
    code, _, err = run(*line, old, "--backbone", tmp_path / "backbone.safetensors", "--no-report")
    assert code == 0, err
    further(class_folders)
    code, out, err = run(*line, new, "--from", old, "--json", "--no-report")
    assert code == 0, err
    answer = json.loads(out)
    assert answer["classes"] == ["above", "below", "noise"]
    assert answer["backbone"]["name"] == "backbone.safetensors"
    assert answer["validation_pictures"] == 80
