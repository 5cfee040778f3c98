"""`--pages` of the commands that take pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from foveal.cli.main import PANELS
from support.photographs import photograph


def scans(root: Path) -> Path:
    """Make a TIFF of three pages and a PNG."""
    root.mkdir()
    frames: list[Image.Image] = [photograph(seed, 24, 32) for seed in range(3)]
    frames[0].save(root / "scan.tif", save_all=True, append_images=frames[1:])
    photograph(3, 24, 32).save(root / "some.png")
    return root


@pytest.mark.filterwarnings("always::foveal.errors.PictureWarning")
def test_commands_read_every_page_where_asked(
    run: Callable[..., tuple[int, str, str]], classifier: Path, tmp_path: Path
) -> None:
    folder = scans(tmp_path / "scans")
    code, out, _ = run("predict", classifier, folder, "--pages", "all")
    names = [f"scan.tif#{page}" for page in (1, 2, 3)]
    assert code == 0 and all(name in out for name in [*names, "some.png"])
    assert "every page is a picture: of 1 file (scan.tif)" in out
    code, out, _ = run("check", folder, "--pages", "all", "--quick")
    assert code == 0 and "4 pictures: 4 can be read, 0 not" in out
    code, out, err = run("predict", classifier, folder)
    assert code == 0 and "#" not in out and "only the first page is used" in err
    code, out, _ = run("predict", classifier, f"{folder / 'scan.tif'}#2")
    assert code == 0 and "scan.tif#2" in out


def test_every_command_that_takes_pictures_has_the_option(
    run: Callable[..., tuple[int, str, str]],
) -> None:
    taking = ("predict", "evaluate", "encode", "check", "look", "similar", "map", "anomalies")
    known = {name for panel in PANELS.values() for name in panel}
    assert set(taking) <= known
    for words in [*((one,) for one in taking), ("train", "cnn"), ("train", "autoencoder")]:
        _, out, _ = run(*words, "--help")
        assert "--pages" in out, words
    assert "--pages" not in run("backbones", "--help")[1]
