"""The stream: pictures from files and from arrays come out alike, in order, as the recipe says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_image

from foveal.errors import DataError
from foveal.pictures import decode
from foveal.pictures import preparing as stream
from foveal.pictures.adaptation import adapted
from foveal.pictures.preparing import prepared
from foveal.pictures.sources import gather
from foveal.pictures.survey import look_over, recipe_for
from foveal.recipe import RESIZES, PictureRecipe

Draw = Callable[..., np.ndarray]
NETWORK = PictureRecipe(height=12, width=16, channels=3)


def all_of(pictures, recipe: PictureRecipe, rows=None, threads: int = 2) -> list[np.ndarray | str]:
    found = gather(pictures)
    chosen = range(len(found)) if rows is None else rows
    return list(prepared(found, recipe, chosen, threads))


@pytest.fixture
def paths(tmp_path: Path, draw_picture: Draw) -> list[Path]:
    """Make nine PNG files, the fifth of them a wreck."""
    made = [tmp_path / f"{index}.png" for index in range(9)]
    for index, path in enumerate(made):
        Image.fromarray(draw_picture(index)).save(path)
    made[4].write_bytes(b"no picture")
    return made


# Files -------------------------------------------------------------------------------------


def test_files_are_what_the_decoder_gives_and_wrecks_are_words(paths: list[Path]) -> None:
    found = all_of(paths, NETWORK)
    assert isinstance(found[4], str) and "not a picture" in found[4]
    for row in (0, 1, 2, 3, 5, 6, 7, 8):
        np.testing.assert_array_equal(found[row], decode.decode(paths[row], NETWORK))


@pytest.mark.usefixtures("decoded_here")
def test_order_is_that_of_the_rows_however_long_each_takes(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decode.decode

    def uneven(path: Path, recipe: PictureRecipe, remarks: object = None) -> np.ndarray:
        time.sleep(0.003 * (9 - int(path.stem)))
        return real(path, recipe, remarks)

    monkeypatch.setattr(decode, "decode", uneven)
    rows = [8, 0, 3, 3, 7, 1]
    for row, picture in zip(rows, all_of(paths, NETWORK, rows, 4), strict=True):
        np.testing.assert_array_equal(picture, real(paths[row], NETWORK))


@pytest.mark.usefixtures("decoded_here")
def test_no_more_wait_than_the_memory_allows(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []
    real = decode.decode
    monkeypatch.setattr(decode, "decode", lambda *args: begun.append(args[0]) or real(*args))
    monkeypatch.setattr(stream, "MOST_WAITING", 3 * 12 * 16 * 3)
    coming = prepared(gather(paths), NETWORK, range(9), 1)
    next(coming)
    time.sleep(0.1)
    assert 3 <= len(begun) <= 4
    coming.close()


def test_nothing_comes_of_no_rows(paths: list[Path]) -> None:
    assert all_of(paths, NETWORK, []) == []
    assert all_of(np.zeros((2, 12, 16, 3), np.uint8), NETWORK, []) == []


# Arrays ------------------------------------------------------------------------------------


def of_arrays(array: np.ndarray, **more: object) -> PictureRecipe:
    return recipe_for(look_over(gather(array)), replace(NETWORK, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("sides", [(24, 32), (30, 20), (12, 16), (5, 7)])
def test_an_array_and_its_file_are_the_same_picture(
    tmp_path: Path, draw_picture: Draw, resize: str, sides: tuple[int, int]
) -> None:
    pixels = draw_picture(3, *sides)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    recipe = of_arrays(pixels[None], resize=resize)
    (from_array,) = all_of(pixels[None], recipe)
    (from_file,) = all_of([tmp_path / "p.png"], recipe)
    assert from_array.dtype == from_file.dtype == np.uint8
    np.testing.assert_array_equal(from_array, from_file)


@pytest.mark.parametrize("resize", RESIZES)
def test_floats_are_the_same_picture_from_0_to_1(draw_picture: Draw, resize: str) -> None:
    pixels = np.stack([draw_picture(seed, 24, 24) for seed in range(4)])
    pixels[0, 0, 0, 0], pixels[0, 0, 0, 1] = 0, 255
    floats = (pixels.astype(np.float64) * 7 - 1000).astype("float64")
    bytes_recipe, floats_recipe = (of_arrays(one, resize=resize) for one in (pixels, floats))
    assert (floats_recipe.low, floats_recipe.high) == (-1000, 785)
    for exact, rounded in zip(
        all_of(floats, floats_recipe), all_of(pixels, bytes_recipe), strict=True
    ):
        assert exact.dtype == np.float32 and exact.shape == (12, 16, 3)
        np.testing.assert_allclose(exact * 255, rounded, atol=1.01)


@settings(max_examples=30)
@given(
    dtype=st.sampled_from(["uint8", "uint16", "int64", "float16", "float32", "bool"]),
    count=st.integers(1, 20),
    threads=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_arrays_of_the_right_size_are_only_scaled(
    dtype: str, count: int, threads: int, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    array = draws.integers(0, 2 if dtype == "bool" else 200, (count, 12, 16, 3)).astype(dtype)
    recipe = of_arrays(array)
    rows = draws.permutation(count)
    found = all_of(array, recipe, rows, threads)
    wanted = array[rows].astype(float)
    if dtype != "uint8":
        wanted = (wanted - recipe.low) / (recipe.high - recipe.low)
    np.testing.assert_allclose(np.stack(found), wanted, atol=1e-6)
    assert found[0].dtype == (np.uint8 if dtype == "uint8" else np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_grey_becomes_three_equal_planes(dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 1)).astype(dtype)
    for picture in all_of(array, of_arrays(array)):
        assert picture.shape == (12, 16, 3)
        np.testing.assert_array_equal(picture[:, :, 0], picture[:, :, 2])
        np.testing.assert_array_equal(picture[:, :, 0], picture[:, :, 1])


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_colour_becomes_the_grey_of_pillow(draw_picture: Draw, dtype: str) -> None:
    pixels = draw_picture(1, 12, 16)
    pixels[0, 0], pixels[0, 1] = 0, 255
    array = pixels[None].astype(dtype)
    (grey,) = all_of(array, of_arrays(array, channels=1, mean=(0.5,), std=(0.5,)))
    wanted = np.asarray(Image.fromarray(pixels).convert("L"))
    assert grey.shape == (12, 16, 1)
    scaled = grey[:, :, 0].astype(float) * (1 if dtype == "uint8" else 255)
    np.testing.assert_allclose(scaled, wanted, atol=1.01)
    assert abs(scaled - wanted).mean() < 0.6


@pytest.mark.parametrize(("there", "wanted"), [(2, 3), (4, 3), (2, 1), (4, 1)])
def test_other_channels_are_refused(there: int, wanted: int) -> None:
    array = np.zeros((1, 12, 16, there), np.uint8)
    recipe = replace(of_arrays(array), channels=wanted, mean=(0.5,), std=(0.5,))
    with pytest.raises(DataError, match=f"1 .grey. or .* for this network, got {there} channels"):
        all_of(array, recipe)


def test_arrays_of_another_size_are_brought_to_it_only_where_the_recipe_says_so() -> None:
    array = np.zeros((1, 30, 20, 3), np.uint8)
    (found,) = all_of(array, replace(NETWORK, adapts=True))
    assert found.shape == (12, 16, 3)
    with pytest.raises(DataError, match="needed pictures of 12x16 with 3 channels"):
        all_of(array, NETWORK)


def test_the_source_is_left_as_it_was(draw_picture: Draw) -> None:
    array = np.stack([draw_picture(0, 12, 16), draw_picture(1, 12, 16)]).astype(np.float32)
    before = array.copy()
    array.flags.writeable = False
    all_of(array, of_arrays(array))
    np.testing.assert_array_equal(array, before)


def test_a_letterbox_has_grey_bars_in_both_units(draw_picture: Draw) -> None:
    wide = draw_picture(0, 12, 32)
    bars = adapted(wide, replace(NETWORK, resize="letterbox"))
    assert (bars[:3] == decode.GREY).all() and (bars[-3:] == decode.GREY).all()
    floats = adapted(wide.astype(np.float32), replace(NETWORK, resize="letterbox"))
    np.testing.assert_allclose(floats[:3] * 255, decode.GREY, atol=1e-4)


# Beside timm -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
@pytest.mark.parametrize(
    ("sides", "most"),
    [
        pytest.param((384, 576), 0.5, id="whole pixels"),  # 256x384 after theirs, no rounding
        pytest.param((427, 640), 7.0, id="cut within pixels"),  # theirs moves 0.3 pixels aside
    ],
)
def test_the_customary_crop_is_that_of_timm(
    tmp_path: Path, name: str, sides: tuple[int, int], most: float
) -> None:
    data = pytest.importorskip("timm.data")
    pixels = np.ascontiguousarray(load_sample_image(name)[: sides[0], : sides[1]])
    theirs = data.create_transform(
        (3, 224, 224), interpolation="bicubic", crop_pct=0.875, mean=(0, 0, 0), std=(1, 1, 1)
    )
    wanted = 255 * theirs(Image.fromarray(pixels)).numpy().transpose(1, 2, 0)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    recipe = PictureRecipe(
        height=224, width=224, channels=3, resize="crop", kept=0.875, interpolation="bicubic"
    )

    def apart(one: PictureRecipe) -> float:
        (picture,) = all_of([tmp_path / "p.png"], one)
        return float(abs(picture.astype(float) - wanted).mean())

    assert apart(recipe) < most  # of 255
    assert apart(replace(recipe, kept=1.0)) > 2 * most
    assert apart(replace(recipe, resize="stretch")) > 2 * most
