"""`foveal demo`: what it writes, and what each step answers with."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from cli.test_json import documented
from foveal import demonstration
from foveal.cli.demo import Demonstration
from foveal.estimators.autoencoder import Autoencoder


def test_the_digits_are_written_once_and_whole(tmp_path: Path) -> None:
    folder = demonstration.write_digits(tmp_path / "new")
    digits = load_digits()
    assert len(list(folder.rglob("*.png"))) == len(digits.images) == 1_797
    for row in (0, 1_796):
        digit = digits.target[row]
        with Image.open(folder / str(digit) / f"{digit}.{row}.png") as picture:
            assert np.abs(np.asarray(picture) / 255 - digits.images[row] / 16).max() <= 0.5 / 255
    (folder / "3" / "3.3.png").unlink()
    assert demonstration.write_digits(tmp_path / "new") == folder
    assert not (folder / "3" / "3.3.png").exists()  # what is there is left as it is


def test_photographs_are_named() -> None:
    found = {one.name: one for one in demonstration.name_photographs(1)}
    assert set(found) == {"china.jpg", "flower.jpg"}
    assert found["flower.jpg"].label == "daisy"
    assert found["flower.jpg"].to_dict()["probability"] == found["flower.jpg"].probability


def test_the_keys_are_documented() -> None:
    assert {one.name for one in fields(Demonstration)} == documented()["demo"]


def test_the_autoencoder_has_a_report_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "Autoencoder", partial(Autoencoder, kind="dense", epochs=1))
    pictures = tmp_path / "few"
    for row, image in enumerate(load_digits().images[:60]):
        (pictures / str(row % 3)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((15 * image).astype(np.uint8)).save(pictures / str(row % 3) / f"{row}.png")
    found = demonstration.narrow_digits(
        pictures, tmp_path, threads=1, tell=lambda _: None, within=lambda _: nullcontext()
    )
    assert found.report == tmp_path / "codes.run" / "report.html" == found.run / "report.html"
    page = found.report.read_text("utf-8")
    assert "What a code keeps" in page and "How it learned" in page and found.model.exists()
