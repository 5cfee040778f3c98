"""The walk of docs/looking.md, typed as it stands there by somebody with a photograph."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WALK = Path(__file__).parents[2] / "docs" / "looking.md"
LINES = re.findall(r"^    foveal (.+)$", WALK.read_text(), flags=re.M)


def test_the_walk_has_ten_commands() -> None:
    assert len(LINES) == 10


def test_every_command_of_the_walk_works_and_writes_what_it_says(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for label, channel in (("red", 0), ("green", 1)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(0, 90, (24, 32, 3), dtype=np.uint8)
            pixels[8:20, 6:24, channel] += 150
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    Image.fromarray(pixels).resize((120, 90)).save(tmp_path / "me.jpg")
    for line in LINES:
        code, out, err = run(*shlex.split(line))
        assert code == 0, f"foveal {line}\n{out}\n{err}"
        written = [Path(name) for name in re.findall(r"^wrote (.+)$", out, flags=re.M)]
        assert written or line.startswith(("plan", "train"))
        assert all(path.stat().st_size > 0 for path in written)
