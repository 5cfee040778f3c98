"""Formats that extras read: HEIC, JPEG XL, DICOM; and what is said where there is no extra."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pylibjxl
import pytest
from PIL import Image

from foveal.pictures import decode
from foveal.pictures.encoded import InMemory, Unreadable
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.extras import EXTRAS, extra_of, identity
from foveal.pictures.opening import endings
from foveal.pictures.remarks import Remark
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from support.dicom import dicom
from support.photographs import photograph


def heic(picture: Image.Image, **options: object) -> bytes:
    data = io.BytesIO()
    pillow_heif.from_pillow(picture).save(data, quality=-1, chroma=444, **options)
    return data.getvalue()


def jxl(picture: Image.Image, **options: object) -> bytes:
    return pylibjxl.encode(np.asarray(picture), lossless=True, **options)


def grey_dicom(picture: Image.Image) -> bytes:
    return dicom(np.asarray(picture.convert("L")), 8)


MADE: dict[str, Callable[[Image.Image], bytes]] = {"HEIF": heic, "JXL": jxl, "DICOM": grey_dicom}


def how(picture: Image.Image, channels: int = 3, **more: object) -> PictureRecipe:
    return PictureRecipe(height=picture.height, width=picture.width, channels=channels, **more)


def read(data: bytes, recipe: PictureRecipe) -> tuple[np.ndarray, list[Remark]]:
    remarks: list[Remark] = []
    return decode.decode(InMemory("x", data), recipe, remarks), remarks


@pytest.mark.parametrize("kind", MADE)
def test_the_format_is_read_as_any_other(kind: str, tmp_path: Path) -> None:
    picture = photograph(0)
    ending = next(one.endings[0] for one in EXTRAS if one.format == kind)
    (tmp_path / f"a{ending}").write_bytes(MADE[kind](picture))
    found = gather(tmp_path)
    recipe = how(picture, 1 if kind == "DICOM" else 3)
    wanted = np.asarray(picture.convert("L"))[:, :, None] if kind == "DICOM" else picture
    pixels = found.content.picture(0, recipe)
    assert np.abs(np.asarray(pixels, float) - np.asarray(wanted, float)).max() <= 8
    (head,) = found.content.heads(np.arange(1))
    assert (head.height, head.width, head.format) == (48, 64, kind)
    assert ending in endings()


@pytest.mark.parametrize("kind", MADE)
def test_a_file_cut_short_is_named(kind: str) -> None:
    data = MADE[kind](photograph(0))
    content = EncodedContent((InMemory("cut", data[: len(data) * 2 // 3]),))
    assert isinstance(content.picture(0, how(photograph(0))), str)


@pytest.mark.parametrize(
    ("kind", "package", "said"),
    [
        ("HEIF", "pillow_heif", "HEIC needs an extra: pip install 'foveal[heic]'"),
        ("JXL", "foveal.pictures.jxl", "JPEG XL needs an extra: pip install 'foveal[jxl]'"),
        ("DICOM", "foveal.pictures.dicom", "DICOM needs an extra: pip install 'foveal[dicom]'"),
    ],
)
def test_without_the_extra_the_remedy_is_named(
    kind: str, package: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Unreadable) as caught:
        read(MADE[kind](photograph(0)), how(photograph(0)))
    assert str(caught.value) == said
    assert len(identity()) == 3


def test_other_files_are_no_such_formats() -> None:
    assert extra_of(b"") is None and extra_of(bytes(200)) is None
    assert extra_of(b"\0\0\0\x1cftypavif" + bytes(200)) is None


def test_a_heic_and_a_jxl_are_upright() -> None:
    picture = photograph(1)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    pixels, _ = read(heic(turned, exif=exif.tobytes()), how(picture))
    assert np.abs(pixels.astype(float) - np.asarray(picture, float)).max() <= 8


def test_a_heic_of_ten_bits_says_that_it_was_reduced() -> None:
    deep = np.asarray(photograph(2)).astype(np.uint16) * 257
    data = io.BytesIO()
    made = pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes())
    made.save(data, quality=-1, bit_depth=10)
    _, remarks = read(data.getvalue(), how(photograph(2)))
    assert remarks == [Remark("read with 8 bits a value", "of 10")]
