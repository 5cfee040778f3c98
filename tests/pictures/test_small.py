"""Small pictures are decoded once, whatever they are called, and read again from the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.pictures import decode as decoding
from foveal.pictures.collection import Pictures
from foveal.pictures.small import SmallPictures
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe

RECIPE = PictureRecipe(height=16, width=16, channels=3)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pictures:
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "cache"))
    draws = np.random.default_rng(0)
    (tmp_path / "some").mkdir()
    for index in range(6):
        drawn = draws.integers(0, 255, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(drawn).save(tmp_path / "some" / f"{index}.png")
    (tmp_path / "some" / "9.png").write_bytes(b"no picture")
    return gather(tmp_path / "some")


def count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    decoded: list[str] = []
    decode = decoding.decode

    def counting(file, *more):
        decoded.append(str(file))
        return decode(file, *more)

    monkeypatch.setattr(decoding, "decode", counting)
    return decoded


@pytest.mark.usefixtures("decoded_here")
def test_renamed_and_fewer_pictures_are_not_decoded_again(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = count_decoded(monkeypatch)
    small = SmallPictures(pictures, RECIPE, 1)
    small.fetch(np.array([0, 2, 6]))
    assert len(decoded) == 3
    assert small(0).shape == (16, 16, 3) and "not a picture" in small(6)
    (tmp_path / "some").rename(tmp_path / "other")
    for index in (1, 3):
        (tmp_path / "other" / f"{index}.png").unlink()
    again = SmallPictures(gather(tmp_path / "other"), RECIPE, 1)
    again.fetch(np.array([0, 1]))
    assert len(decoded) == 3
    for row, before in ((0, 0), (1, 2)):
        np.testing.assert_array_equal(again(row), small(before))
    flat = SmallPictures(gather(tmp_path / "other"), replace(RECIPE, height=8), 1)
    assert flat(0).shape == (8, 16, 3) and len(decoded) == 4


def test_a_cache_that_cannot_be_used_changes_nothing(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SmallPictures(pictures, RECIPE, 1)(0)
    (tmp_path / "cache" / "contents" / "small.sqlite").write_bytes(b"damaged" * 1000)
    np.testing.assert_array_equal(SmallPictures(pictures, RECIPE, 1)(0), first)
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "some" / "0.png"))
    np.testing.assert_array_equal(SmallPictures(pictures, RECIPE, 1)(0), first)
