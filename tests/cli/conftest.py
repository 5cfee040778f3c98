"""What the tests of commands share: a command, run as a person types it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import foveal
from foveal.cli import main as command
from support.models import small_model

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
LABELS = load_digits().target


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process; answers exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["foveal", *map(str, arguments)])
        code = 0
        try:
            command.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    learner.fit(DIGITS).save(str(path))
    return path


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of three classes, ten digits each, and one file that is no picture."""
    root = tmp_path_factory.mktemp("digits")
    for label in range(3):
        (root / str(label)).mkdir()
        for row in np.flatnonzero(label == LABELS)[:10].tolist():
            Image.fromarray(DIGITS[row]).save(root / str(label) / f"{row}.png")
    (root / "1" / "odd \u00e9,\u732b.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "classifier.safetensors"
    small_model().save(path)
    return path
