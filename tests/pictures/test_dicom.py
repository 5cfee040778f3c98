"""DICOM: windows and tables, frames, palettes, and how pixels are packed."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from foveal.arrays import Array
from foveal.pictures import decode
from foveal.pictures.encoded import InMemory, Page, Unreadable
from foveal.pictures.pages import paged
from foveal.pictures.remarks import Remark
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from support.dicom import dicom, grouped
from support.photographs import photograph


def how(picture: Image.Image, channels: int = 3) -> PictureRecipe:
    return PictureRecipe(height=picture.height, width=picture.width, channels=channels)


def read(data: bytes, recipe: PictureRecipe, page: int = 0) -> tuple[Array, list[Remark]]:
    remarks: list[Remark] = []
    whole = InMemory("x", data)
    pixels = decode.decode(Page(whole, page) if page else whole, recipe, remarks)
    return pixels, remarks


def grey(data: bytes, side: int, page: int = 0) -> tuple[Array, list[Remark]]:
    pixels, remarks = read(data, PictureRecipe(height=side, width=side, channels=1), page)
    return pixels[:, :, 0], remarks


# What is shown ---------------------------------------------------------------------------


def test_a_window_is_applied_after_its_rescaling() -> None:
    stored = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    facts = {"RescaleSlope": 2, "RescaleIntercept": -1024}
    data = dicom(stored, WindowCenter=[40, 300], WindowWidth=[400, 1500], **facts)
    pixels, remarks = read(data, PictureRecipe(height=64, width=64, channels=1))
    hounsfield = stored * 2.0 - 1024
    wanted = np.clip((hounsfield - 39.5) / 399 + 0.5, 0, 1) * 255
    np.testing.assert_array_equal(pixels[:, :, 0], np.rint(wanted).astype(np.uint8))
    assert remarks == [Remark("the window of the file is applied", "center 40, width 400")]


def test_without_a_window_the_bits_are_its_range() -> None:
    stored = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64)
    pixels, remarks = read(dicom(stored), PictureRecipe(height=64, width=64, channels=1))
    np.testing.assert_array_equal(pixels[:, :, 0], np.rint(stored * (255 / 4095)).astype(np.uint8))
    assert [one.detail for one in remarks] == ["12 bits"]
    signed = stored.astype(np.int16) - 2048
    np.testing.assert_array_equal(
        read(dicom(signed), PictureRecipe(height=64, width=64, channels=1))[0], pixels
    )
    inverted = dicom(stored, PhotometricInterpretation="MONOCHROME1")
    other = read(inverted, PictureRecipe(height=64, width=64, channels=1))[0]
    assert np.abs(255.0 - other - pixels).max() <= 1


def test_deep_dicoms_have_one_range_for_all(tmp_path: Path) -> None:
    for name, top in (("a.dcm", 1000), ("b.dcm", 2000)):
        values = np.linspace(100, top, 64 * 64).astype(np.uint16).reshape(64, 64)
        (tmp_path / name).write_bytes(dicom(values))
    content = gather(tmp_path).content
    low, high = content.deep_range(content.heads(np.arange(2)))
    assert (round(low * 4095 / 65535), round(high * 4095 / 65535)) == (100, 2000)


def test_colours_and_the_first_of_several_frames_are_read() -> None:
    picture = photograph(3)
    pixels, _ = read(dicom(np.asarray(picture), 8), how(picture))
    np.testing.assert_array_equal(pixels, np.asarray(picture))
    frames = np.stack([np.full((48, 64), level, np.uint8) for level in (50, 200)])
    pixels, remarks = read(dicom(frames, 8), how(picture, 1))
    assert set(pixels.ravel()) == {50}
    assert remarks[-1] == Remark("only the first page is used", "of 2")


STORED = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16


@pytest.mark.parametrize("inverted", [False, True])
def test_white_is_zero_where_a_file_says_so_also_within_a_window(inverted: bool) -> None:
    kind = "MONOCHROME1" if inverted else "MONOCHROME2"
    facts = {"WindowCenter": 2048, "WindowWidth": 4096, "PhotometricInterpretation": kind}
    pixels, _ = grey(dicom(STORED, **facts), 16)
    wanted = np.rint(((STORED - 2047.5) / 4095 + 0.5) * 255)
    np.testing.assert_array_equal(pixels, 255 - wanted if inverted else wanted)


def test_functions_of_a_window_are_those_of_the_standard() -> None:
    window = {"WindowCenter": 2000, "WindowWidth": 1000}
    exact, remarks = grey(dicom(STORED, VOILUTFunction="LINEAR_EXACT", **window), 16)
    np.testing.assert_array_equal(
        exact, np.rint(np.clip((STORED - 2000.0) / 1000 + 0.5, 0, 1) * 255)
    )
    assert remarks[0].detail == "center 2000, width 1000, linear_exact"
    sigmoid, _ = grey(dicom(STORED, VOILUTFunction="SIGMOID", **window), 16)
    np.testing.assert_array_equal(
        sigmoid, np.rint(255 / (1 + np.exp(-4 * (STORED - 2000.0) / 1000)))
    )


def test_a_table_of_values_comes_before_a_window() -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 12], [4095 - at for at in range(4096)]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    data = dicom(STORED, VOILUTSequence=[table], WindowCenter=1, WindowWidth=2)
    pixels, remarks = grey(data, 16)
    np.testing.assert_array_equal(pixels, np.rint((4095 - STORED) * (255 / 4095)))
    assert remarks == [Remark("the table of the file for its values is applied")]


@pytest.mark.parametrize("bits", [8, 16])
def test_colours_of_a_palette_are_looked_up(bits: int) -> None:
    draws = np.random.default_rng(0)
    numbers = draws.integers(0, 200, (48, 64), dtype=np.uint8)
    colours = draws.integers(0, 256, (200, 3), dtype=np.uint8)
    facts: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for channel, name in enumerate(("Red", "Green", "Blue")):
        entries = colours[:, channel].astype(np.uint16) * (257 if bits == 16 else 1)
        packed = entries.astype(np.uint8) if bits == 8 else entries
        facts[f"{name}PaletteColorLookupTableDescriptor"] = [200, 0, bits]
        facts[f"{name}PaletteColorLookupTableData"] = packed.tobytes()
    pixels, _ = read(dicom(numbers, 8, **facts), how(photograph(0)))
    np.testing.assert_array_equal(pixels, colours[numbers])


# Frames ----------------------------------------------------------------------------------


def test_every_frame_can_be_a_picture_with_its_own_window_and_rescaling(tmp_path: Path) -> None:
    frames = np.stack([STORED, STORED[::-1]])
    windows = [(1000, 500), (3000, 800)]
    own = [
        grouped("FrameVOILUTSequence", WindowCenter=center, WindowWidth=width)
        for center, width in windows
    ]
    rescaled = grouped(
        "PixelValueTransformationSequence", RescaleSlope=2, RescaleIntercept=-7, RescaleType="US"
    )
    facts = {
        "PerFrameFunctionalGroupsSequence": own,
        "SharedFunctionalGroupsSequence": [rescaled],
    }
    (tmp_path / "scan.dcm").write_bytes(dicom(frames, **facts))
    found = paged(gather(tmp_path))
    assert list(found.names) == ["scan.dcm#1", "scan.dcm#2"]
    recipe = PictureRecipe(height=16, width=16, channels=1)
    for row, (center, width) in enumerate(windows):
        known = frames[row] * 2.0 - 7
        wanted = np.clip((known - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
        np.testing.assert_array_equal(
            np.asarray(found.content.picture(row, recipe))[:, :, 0], np.rint(wanted)
        )
        assert found.content.remarks(row)[0].detail == f"center {center}, width {width}"
    with pytest.raises(Unreadable, match="no page 3"):
        grey((tmp_path / "scan.dcm").read_bytes(), 16, 3)


# How pixels are packed -------------------------------------------------------------------


def test_pixels_packed_by_runs_are_those_of_the_plain_file() -> None:
    frames = np.stack([STORED, STORED[::-1]])
    data = dicom(frames, syntax=RLELossless)
    for page, values in enumerate(frames, 1):
        pixels, _ = grey(data, 16, page)
        np.testing.assert_array_equal(pixels, np.rint(values * (255 / 4095)))
    picture = photograph(1)
    colours, _ = read(dicom(np.asarray(picture), 8, syntax=RLELossless), how(picture))
    np.testing.assert_array_equal(colours, np.asarray(picture))


@pytest.mark.parametrize(
    ("syntax", "kind", "options"),
    [
        (JPEGBaseline8Bit, "JPEG", {"quality": 95}),
        (JPEG2000Lossless, "JPEG2000", {"irreversible": False, "no_jp2": True}),
    ],
)
def test_jpegs_within_are_read(syntax: str, kind: str, options: dict[str, object]) -> None:
    picture = photograph(2).convert("L")
    data = io.BytesIO()
    picture.save(data, kind, **options)
    packed = dicom(np.asarray(picture), 8, syntax, [data.getvalue()])
    pixels, _ = read(packed, how(picture, 1))
    with Image.open(io.BytesIO(data.getvalue())) as opened:
        np.testing.assert_array_equal(pixels[:, :, 0], np.asarray(opened))


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless])
def test_what_other_packages_unpack_is_named_with_the_remedy(
    syntax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gdcm", "libjpeg", "jpeg_ls"):
        monkeypatch.setitem(sys.modules, name, None)
    data = dicom(STORED, 12, syntax, [b"\xff\xd8 whatever"])
    with pytest.raises(Unreadable, match=r"compressed as JPEG.*pip install python-gdcm$"):
        grey(data, 16)
