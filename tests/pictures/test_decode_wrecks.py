"""What cannot be decoded: every wreck gives a reason, and costs itself alone."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.pictures import decode, opening
from foveal.pictures.encoded import Unreadable
from support.decoding import deep_picture, encoded, exif, recipe, saved, smooth, srgb


def header_only_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        tail = zlib.crc32(name + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + name + data + tail

    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    body = chunk(b"IHDR", sides + b"\x08\0\0\0\0") + chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + body


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
