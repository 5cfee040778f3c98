"""The survey: size, channels and scaling that a data set asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveal.errors import FovealError
from foveal.pictures import decode, survey
from foveal.pictures.ranges import measure_range
from foveal.pictures.sources import gather
from foveal.pictures.store import open_store
from foveal.pictures.survey import (
    choose_recipe,
    look_over,
    measure_scaling,
    recipe_for,
)
from foveal.recipe import PictureRecipe

Make = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    """Make a folder of pictures of given (height, width) and mode."""

    def make(*pictures: tuple[int, int, str]) -> Path:
        for index, (height, width, mode) in enumerate(pictures):
            Image.new(mode, (width, height)).save(tmp_path / f"{index}.tiff")
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([(33, 41)], (33, 41)),
        ([(64, 64)], (64, 64)),
        ([(1, 1)], (1, 1)),
        ([(65, 64)], (64, 64)),
        ([(300, 400)], (48, 64)),
        ([(400, 300)], (64, 48)),
        ([(1000, 100)], (64, 8)),
        ([(1000, 1)], (64, 8)),
        ([(100, 150)], (40, 64)),  # 42.7 rounds to 40
        ([(10, 20), (30, 20), (20, 60)], (20, 20)),
        ([(10, 10), (20, 30)], (15, 20)),
        ([(20, 20), (30, 30), (900, 900)], (30, 30)),
    ],
)
def test_size_is_the_median_capped(
    folder: Make, sizes: list[tuple[int, int]], wanted: tuple[int, int]
) -> None:
    recipe = choose_recipe(gather(folder(*[(*size, "L") for size in sizes])))
    assert (recipe.height, recipe.width) == wanted


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_size_is_as_a_person_sees_it(tmp_path: Path, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / f"p.{form}", exif=exif)
    recipe = choose_recipe(gather(tmp_path))
    assert (recipe.height, recipe.width) == (40, 20)


@pytest.mark.parametrize(
    ("modes", "wanted"),
    [
        (["L"], 1),
        (["1", "LA", "I;16", "F", "RGB"], 1),
        (["L", "RGB"], 3),
        (["L", "RGB", "CMYK"], 3),
        (["L", "L", "RGB"], 1),
        (["P"], 3),
        (["RGBA"], 3),
    ],
)
def test_channels_are_those_of_the_majority(folder: Make, modes: list[str], wanted: int) -> None:
    assert choose_recipe(gather(folder(*[(9, 9, mode) for mode in modes]))).channels == wanted


def test_what_is_asked_for_is_given(folder: Make) -> None:
    found = choose_recipe(
        gather(folder((90, 90, "L"))),
        size=(70, 5),
        channels=3,
        resize="crop",
        interpolation="lanczos",
    )
    assert found.shape == (3, 70, 5)
    assert (found.resize, found.interpolation) == ("crop", "lanczos")


@pytest.mark.parametrize("channels", [2, 4])
def test_files_have_one_or_three_channels(folder: Make, channels: int) -> None:
    with pytest.raises(FovealError, match="channels"):
        choose_recipe(gather(folder((9, 9, "RGBA"))), channels=channels)


def test_wrecks_do_not_count(folder: Make) -> None:
    root = folder((20, 30, "RGB"))
    for index in range(5):
        (root / f"wreck{index}").write_bytes(b"x")
    assert choose_recipe(gather(root)).shape == (3, 20, 30)


def test_no_picture_at_all_is_said_with_reasons(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("eggs, milk")
    (tmp_path / "void").write_text("")
    with pytest.raises(FovealError, match=r"notes\.txt: not a picture.*void: empty file"):
        choose_recipe(gather(tmp_path))


@pytest.mark.usefixtures("decoded_here")
def test_few_heads_of_many_files_are_read(folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = gather(folder(*[(9, 9, "L")] * 50))
    looked: list[Path] = []
    real = decode.look
    monkeypatch.setattr(survey, "MOST_LOOKED_AT", 5)
    monkeypatch.setattr(decode, "look", lambda path: looked.append(path) or real(path))
    choose_recipe(pictures)
    assert len(set(looked)) == 5
    assert {pictures.content.pictures[0], pictures.content.pictures[-1]} <= set(looked)


# Deep pictures -----------------------------------------------------------------------------


def test_one_deep_range_for_the_data_set(tmp_path: Path) -> None:
    for index, values in enumerate([[100, 200], [150, 4000], [3000, 3000]]):
        pixels = np.array([values, values], dtype=np.uint16)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    pictures = gather(tmp_path)
    recipe = choose_recipe(pictures)
    assert (recipe.deep_low, recipe.deep_high) == (100, 4000)
    got = open_store(pictures, recipe).images[:, 0, :, 0].astype(float)
    wanted = (np.array([[100, 200], [150, 4000], [3000, 3000]]) - 100) / 3900 * 255
    np.testing.assert_allclose(got, wanted, atol=0.501)


def test_a_constant_deep_data_set_is_black(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 7, dtype=np.uint16)).save(tmp_path / "p.png")
    pictures = gather(tmp_path)
    assert not np.array(open_store(pictures, choose_recipe(pictures)).images).any()


def test_a_truncated_deep_picture_does_not_stop_the_survey(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("whole.png", "cut.png"):
        pixels = generator.integers(0, 65535, (40, 40), dtype=np.uint16)
        Image.fromarray(pixels).save(tmp_path / name)
    whole = np.asarray(Image.open(tmp_path / "whole.png"))
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:1000])
    recipe = choose_recipe(gather(tmp_path))
    assert (recipe.deep_low, recipe.deep_high) == (whole.min(), whole.max())


# Arrays ------------------------------------------------------------------------------------


def test_arrays_stay_as_they_are() -> None:
    recipe = choose_recipe(gather(np.zeros((3, 100, 50, 2))))
    assert recipe.shape == (2, 100, 50)
    assert not recipe.folded
    assert choose_recipe(gather(np.zeros((3, 64)))).folded
    same = choose_recipe(gather(np.zeros((3, 10, 5))), size=(10, 5), channels=1)
    assert same.shape == (1, 10, 5)


@pytest.mark.parametrize("asked", [{"size": (8, 8)}, {"channels": 3}])
def test_arrays_are_not_resized(asked: dict[str, object]) -> None:
    with pytest.raises(FovealError, match="10x5 with 1 channel, as the array has them"):
        choose_recipe(gather(np.zeros((3, 10, 5))), **asked)  # type: ignore[arg-type]


def bare(images: np.ndarray) -> PictureRecipe:
    height, width, channels = images.shape[1:]
    return PictureRecipe(height=height, width=width, channels=channels)


@given(
    dtype=st.sampled_from(["uint8", "int16", "uint16", "float32", "float64", "bool"]),
    channels=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_scaling_agrees_with_numpy(dtype: str, channels: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 2 if dtype == "bool" else 200, (12, 4, 5, channels)).astype(
        dtype
    )
    rows = generator.permutation(12)[:9]
    found = measure_scaling(images, rows, bare(images))
    trained = images[rows].astype(float)
    low, high = (0, 255) if dtype == "uint8" else (trained.min(), trained.max())
    unit = (trained - low) / (high - low)
    assert (found.low, found.high) == (low, high)
    np.testing.assert_allclose(found.mean, unit.mean(axis=(0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(found.std, unit.std(axis=(0, 1, 2)), atol=1e-6)


def test_the_range_is_that_of_all_training_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_MEASURED", 3)
    images = np.zeros((100, 1, 1, 1), dtype=np.float32)
    images[[0, 20, 50, 70, 99], 0, 0, 0] = [-99, -4, 2, 8, 99]
    found = measure_scaling(images, np.arange(10, 91), bare(images))
    assert (found.low, found.high) == (-4, 8)
    unit = np.array([4, 6, 4]) / 12  # of the rows 10, 50 and 90
    assert found.mean == pytest.approx([unit.mean()], abs=1e-6)


def test_a_constant_has_a_scaling() -> None:
    images = np.full((4, 2, 2, 1), 7.0)
    found = measure_scaling(images, np.arange(4), bare(images))
    assert (found.low, found.high) == (7, 8)
    assert found.mean == (0,)
    assert found.std[0] > 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_numbers_must_be_finite(value: float, dtype: str) -> None:
    images = np.zeros((5000, 1, 1, 1), dtype=dtype)
    images[1] = value  # a row that is not among those measured
    with pytest.raises(FovealError, match="needed finite numbers, got NaN or infinity"):
        measure_scaling(images, np.arange(5000), bare(images))


# For a network that is there already -------------------------------------------------------

NETWORK = PictureRecipe(
    height=40,
    width=30,
    channels=3,
    resize="crop",
    kept=0.875,
    interpolation="bicubic",
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
)


def test_files_are_prepared_as_the_network_wants_them(folder: Make) -> None:
    found = recipe_for(look_over(gather(folder((9, 70, "L"), (50, 9, "RGB")))), NETWORK)
    assert found == replace(NETWORK, adapts=True)


def test_files_bring_their_deep_range_and_forget_that_of_arrays(tmp_path: Path) -> None:
    Image.fromarray(np.array([[100, 4000]], dtype=np.uint16)).save(tmp_path / "p.png")
    before = recipe_for(look_over(gather(np.array([[[0.0, 7.0]]]))), NETWORK)
    assert (before.low, before.high) == (0, 7)
    found = recipe_for(look_over(gather(tmp_path)), before)
    assert found == replace(NETWORK, deep_low=100.0, deep_high=4000.0, adapts=True)


def test_a_folder_without_a_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("eggs, milk")
    with pytest.raises(FovealError, match=r"notes\.txt: not a picture"):
        recipe_for(look_over(gather(tmp_path)), NETWORK)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("uint8", 0, 255), ("int16", 3, 90), ("float32", 3, 90), ("float64", 3, 90)],
)
def test_arrays_bring_their_range_and_may_have_any_size(
    dtype: str, low: float, high: float
) -> None:
    array = np.random.default_rng(0).integers(4, 90, (5, 8, 9, 1)).astype(dtype)
    array[1, 0, 0, 0], array[2, 3, 3, 0] = 3, 90
    found = recipe_for(look_over(gather(array)), NETWORK)
    assert found == replace(NETWORK, low=low, high=high, adapts=True)


def test_rows_of_pixels_are_remembered_as_such() -> None:
    assert recipe_for(look_over(gather(np.random.default_rng(0).random((4, 64)))), NETWORK).folded
    assert not recipe_for(
        look_over(gather(np.random.default_rng(0).random((4, 8, 8)))), NETWORK
    ).folded


def test_the_test_part_is_not_looked_at() -> None:
    array = np.random.default_rng(0).random((6, 4, 4, 1))
    array[4:] = 9
    parts = np.array(["train"] * 3 + ["validation"] + ["test"] * 2)
    pictures = replace(gather(array), parts=parts)
    found = recipe_for(look_over(pictures), NETWORK)
    assert (found.low, found.high) == (array[:4].min(), array[:4].max())
    alone = recipe_for(look_over(replace(pictures, parts=np.array(["test"] * 6))), NETWORK)
    assert alone.high == 9


@given(
    dtype=st.sampled_from(["uint8", "int16", "bool", "float16", "float32"]),
    rows=st.lists(st.integers(0, 7), min_size=1, unique=True),
    seed=st.integers(0, 99),
)
def test_the_range_agrees_with_numpy(dtype: str, rows: list[int], seed: int) -> None:
    high = 2 if dtype == "bool" else 200
    images = np.random.default_rng(seed).integers(0, high, (8, 2, 2, 1)).astype(dtype)
    low, top = measure_range(images, np.array(rows))
    seen = images[rows].astype(float)
    if dtype == "uint8":
        assert (low, top) == (0, 255)
    elif seen.min() == seen.max():
        assert (low, top) == (seen.min(), seen.min() + 1)
    else:
        assert (low, top) == (seen.min(), seen.max())


def test_all_rows_in_another_order_and_number_are_the_rows_asked_for() -> None:
    images = np.array([1.0, 2.0, 3.0, 50.0]).reshape(4, 1, 1, 1)
    assert measure_range(images, np.array([2, 0, 1])) == (1, 3)
    assert measure_range(images, np.array([3, 2, 0, 1])) == (1, 50)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_range_must_be_finite_where_it_is_looked_at(value: float) -> None:
    images = np.array([1.0, 2.0, value]).reshape(3, 1, 1, 1)
    assert measure_range(images, np.array([0, 1])) == (1, 2)
    with pytest.raises(FovealError, match="needed finite numbers, got NaN or infinity"):
        measure_range(images, np.array([0, 2]))
