"""The decoder: upright, in the size asked for, and nothing read that is not needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, JpegImagePlugin, WebPImagePlugin

from foveal.pictures import decode
from foveal.pictures.encoded import Unreadable
from foveal.recipe import PictureRecipe
from support.decoding import BLUE, GREEN, RED, exif, recipe, saved, smooth

STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright[:, ::-1].transpose(1, 0, 2),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: upright[::-1].transpose(1, 0, 2),
}
"""What a camera stores so that a viewer who obeys the tag sees it upright (EXIF 2.3, 4.6.4)."""


# Orientation -------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["png", "tiff", "webp"])
def test_orientation_is_obeyed(tmp_path: Path, orientation: int, form: str) -> None:
    upright = smooth(6, 10)
    lossless = {"lossless": True} if form == "webp" else {}
    stored = np.ascontiguousarray(STORED[orientation](upright))
    path = saved(tmp_path / f"p.{form}", stored, exif=exif(orientation), **lossless)
    np.testing.assert_array_equal(decode.decode(path, recipe(6, 10)), upright)


@pytest.mark.parametrize("orientation", STORED)
def test_orientation_is_obeyed_by_a_reduced_jpeg(tmp_path: Path, orientation: int) -> None:
    upright = smooth(240, 400)
    stored = np.ascontiguousarray(STORED[orientation](upright))
    path = saved(tmp_path / "p.jpg", stored, exif=exif(orientation), quality=95)
    got = decode.decode(path, recipe(12, 20)).astype(float)
    wanted = upright.reshape(12, 20, 20, 20, 3).mean(axis=(1, 3))
    assert np.abs(got - wanted).mean() < 4


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["png", "jpeg", "tiff", "webp"])
def test_look_gives_the_size_as_a_person_sees_it(
    tmp_path: Path, orientation: int, form: str
) -> None:
    stored = np.ascontiguousarray(STORED[orientation](smooth(6, 10)))
    path = saved(tmp_path / f"p.{form}", stored, exif=exif(orientation))
    assert decode.look(path)[:3] == (6, 10, "RGB")


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"Exif\0\0garbage, garbage", id="garbage"),
        pytest.param(b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01", id="cut short"),
        pytest.param(b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(60)), id="wild counts"),
    ],
)
def test_a_broken_exif_block_costs_nothing(tmp_path: Path, block: bytes) -> None:
    plain = saved(tmp_path / "plain.jpg", smooth(20, 30))
    broken = saved(tmp_path / "broken.jpg", smooth(20, 30), exif=block)
    assert decode.look(broken)[:3] == (20, 30, "RGB")
    np.testing.assert_array_equal(decode.decode(broken, recipe()), decode.decode(plain, recipe()))


# Size --------------------------------------------------------------------------------------


def test_a_large_jpeg_is_reduced_while_decoded_and_looks_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "p.jpg", smooth(960, 1280), quality=92)
    with Image.open(path) as opened:
        whole = saved(tmp_path / "whole.png", opened.convert("RGB"))
    drafted: list[tuple[int, int]] = []
    real = JpegImagePlugin.JpegImageFile.draft

    def spy(self: JpegImagePlugin.JpegImageFile, *arguments: object) -> object:
        answer = real(self, *arguments)  # type: ignore[arg-type]
        drafted.append(self.size)
        return answer

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", spy)
    how = recipe(48, 64)
    reduced = decode.decode(path, how).astype(float)
    assert drafted == [(160, 120)]  # an eighth: the least that is twice the target
    assert np.abs(reduced - decode.decode(whole, how)).mean() < 3


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(90, 300), (300, 90), (128, 128)])
def test_reduced_jpegs_agree_with_full_ones_under_every_rule(
    tmp_path: Path, resize: str, size: tuple[int, int]
) -> None:
    path = saved(tmp_path / "p.jpg", smooth(*size), quality=92)
    with Image.open(path) as opened:
        whole = saved(tmp_path / "whole.png", opened.convert("RGB"))
    how = recipe(16, 16, resize=resize)
    gap = decode.decode(path, how).astype(float) - decode.decode(whole, how)
    assert np.abs(gap).mean() < 3


def three_bands() -> np.ndarray:
    """20 rows, 40 columns: red, 20 green ones, blue."""
    pixels = np.zeros((20, 40, 3), dtype=np.uint8)
    pixels[:, :10], pixels[:, 10:30], pixels[:, 30:] = RED, GREEN, BLUE
    return pixels


def test_stretch_keeps_everything(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", three_bands())
    got = decode.decode(path, recipe(8, 8, interpolation="nearest"))
    row = [RED] * 2 + [GREEN] * 4 + [BLUE] * 2
    assert got.tolist() == [[list(colour) for colour in row]] * 8


def test_letterbox_keeps_the_aspect_between_grey_bars(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", three_bands())
    got = decode.decode(path, recipe(8, 8, interpolation="nearest", resize="letterbox"))
    row = [list(colour) for colour in [RED] * 2 + [GREEN] * 4 + [BLUE] * 2]
    bar = [[decode.GREY] * 3] * 8
    assert got.tolist() == [bar] * 2 + [row] * 4 + [bar] * 2


@pytest.mark.parametrize(("mode", "ink"), [("L", 0), ("CMYK", (0, 0, 0, 255))])
def test_letterbox_bars_are_grey_in_every_mode(tmp_path: Path, mode: str, ink: object) -> None:
    path = saved(tmp_path / "p.tiff", Image.new(mode, (20, 10), ink))  # type: ignore[arg-type]
    got = decode.decode(path, recipe(8, 8, resize="letterbox"))
    assert got[0, 0].tolist() == [decode.GREY] * 3
    assert got[4, 4].tolist() == [0, 0, 0]


def test_crop_keeps_the_middle(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", three_bands())
    got = decode.decode(path, recipe(8, 8, interpolation="nearest", resize="crop"))
    assert (got == GREEN).all()


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (8, 8)])
def test_extreme_shapes_come_out(tmp_path: Path, resize: str, size: tuple[int, int]) -> None:
    path = saved(tmp_path / "p.png", np.zeros((*size, 3), dtype=np.uint8))
    assert decode.decode(path, recipe(8, 8, resize=resize)).shape == (8, 8, 3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos"])
def test_reducing_averages(tmp_path: Path, interpolation: str) -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    path = saved(tmp_path / "p.png", board)
    got = decode.decode(path, recipe(8, 8, 1, interpolation=interpolation)).astype(float)
    np.testing.assert_allclose(got, 127.5, atol=8)


@pytest.mark.parametrize("form", ["png", "jpeg", "tiff", "webp", "bmp", "gif"])
def test_look_reads_no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = saved(tmp_path / f"p.{form}", smooth(6, 10))
    loaded: list[object] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", loaded.append)
    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "load", loaded.append)
    decode.look(path)
    assert not loaded


def test_a_picture_at_its_own_size_is_upright_and_in_colours(tmp_path: Path) -> None:
    greys = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(greys).save(tmp_path / "g.png", exif=exif)
    recipe = PictureRecipe(height=2, width=2, channels=3)
    found = decode.upright(tmp_path / "g.png", recipe)
    assert found.shape == (4, 3, 3) and found.dtype == np.uint8
    assert np.array_equal(found[:, :, 0], np.rot90(greys, -1))
    Image.fromarray(np.zeros((64, 48, 3), np.uint8)).save(tmp_path / "large.jpg")
    assert decode.upright(tmp_path / "large.jpg", recipe).shape == (8, 6, 3)  # reduced, as is usual
    (tmp_path / "broken.png").write_bytes(b"none")
    with pytest.raises(Unreadable, match="not a picture"):
        decode.upright(tmp_path / "broken.png", recipe)
