"""A folder of two classes in two parts, with one fault of each kind, and what was found in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import foveal
from foveal.checking.check import Check
from support.photographs import photograph, photographs

EACH = 24


@dataclass
class Faulty:
    """A folder and its faults: names of pictures by the kind of finding."""

    folder: Path
    faults: dict[str, set[str]]
    found: Check


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    root = tmp_path_factory.mktemp("faulty")
    for seed, place in enumerate(("train/a", "train/b", "test/a", "test/b")):
        photographs(root / place, EACH, seed)
    one, other = root / "train/a", root / "train/b"
    (one / "0.png").write_bytes(b"no picture")
    data = (one / "1.png").read_bytes()
    (one / "1.png").write_bytes(data[: len(data) // 2])
    Image.new("RGB", (64, 48), (90, 120, 30)).save(one / "2.png")
    photograph(3).filter(ImageFilter.GaussianBlur(5)).save(one / "3.png")
    dimmed = np.asarray(photograph(4)) // 12
    Image.fromarray(dimmed.astype(np.uint8)).save(one / "4.png")
    shutil.copy(one / "5.png", one / "5 again.png")
    shutil.copy(one / "6.png", other / "6 as well.png")
    shutil.copy(one / "7.png", root / "test/a/7 too.png")
    near = np.asarray(photograph(8)).astype(int)[:, 2:] + 9
    Image.fromarray(near.clip(0, 255).astype(np.uint8)).save(other.parent / "a/8 near.png")
    photograph(9_999).resize((640, 480), Image.Resampling.NEAREST).save(one / "9 large.png")
    photograph(9_998).save(one / "10.png", "BMP")
    photograph(9_997).convert("L").save(one / "11.png")
    faults = {
        "unreadable": {"train/a/0.png", "train/a/1.png"},
        "blank": {"train/a/2.png"},
        "blurred": {"train/a/3.png"},
        "dark": {"train/a/4.png"},
        "equal": {"train/a/5.png", "train/a/5 again.png"},
        "contradiction": {"train/a/6.png", "train/b/6 as well.png"},
        "leak": {"train/a/7.png", "test/a/7 too.png"},
        "near": {"train/a/8.png", "train/a/8 near.png"},
        "size": {"train/a/9 large.png"},
        "format": {"train/a/10.png"},
        "colour": {"train/a/11.png"},
    }
    return Faulty(root, faults, foveal.check(root, quick=True, threads=1))
