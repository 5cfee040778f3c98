"""What the tests of passes share."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from support.passes import Draw


@pytest.fixture
def folder(tmp_path: Path, draw_picture: Draw) -> Path:
    """Make eight pictures and a wreck."""
    root = tmp_path / "photos"
    root.mkdir()
    for index in range(8):
        Image.fromarray(draw_picture(index)).save(root / f"{index}.png")
    (root / "8.png").write_bytes(b"no picture")
    return root
