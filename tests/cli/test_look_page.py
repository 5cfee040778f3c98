"""`foveal look --to NAME.html` writes a network as one page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    return tmp_path / "one.png"


NET = "3x16x16 | conv 4 3x3 relu | globalpool | dense 3"


def test_a_name_that_ends_in_html_is_written_as_a_page(
    picture: Path, tmp_path: Path, run: Run
) -> None:
    to = tmp_path / "look.html"
    code, said, _ = run("look", NET, picture, "--to", to, "--json")
    answer = json.loads(said)
    assert code == 0
    assert (answer["written"], answer["left_out"]) == ([str(to)], {})
    text = to.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "one.png" in text and "conv 4 3x3 relu" in text


def test_what_a_page_lacks_is_said(picture: Path, tmp_path: Path, run: Run) -> None:
    to = tmp_path / "look.html"
    more = [picture.with_stem(f"picture{place}") for place in range(7)]
    for one in more:
        one.write_bytes(picture.read_bytes())
    code, said, _ = run("look", NET, picture, *more, "--to", to)
    assert code == 0
    assert "left out of the page: 2 further pictures: a page holds 6." in said
    assert f"wrote {to}" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--layer", "2"], "--layer"),
        (["--only", "planes"], "--only"),
        (["--pixel", "1,1"], "--pixel"),
    ],
)
def test_what_is_asked_of_looks_is_refused_for_a_page(
    line: list[str],
    said: str,
    picture: Path,
    tmp_path: Path,
    run: Run,
) -> None:
    to = tmp_path / "look.html"
    code, _, complaint = run("look", NET, picture, "--to", to, *line)
    assert (code, said in complaint) == (2, True)
    assert not to.exists()


def test_a_page_needs_a_picture(tmp_path: Path, run: Run) -> None:
    code, _, complaint = run("look", NET, "--to", tmp_path / "look.html")
    assert (code, "name a picture" in complaint) == (2, True)
