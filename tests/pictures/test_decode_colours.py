"""Modes, profiles and deep values: each comes out in its colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from foveal.pictures import decode
from support.decoding import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    deep_picture,
    one_colour,
    recipe,
    saved,
    smooth,
    srgb,
)

# Modes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "colour", "form", "wanted"),
    [
        ("L", 77, "png", (77, 77, 77)),
        ("1", 1, "png", WHITE),
        ("1", 0, "tiff", BLACK),
        ("RGB", (10, 20, 30), "png", (10, 20, 30)),
        ("RGBA", (10, 20, 30, 255), "png", (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), "png", WHITE),
        ("RGBA", (0, 100, 200, 51), "tiff", (204, 224, 244)),
        ("LA", (40, 255), "png", (40, 40, 40)),
        ("LA", (40, 0), "png", WHITE),
        ("CMYK", (255, 0, 100, 0), "tiff", (0, 255, 155)),
        ("CMYK", (0, 0, 0, 200), "tiff", (55, 55, 55)),
        ("CMYK", (0, 0, 0, 0), "jpeg", WHITE),
        ("CMYK", (0, 0, 0, 255), "jpeg", BLACK),
        ("I;16", 65535, "png", WHITE),
        ("I;16", 0, "tiff", BLACK),
    ],
)
def test_every_mode_comes_out_in_its_colours(
    tmp_path: Path, mode: str, colour: object, form: str, wanted: tuple[int, ...]
) -> None:
    path = saved(tmp_path / f"p.{form}", Image.new(mode, (4, 4), colour))  # type: ignore[arg-type]
    assert one_colour(path) == wanted


def test_grey_is_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", Image.new("RGB", (4, 4), (10, 200, 30)))
    wanted = round(0.299 * 10 + 0.587 * 200 + 0.114 * 30)  # ITU-R 601-2
    assert one_colour(path, channels=1) == (wanted,)


def palette() -> Image.Image:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([*RED, *GREEN, *BLUE])
    return picture


@pytest.mark.parametrize("form", ["png", "gif", "bmp", "tiff"])
def test_a_palette_is_looked_up(tmp_path: Path, form: str) -> None:
    assert one_colour(saved(tmp_path / f"p.{form}", palette())) == GREEN


@pytest.mark.parametrize("form", ["png", "gif"])
@pytest.mark.parametrize(("clear", "wanted"), [(0, GREEN), (1, WHITE)])
def test_the_clear_colour_of_a_palette_is_white(
    tmp_path: Path, form: str, clear: int, wanted: tuple[int, ...]
) -> None:
    path = saved(tmp_path / f"p.{form}", palette(), transparency=clear)
    assert one_colour(path) == wanted


def test_a_palette_with_graded_alpha_is_laid_over_white(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", palette(), transparency=bytes([0, 51, 255]))
    assert one_colour(path) == (204, 255, 204)


@pytest.mark.parametrize(
    ("mode", "colour", "transparency"),
    [("RGB", (9, 8, 7), (9, 8, 7)), ("L", 9, 9), ("1", 0, 0)],
)
def test_a_png_with_one_clear_colour_is_laid_over_white(
    tmp_path: Path, mode: str, colour: object, transparency: object
) -> None:
    picture = Image.new(mode, (4, 4), colour)  # type: ignore[arg-type]
    assert one_colour(saved(tmp_path / "p.png", picture, transparency=transparency)) == WHITE


def test_invisible_colours_do_not_bleed(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[:, :15] = (0, 0, 0, 255)
    pixels[:, 15:] = (255, 0, 0, 0)
    got = decode.decode(saved(tmp_path / "p.png", pixels), recipe())
    np.testing.assert_array_equal(got[..., 0], got[..., 1])
    assert got[0, 0].tolist() == [0, 0, 0]
    assert got[0, -1].tolist() == [255, 255, 255]


# More than 8 bits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "form"),
    [("uint16", "png"), ("uint16", "tiff"), ("int32", "tiff"), ("float32", "tiff")],
)
def test_deep_values_are_scaled_not_clipped(tmp_path: Path, dtype: str, form: str) -> None:
    values = deep_picture(dtype)
    path = saved(tmp_path / f"p.{form}", values)
    got = decode.decode(path, recipe(8, 8, 1, deep_low=1000, deep_high=5000))[..., 0]
    unit = np.clip((values.astype(float) - 1000) / 4000, 0, 1)
    np.testing.assert_allclose(got, 255 * unit, atol=0.5001)
    assert decode.deep_range(path) == (0, 6300)


def test_deep_ascii_greys_are_scaled_too(tmp_path: Path) -> None:
    path = tmp_path / "p.pgm"
    path.write_bytes(b"P5 2 1 4095\n" + np.array([0, 4095], dtype=">u2").tobytes())
    low, high = decode.deep_range(path)
    got = decode.decode(path, recipe(1, 2, 1, deep_low=low, deep_high=high))
    assert got.ravel().tolist() == [0, 255]


def test_large_deep_values_keep_their_differences(tmp_path: Path) -> None:
    values = (2**30 + np.arange(64, dtype=np.int32)).reshape(8, 8)
    path = saved(tmp_path / "p.tiff", values)
    how = recipe(8, 8, 1, deep_low=2.0**30, deep_high=2.0**30 + 63)
    wanted = np.arange(64).reshape(8, 8) * 255 / 63
    np.testing.assert_allclose(decode.decode(path, how)[..., 0], wanted, atol=0.5001)


def test_nan_and_infinity_in_a_float_picture(tmp_path: Path) -> None:
    values = np.array([[0, 1], [np.nan, np.inf]], dtype=np.float32)
    path = saved(tmp_path / "p.tiff", values)
    assert decode.deep_range(path) == (0, 1)
    got = decode.decode(path, recipe(2, 2, 1, deep_low=0, deep_high=1))
    assert got.ravel().tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floats_of_an_unknown_range_are_not_black(tmp_path: Path, white: float) -> None:
    levels = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8) * white
    levels[7, 7] = 1.02 * white  # a little glare
    levels[0, 0] = np.nan
    Image.fromarray(levels).save(tmp_path / "a.tiff")
    found = decode.decode(tmp_path / "a.tiff", recipe(channels=1))[:, :, 0].astype(float)
    wanted = np.clip(np.nan_to_num(levels) * 255 / white, 0, 255)
    np.testing.assert_allclose(found, wanted, atol=0.51)


# Colour profiles ---------------------------------------------------------------------------


def swapped_primaries() -> bytes:
    """sRGB under another name, red and green exchanged."""
    profile = srgb().replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be"))
    profile = profile.replace(b"sRGB", b"tRGB")
    head, tags = profile[:128], profile[128:]
    tags = tags.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    return head + tags


@pytest.mark.parametrize("form", ["png", "tiff"])
def test_a_profile_is_applied(tmp_path: Path, form: str) -> None:
    picture = Image.new("RGB", (4, 4), RED)
    path = saved(tmp_path / f"p.{form}", picture, icc_profile=swapped_primaries())
    got = one_colour(path)
    np.testing.assert_allclose(got, GREEN, atol=2)


def test_a_profile_is_applied_to_a_reduced_jpeg(tmp_path: Path) -> None:
    picture = Image.new("RGB", (400, 400), RED)
    path = saved(tmp_path / "p.jpg", picture, icc_profile=swapped_primaries(), quality=95)
    np.testing.assert_allclose(one_colour(path), GREEN, atol=6)


def test_the_standard_profile_changes_nothing(tmp_path: Path) -> None:
    pixels = smooth(16, 16)
    plain = saved(tmp_path / "plain.png", pixels)
    tagged = saved(tmp_path / "tagged.png", pixels, icc_profile=srgb())
    np.testing.assert_array_equal(decode.decode(tagged, recipe()), decode.decode(plain, recipe()))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "P", "LA", "RGBA"])
@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(lambda: b"no profile at all", id="text"),
        pytest.param(lambda: srgb()[:200], id="cut short"),
        pytest.param(swapped_primaries, id="RGB"),
        pytest.param(
            lambda: ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="Lab"
        ),
        pytest.param(
            lambda: ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes(), id="XYZ"
        ),
    ],
)
def test_an_unfit_profile_does_not_lose_the_picture(
    tmp_path: Path, mode: str, profile: Callable[[], bytes]
) -> None:
    path = saved(tmp_path / "p.tiff", Image.new(mode, (8, 8)), icc_profile=profile())
    assert decode.decode(path, recipe()).shape == (8, 8, 3)


@settings(max_examples=60)
@given(
    changes=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=8),
    length=st.integers(0, 700),
)
def test_no_damaged_profile_loses_the_picture(
    tmp_path: Path, changes: list[tuple[int, int]], length: int
) -> None:
    profile = bytearray(swapped_primaries())
    for place, value in changes:
        profile[place % len(profile)] = value
    path = tmp_path / "p.png"
    Image.new("RGB", (8, 8), RED).save(path, icc_profile=bytes(profile[:length]) or None)
    assert decode.decode(path, recipe()).shape == (8, 8, 3)
