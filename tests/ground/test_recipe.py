"""The record of how pictures become numbers: what it fills in and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest

from foveal.errors import UsageError
from foveal.recipe import INTERPOLATIONS, LARGEST_SIDE, RESIZES, PictureRecipe


def test_shape_is_channels_first() -> None:
    assert PictureRecipe(height=2, width=5, channels=3).shape == (3, 2, 5)


def test_one_mean_stands_for_all_channels() -> None:
    recipe = PictureRecipe(height=8, width=8, channels=3, mean=(0.25,), std=(1,))
    assert recipe.mean == (0.25, 0.25, 0.25)
    assert recipe.std == (1.0, 1.0, 1.0)
    assert all(type(value) is float for value in recipe.std)


def test_a_mean_a_channel_is_kept() -> None:
    recipe = PictureRecipe(height=8, width=8, channels=3, mean=(0.1, 0.2, 0.3))
    assert recipe.mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize("sides", [(0, 8), (8, 0), (-1, 8), (LARGEST_SIDE + 1, 8), (8, 10**9)])
def test_sides_out_of_range_are_refused(sides: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"size: needed sides of 1 to 4096 .* got {sides[0]}x"):
        PictureRecipe(height=sides[0], width=sides[1], channels=1)


@pytest.mark.parametrize("sides", [(1, 1), (LARGEST_SIDE, 1), (1, LARGEST_SIDE)])
def test_sides_at_the_ends_of_the_range_are_taken(sides: tuple[int, int]) -> None:
    assert PictureRecipe(height=sides[0], width=sides[1], channels=1).shape[1:] == sides


@pytest.mark.parametrize("channels", [0, -1, 5, 512])
def test_channels_out_of_range_are_refused(channels: int) -> None:
    with pytest.raises(UsageError, match=f"channels: needed 1 .* got {channels}"):
        PictureRecipe(height=8, width=8, channels=channels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_in_range_are_taken(channels: int) -> None:
    assert PictureRecipe(height=8, width=8, channels=channels).channels == channels


@pytest.mark.parametrize("part", ["mean", "std"])
@pytest.mark.parametrize("values", [(), (0.5, 0.5), (0.5,) * 4])
def test_another_number_of_means_than_channels_is_refused(
    part: str, values: tuple[float, ...]
) -> None:
    with pytest.raises(UsageError, match=part):
        PictureRecipe(height=8, width=8, channels=3, **{part: values})


@pytest.mark.parametrize(
    ("part", "word"), [("resize", "squash"), ("interpolation", "cubic"), ("resize", "")]
)
def test_unknown_words_are_refused(part: str, word: str) -> None:
    with pytest.raises(UsageError, match=part):
        PictureRecipe(height=8, width=8, channels=3, **{part: word})


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_known_words_are_taken(resize, interpolation) -> None:
    recipe = PictureRecipe(
        height=8, width=8, channels=3, resize=resize, interpolation=interpolation
    )
    assert (recipe.resize, recipe.interpolation) == (resize, interpolation)


def test_scaling_changes_the_numbers_and_not_the_decoding() -> None:
    recipe = PictureRecipe(height=8, width=6, channels=3, resize="crop")
    scaled = recipe.scaled(low=-1, high=2, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert (scaled.low, scaled.high, scaled.std) == (-1, 2, (0.4, 0.5, 0.6))
    assert scaled.decoding == recipe.decoding
    assert not {"low", "high", "mean", "std", "folded"} & set(scaled.decoding)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 9},
        {"width": 9},
        {"channels": 1},
        {"resize": "crop"},
        {"interpolation": "nearest"},
        {"resize": "crop", "kept": 0.875},
        {"deep_low": 1.0},
        {"deep_high": 4095.0},
    ],
)
def test_whatever_changes_the_decoder_changes_the_decoding(change: dict[str, object]) -> None:
    recipe = PictureRecipe(height=8, width=8, channels=3)
    given = {"height": 8, "width": 8, "channels": 3, **change}
    assert PictureRecipe(**given).decoding != recipe.decoding


def test_a_recipe_is_frozen_and_can_be_a_key() -> None:
    recipe = PictureRecipe(height=8, width=8, channels=1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="height"):
        recipe.height = 9
    assert len({recipe, PictureRecipe(height=8, width=8, channels=1)}) == 1


@pytest.mark.parametrize("kept", [0.0, -0.5, 1.001, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(kept: float) -> None:
    with pytest.raises(UsageError, match="kept: needed a share above 0 and at most 1, got"):
        PictureRecipe(height=8, width=8, channels=3, kept=kept)


@pytest.mark.parametrize("kept", [1e-6, 0.875, 1.0])
def test_a_share_is_taken(kept: float) -> None:
    assert PictureRecipe(height=8, width=8, channels=3, kept=kept).kept == kept


def test_the_share_that_is_kept_is_part_of_the_decoding_and_adapting_is_not() -> None:
    recipe = PictureRecipe(height=8, width=8, channels=3, resize="crop")
    assert dataclasses.replace(recipe, kept=0.5).decoding != recipe.decoding
    assert dataclasses.replace(recipe, adapts=True).decoding == recipe.decoding
