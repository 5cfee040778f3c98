"""What the tests of indexes share."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import foveal
from foveal.model.fitted import FittedModel
from foveal.search.build import build
from support.digits import DIGITS, as_bytes


@pytest.fixture(scope="module")
def model() -> FittedModel:
    """Train an autoencoder on digits, as arrays of bytes: a white of 255, as in files."""
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    return learner.fit(as_bytes(DIGITS[:200])).model_


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write 30 digits and a wreck, one of them twice."""
    root = tmp_path / "digits"
    root.mkdir()
    for number, image in enumerate(as_bytes(DIGITS[:30])):
        Image.fromarray(image).save(root / f"{number}.png")
    Image.fromarray(as_bytes(DIGITS[3:4])[0]).save(root / "again.png")
    (root / "wreck.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def kept(model: FittedModel, digits: Path, tmp_path: Path) -> Path:
    """Keep an index with a graph."""
    place = tmp_path / "d.index"
    build(model, digits, place=place, approximate=True)
    return place
