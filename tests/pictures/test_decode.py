"""The decoder: every mode and orientation comes out right, every wreck gives a reason."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin, WebPImagePlugin

from foveal.pictures import decode, opening
from foveal.pictures.encoded import Unreadable
from foveal.recipe import PictureRecipe

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
ORIENTATION = 0x0112

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


def recipe(height: int = 8, width: int = 8, channels: int = 3, **more: object) -> PictureRecipe:
    return PictureRecipe(height=height, width=width, channels=channels, **more)  # type: ignore[arg-type]


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Draw a picture without fine detail, asymmetric in every way."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def saved(path: Path, picture: Image.Image | np.ndarray, **options: object) -> Path:
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image.save(path, **options)
    return path


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[ORIENTATION] = orientation
    return found


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


# Modes -------------------------------------------------------------------------------------


def one_colour(path: Path, channels: int = 3) -> tuple[int, ...]:
    """Decode a picture that must prove to be of one colour."""
    pixels = decode.decode(path, recipe(4, 4, channels)).reshape(-1, channels)
    assert (pixels == pixels[0]).all()
    return tuple(int(value) for value in pixels[0])


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


def deep_picture(dtype: str) -> np.ndarray:
    return np.arange(0, 6400, 100).reshape(8, 8).astype(dtype)


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


# Colour profiles ---------------------------------------------------------------------------


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


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


# Wrecks ------------------------------------------------------------------------------------


def header_only_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        tail = zlib.crc32(name + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + name + data + tail

    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    body = chunk(b"IHDR", sides + b"\x08\0\0\0\0") + chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(smooth(18, 24)).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "empty file", id="empty"),
        pytest.param(b"shopping list: eggs, milk\n" * 20, "not a picture", id="text"),
        pytest.param(b"\0\0\0\x01Bud1\0\0\x10\0\0\0\x08\0" + bytes(100), "not a picture", id="DS"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a pict", id="EPS"),
        pytest.param(encoded("JPEG")[:600], "truncated", id="JPEG cut"),
        pytest.param(encoded("PNG")[:600], "truncated", id="PNG cut"),
        pytest.param(header_only_png(20_000, 20_000), "more than 89,478,485 pixels", id="bomb"),
    ],
)
def test_wrecks_give_their_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "wreck.jpg"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        decode.decode(path, recipe())


def test_a_missing_file_is_named_so(tmp_path: Path) -> None:
    for read in (decode.look, decode.deep_range, lambda path: decode.decode(path, recipe())):
        with pytest.raises(Unreadable, match="no such file"):
            read(tmp_path / "nowhere" / "p.png")


def test_a_folder_is_not_a_picture(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="a folder, not a file"):
        decode.decode(tmp_path, recipe())


def test_a_path_with_a_null_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="null"):
        decode.decode(Path("a\0b.png"), recipe())


def test_the_reason_of_a_refusal_is_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "p.png", smooth(8, 8))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(opening.Image, "open", refuse)
    with pytest.raises(Unreadable, match="no permission"):
        decode.decode(path, recipe())


def test_the_size_is_checked_before_any_pixel_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "p.png", smooth(8, 8))
    monkeypatch.setattr(opening, "MOST_PIXELS", 64)
    assert decode.decode(path, recipe()).shape == (8, 8, 3)
    monkeypatch.setattr(opening, "MOST_PIXELS", 63)
    monkeypatch.setattr(decode, "_prepared", None)
    for read in (decode.look, lambda path: decode.decode(path, recipe())):
        with pytest.raises(Unreadable, match="more than 63 pixels"):
            read(path)


def test_a_large_picture_within_the_limit_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(header_only_png(9_000, 9_000))
    assert decode.look(path)[:3] == (9_000, 9_000, "L")
    path.write_bytes(header_only_png(10_000, 9_000))
    with pytest.raises(Unreadable, match="more than 89,478,485 pixels"):
        decode.look(path)


def out_of_memory(*_: object, **__: object) -> None:
    raise MemoryError("out of memory")


def test_a_lack_of_memory_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "p.png", smooth(8, 8))
    monkeypatch.setattr(decode, "_prepared", out_of_memory)
    with pytest.raises(MemoryError, match="out of memory"):
        decode.decode(path, recipe())


def test_a_lack_of_memory_is_not_blamed_on_a_deep_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "p.tiff", deep_picture("uint16"))
    monkeypatch.setattr(decode.np, "asarray", out_of_memory)
    with pytest.raises(MemoryError, match="out of memory"):
        decode.deep_range(path)


@pytest.mark.parametrize("form", ["png", "jpeg", "tiff", "webp", "bmp", "gif"])
def test_look_reads_no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = saved(tmp_path / f"p.{form}", smooth(6, 10))
    loaded: list[object] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", loaded.append)
    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "load", loaded.append)
    decode.look(path)
    assert not loaded


FORMS = {
    "PNG": encoded("PNG"),
    "PNG with all": encoded("PNG", exif=exif(6), icc_profile=srgb()),
    "JPEG": encoded("JPEG"),
    "JPEG with all": encoded("JPEG", exif=exif(6), icc_profile=srgb(), progressive=True),
    "GIF": encoded("GIF"),
    "BMP": encoded("BMP"),
    "TIFF": encoded("TIFF", exif=exif(6)),
    "TIFF packed": encoded("TIFF", compression="tiff_lzw"),
    "WEBP": encoded("WEBP"),
    "TGA": encoded("TGA"),
    "PPM": encoded("PPM"),
}


def decode_or_unreadable(path: Path) -> None:
    try:
        pixels = decode.decode(path, recipe(6, 5))
    except Unreadable as reason:
        assert str(reason)
        assert "\n" not in str(reason)
    else:
        assert pixels.shape == (6, 5, 3)
        assert pixels.dtype == np.uint8
    try:
        height, width, mode, *_ = decode.look(path)
    except Unreadable as reason:
        assert str(reason)
    else:
        assert height > 0
        assert width > 0
        assert mode


@pytest.mark.parametrize("form", FORMS)
def test_every_form_survives_being_cut_anywhere(tmp_path: Path, form: str) -> None:
    path = tmp_path / "p"
    content = FORMS[form]
    for length in np.linspace(0, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:length])
        decode_or_unreadable(path)


@settings(max_examples=60)
@given(content=st.binary(max_size=400))
def test_any_bytes_decode_or_give_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p"
    path.write_bytes(content)
    decode_or_unreadable(path)


@settings(max_examples=300)
@given(
    form=st.sampled_from(sorted(FORMS)),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6
    ),
    early=st.booleans(),
)
def test_damaged_pictures_decode_or_give_a_reason(
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    changes: list[tuple[float, int]],
    early: bool,
) -> None:
    content = bytearray(FORMS[form])
    reach = min(80, len(content)) if early else len(content)
    for place, value in changes:
        content[int(place * reach)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "MOST_PIXELS", 100_000)  # lest a changed head asks for gigabytes
        decode_or_unreadable(path)


def test_only_listed_formats_are_tried() -> None:
    assert set(opening.formats()) <= set(opening.FORMATS)
    assert {"PNG", "JPEG", "GIF", "BMP", "TIFF"} <= set(opening.formats())


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floats_of_an_unknown_range_are_not_black(tmp_path: Path, white: float) -> None:
    levels = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8) * white
    levels[7, 7] = 1.02 * white  # a little glare
    levels[0, 0] = np.nan
    Image.fromarray(levels).save(tmp_path / "a.tiff")
    found = decode.decode(tmp_path / "a.tiff", recipe(channels=1))[:, :, 0].astype(float)
    wanted = np.clip(np.nan_to_num(levels) * 255 / white, 0, 255)
    np.testing.assert_allclose(found, wanted, atol=0.51)


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
