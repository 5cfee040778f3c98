"""Names of files and classes steer no terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

NET = "conv 4 3x3 same relu | maxpool 4 | flatten | dense"
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
RED, BACK = "\x1b[31mred\x9b2J", "photo\u202egpj"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of classes and pictures that would steer."""
    root = tmp_path_factory.mktemp("hostile")
    for label in ("cat", "<b>dog"):
        (root / label).mkdir()
        for row in range(12):
            values = np.random.default_rng([row, len(label)]).integers(0, 256, (8, 8))
            Image.fromarray(values.astype(np.uint8)).save(root / label / f"{BACK}{row}.png")
        (root / label / f"{RED}.png").write_bytes(b"no picture")
    return root


def test_no_command_prints_what_steers(run, hostile: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    lines = [
        ("train", "cnn", hostile, model, "--net", NET, "--epochs", 1),
        ("evaluate", model, hostile),
        ("predict", model, hostile),
        ("show", model),
        ("similar", model, hostile, hostile / "cat" / f"{BACK}0.png"),
        ("predict", model, hostile / f"{RED}nothing.png"),
    ]
    for line in lines:
        for more in ((), ("--json",)):
            if line[0] == "train" and more:
                continue
            _, out, err = run(*line, *more)
            assert not STEERS.search(out + err), (line, STEERS.findall(out + err))
            if more and out:
                json.loads(out)
    out = run("predict", model, hostile)[1]
    assert "\\x1b[31mred" in out and "photo\\u202egpj" in out
    assert BACK in json.dumps(
        json.loads(run("predict", model, hostile, "--json")[1]), ensure_ascii=False
    )


def test_no_name_forges_a_line(run, classifier: Path, tmp_path: Path) -> None:
    forged = "a\nforged.png  cat  1.00\t.png"
    for name in (forged, "b.png", "c.png"):
        values = np.random.default_rng(len(name)).integers(0, 256, (8, 8))
        Image.fromarray(values.astype(np.uint8)).save(tmp_path / name)
    (tmp_path / f"no{forged}").write_bytes(b"no picture")
    for line in (("predict", classifier, tmp_path), ("similar", classifier, tmp_path, tmp_path)):
        code, out, err = run(*line)
        assert code == 0 and "a\\nforged.png  cat  1.00\\t.png" in out
        assert not [row for row in (out + err).splitlines() if row.startswith("forged")]
        assert "\t" not in out
