"""Samples of every kind: what the decoder makes of them, beside what the file's bytes say.

The files are written byte by byte in `support.tiff`; what is wanted is worked out from the values
that went into them, by the meaning that TIFF 6.0 and PNG give to them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures import decode, depth
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import Unreadable
from foveal.pictures.remarks import Remark
from foveal.pictures.survey import choose_recipe
from foveal.recipe import PictureRecipe
from support.tiff import png, tiff

HEIGHT, WIDTH = 9, 7
ORDERS = ("II", "MM")


def drawn(planes: int, dtype: str, most: float, seed: int = 0) -> np.ndarray:
    """Draw samples from 0 to `most`, both ends among them."""
    values = np.random.default_rng(seed).uniform(0, most, (HEIGHT, WIDTH, planes))
    values[0, 0], values[0, 1] = 0, most
    return values.astype(dtype) if dtype.startswith("float") else np.rint(values).astype(dtype)


def decoded(path: Path, data: bytes, channels: int = 3, **more: object) -> np.ndarray:
    path.write_bytes(data)
    how = PictureRecipe(height=HEIGHT, width=WIDTH, channels=channels, **more)  # type: ignore[arg-type]
    return decode.decode(path, how).astype(np.float64)


def surveyed(path: Path, data: bytes, channels: int = 3) -> np.ndarray:
    """Decode a file as if it were all the data there is."""
    path.write_bytes(data)
    recipe = choose_recipe(Pictures.of_files([path]), channels=channels, size=(HEIGHT, WIDTH))
    return decode.decode(path, recipe).astype(np.float64)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(
    ("dtype", "bits", "most"),
    [
        ("uint8", 1, 1),
        ("uint8", 2, 3),
        ("uint8", 4, 15),
        ("uint8", 8, 255),
        ("uint16", 12, 4095),
        ("uint16", 16, 65535),
        ("uint16", 16, 4095),
        ("int16", 16, 30000),
        ("uint32", 32, 4_000_000_000),
        ("int32", 32, 2_000_000_000),
        ("float32", 32, 1.0),
        ("int8", 8, 100),
    ],
)
def test_greys_of_every_depth_are_black_at_black_and_white_at_white(
    tmp_path: Path,
    order: str,
    deflate: bool,
    planar: bool,
    photometric: int,
    dtype: str,
    bits: int,
    most: float,
) -> None:
    values = drawn(1, dtype, most)
    data = tiff(values, photometric, order=order, bits=bits, deflate=deflate, planar=planar)
    try:
        got = surveyed(tmp_path / "p.tif", data, channels=1)
    except DataError as error:  # of some kinds Pillow makes nothing: it is said, not guessed
        assert "of a format that is not read" in str(error)
        assert (photometric, order) != (1, "II")
        return
    share = values.astype(np.float64) / most
    wanted = 255 * (1 - share if photometric == 0 else share)
    np.testing.assert_allclose(got, wanted, atol=0.51)


@pytest.mark.parametrize("most", [4095, 65535])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("extra", [(), (0,), (1,), (2,)])
def test_colours_of_16_bits_keep_all_of_them(
    tmp_path: Path, most: int, order: str, deflate: bool, extra: tuple[int, ...]
) -> None:
    colours = drawn(3, "uint16", most)
    alpha = np.full((HEIGHT, WIDTH, len(extra)), most, dtype=np.uint16)
    data = tiff(np.dstack([colours, alpha]), 2, order=order, deflate=deflate, extra=extra)
    got = surveyed(tmp_path / "p.tif", data)
    np.testing.assert_allclose(got, 255 * colours.astype(float) / most, atol=0.51)


@pytest.mark.parametrize("order", ORDERS)
def test_planes_of_16_bits_that_lie_apart_keep_all_of_them(tmp_path: Path, order: str) -> None:
    colours = drawn(3, "uint16", 4095)
    got = surveyed(tmp_path / "p.tif", tiff(colours, 2, order=order, planar=True))
    np.testing.assert_allclose(got, 255 * colours.astype(float) / 4095, atol=0.51)


def test_packed_planes_of_16_bits_are_read_with_8_and_it_is_said(tmp_path: Path) -> None:
    colours = drawn(3, "uint16", 65535)
    (tmp_path / "p.tif").write_bytes(tiff(colours, 2, planar=True, deflate=True))
    remarks: list[Remark] = []
    how = PictureRecipe(height=HEIGHT, width=WIDTH, channels=3)
    got = decode.decode(tmp_path / "p.tif", how, remarks)
    np.testing.assert_array_equal(got, colours >> 8)
    assert remarks == [Remark("read with 8 bits a value", "of 16")]


@pytest.mark.parametrize("most", [4095, 65535])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("filter", [0, 1, 2])
@pytest.mark.parametrize(("colour", "planes"), [(0, 1), (2, 3), (4, 1), (6, 3)])
def test_png_of_16_bits_keeps_all_of_them(
    tmp_path: Path, most: int, interlaced: bool, filter: int, colour: int, planes: int
) -> None:
    values = drawn(planes, "uint16", most)
    alpha = np.full((HEIGHT, WIDTH, int(colour in (4, 6))), 65535, dtype=np.uint16)
    data = png(np.dstack([values, alpha]), colour, filter=filter, interlaced=interlaced)
    got = surveyed(tmp_path / "p.png", data)
    wanted = np.broadcast_to(255 * values.astype(float) / most, got.shape)
    np.testing.assert_allclose(got, wanted, atol=0.51)


@pytest.mark.parametrize("multiplied", [False, True])
def test_opacity_of_16_bits_is_laid_over_white(tmp_path: Path, multiplied: bool) -> None:
    colours, share = drawn(3, "uint16", 65535), np.full((HEIGHT, WIDTH, 1), 0.25)
    alpha = np.rint(share * 65535).astype(np.uint16)
    stored = np.rint(colours * share).astype(np.uint16) if multiplied else colours
    data = tiff(np.dstack([stored, alpha]), 2, extra=(1 if multiplied else 2,))
    got = decoded(tmp_path / "p.tif", data, ground=255)
    np.testing.assert_allclose(got, 255 * (0.75 + 0.25 * (colours / 65535)), atol=1.6)


def test_the_clear_colour_of_16_bits_is_that_colour_alone(tmp_path: Path) -> None:
    values = np.full((2, 2), 1000, dtype=np.uint16)
    values[0, 0] = 1001  # the same in its higher byte
    Image.fromarray(values).save(tmp_path / "p.png", transparency=1000)
    how = PictureRecipe(height=2, width=2, channels=1, deep_high=2002, ground=255)
    assert decode.decode(tmp_path / "p.png", how)[:, :, 0].tolist() == [[127, 255], [255, 255]]


@pytest.mark.parametrize("ascii", [False, True])
def test_a_ppm_of_12_bits_keeps_all_of_them(tmp_path: Path, ascii: bool) -> None:
    values = drawn(3, "uint16", 300)
    head = f"{'P3' if ascii else 'P6'} {WIDTH} {HEIGHT} 4095\n".encode()
    text = "# dark\n" + " ".join(map(str, values.ravel()))
    body = text.encode() if ascii else values.astype(">u2").tobytes()
    got = surveyed(tmp_path / "p.ppm", head + body)
    np.testing.assert_allclose(got, 255.0 * (values / 300), atol=0.51)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_colours_of_16_bits_stand_upright(tmp_path: Path, orientation: int) -> None:
    upright = drawn(3, "uint16", 65535)
    turns = {1: 0, 3: 2, 6: 1}[orientation]
    data = tiff(np.rot90(upright, turns), 2, tags=((274, 3, (orientation,)),))
    got = decoded(tmp_path / "p.tif", data)
    np.testing.assert_allclose(got, 255.0 * (upright / 65535), atol=0.51)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
def test_colours_of_8_bits_by_every_meaning(tmp_path: Path, planar: bool, deflate: bool) -> None:
    rgb = drawn(3, "uint8", 255)
    got = decoded(tmp_path / "rgb.tif", tiff(rgb, 2, planar=planar, deflate=deflate))
    np.testing.assert_array_equal(got, rgb)
    alpha = np.full((HEIGHT, WIDTH, 1), 51, dtype=np.uint8)
    clear = tiff(np.dstack([rgb, alpha]), 2, planar=planar, deflate=deflate, extra=(2,))
    got = decoded(tmp_path / "rgba.tif", clear, ground=255)
    np.testing.assert_allclose(got, 0.2 * rgb + 0.8 * 255, atol=1.01)
    ink = drawn(4, "uint8", 255)
    got = decoded(tmp_path / "cmyk.tif", tiff(ink, 5, planar=planar, deflate=deflate))
    light = 255 - ink.astype(float)
    np.testing.assert_allclose(got, light[:, :, :3] * light[:, :, 3:] / 255, atol=1.01)


def test_a_colour_map_is_looked_up(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (256, 3))
    values = drawn(1, "uint8", 255)
    for planar in (False, True):
        got = decoded(tmp_path / "p.tif", tiff(values, 3, colours=colours, planar=planar))
        np.testing.assert_array_equal(got, colours[values[:, :, 0]] >> 8)


def test_luma_and_chroma_become_colours(tmp_path: Path) -> None:
    ycc = drawn(3, "uint8", 255)
    got = decoded(tmp_path / "p.tif", tiff(ycc, 6, tags=((530, 3, (1, 1)),)))
    y, cb, cr = (ycc[:, :, plane].astype(float) for plane in range(3))
    cb, cr = cb - 128, cr - 128
    wanted = np.dstack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb])
    np.testing.assert_allclose(got, np.clip(wanted, 0, 255), atol=1.51)


def test_lab_becomes_colours(tmp_path: Path) -> None:
    """By CIE 15: greys have a = b = 0; L* of mid grey in sRGB (119) is 50."""
    lab = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    lab[:, :, 0] = 128
    lab[:, 3:, 1] = 60
    got = decoded(tmp_path / "p.tif", tiff(lab, 8))
    np.testing.assert_allclose(got[:, :3], 119, atol=2)
    red, green = got[:, 3:, 0], got[:, 3:, 1]
    assert (red > green + 60).all()
    for deflate in (False, True):
        with pytest.raises(Unreadable, match="planes of LAB that lie apart are not read"):
            decoded(tmp_path / "q.tif", tiff(lab, 8, planar=True, deflate=deflate))


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_grey_with_more_is_read_or_refused(
    tmp_path: Path, planar: bool, deflate: bool, extra: int
) -> None:
    grey, alpha = drawn(1, "uint8", 128), np.full((HEIGHT, WIDTH, 1), 128, dtype=np.uint8)
    data = tiff(np.dstack([grey, alpha]), 1, extra=(extra,), planar=planar, deflate=deflate)
    try:
        got = decoded(tmp_path / "p.tif", data, 1, ground=255)[:, :, 0]
    except Unreadable:
        assert planar
        return
    share = 128 / 255
    seen = {0: grey, 1: grey + 255 * (1 - share), 2: grey * share + 255 * (1 - share)}[extra]
    np.testing.assert_allclose(got, seen[:, :, 0], atol=1.51)


def test_two_scanners_with_white_at_either_end_agree(tmp_path: Path) -> None:
    values = drawn(1, "uint16", 65535)
    first = decoded(tmp_path / "a.tif", tiff(values, 1), channels=1)
    second = decoded(tmp_path / "b.tif", tiff(65535 - values, 0), channels=1)
    np.testing.assert_array_equal(first, second)


def test_dark_files_of_16_bits_are_told_to_a_model_that_never_saw_any(tmp_path: Path) -> None:
    (tmp_path / "p.tif").write_bytes(tiff(drawn(3, "uint16", 4095), 2))
    remarks: list[Remark] = []
    decode.decode(tmp_path / "p.tif", PictureRecipe(height=4, width=4, channels=3), remarks)
    assert [one.text for one in remarks] == ["nearly black: no value reaches 4,096 of 65,535"]


def test_values_that_are_no_number_are_black_and_it_is_said(tmp_path: Path) -> None:
    path, how = tmp_path / "p.tif", PictureRecipe(height=4, width=4, channels=1)
    values = np.full((4, 4), 255, dtype=np.float32)
    for spoiled, told in ((0, []), (2, ["values that are no number are black: 2 of 16"])):
        values[0, :spoiled] = np.nan
        Image.fromarray(values).save(path)
        remarks: list[Remark] = []
        pixels = decode.decode(path, how, remarks)
        assert [one.text for one in remarks] == told
        assert np.count_nonzero(pixels == 0) == spoiled


def test_jpeg_2000_of_12_bits_is_read_with_8_and_it_is_said(tmp_path: Path) -> None:
    path, how = tmp_path / "p.jp2", PictureRecipe(height=4, width=4, channels=3)
    Image.fromarray(drawn(3, "uint8", 255)).save(path)
    remarks: list[Remark] = []
    decode.decode(path, how, remarks)
    assert not remarks
    data = bytearray(path.read_bytes())
    start = data.find(b"\xff\x4f\xff\x51") + 42
    data[start : start + 9 : 3] = bytes([11] * 3)
    path.write_bytes(data)
    decode.decode(path, how, remarks)
    assert remarks == [Remark("read with 8 bits a value", "of 12")]


@pytest.mark.parametrize(("flags", "bits"), [(0x0C, None), (0x4C, 10), (0x6C, 12)])
def test_bits_of_avif_are_found(tmp_path: Path, flags: int, bits: int | None) -> None:
    Image.fromarray(drawn(3, "uint8", 255)).save(tmp_path / "p.avif")
    with Image.open(tmp_path / "p.avif") as picture:
        data = bytearray((tmp_path / "p.avif").read_bytes())
        data[data.find(b"av1C") + 6] = flags
        file, picture.fp = picture.fp, io.BytesIO(bytes(data))
        assert depth.reduced(picture) == bits
        picture.fp = file
