"""`foveal demo`: what it writes, and what each step answers with."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from cli.test_json import documented
from foveal import demonstration
from foveal.cli.demo import Demonstration


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
