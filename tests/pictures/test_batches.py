"""Batches: every picture once an epoch, normalised, in an order that hangs on seeds alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import (
    Batch,
    FeatureBatches,
    TrainingBatches,
    batches_in,
    feature_tensor,
    normalised,
    ordered,
    shuffled,
)
from foveal.pictures.scaling import of_values
from foveal.pictures.survey import measure_scaling
from foveal.pictures.tensors import as_tensor
from foveal.recipe import PictureRecipe

PLAIN = Augmentation(level="none")


def recipe_of(images: np.ndarray) -> PictureRecipe:
    height, width, channels = images.shape[1:]
    bare = PictureRecipe(height=height, width=width, channels=channels)
    return measure_scaling(images, np.arange(len(images)), bare)


def batches_of(
    images: np.ndarray,
    *,
    rows: np.ndarray | None = None,
    batch_size: int = 4,
    augmentation: Augmentation = PLAIN,
    seed: int = 0,
) -> TrainingBatches:
    """Make batches in which the class of a picture is its row."""
    return TrainingBatches(
        images=images,
        values=np.arange(len(images)),
        rows=np.arange(len(images)) if rows is None else rows,
        scaling=of_values(recipe_of(images)),
        batch_size=batch_size,
        augmentation=augmentation,
        seed=seed,
        device="cpu",
    )


def noise(count: int, *sides: int, seed: int = 0) -> np.ndarray:
    shape = (count, *(sides or (9, 8, 3)))
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def order(epoch: list[Batch]) -> list[int]:
    return [int(code) for batch in epoch for code in batch.values_n]


@settings(max_examples=50)
@given(
    count=st.integers(2, 60),
    batch_size=st.integers(1, 70),
    epoch=st.integers(0, 3),
    seed=st.integers(0, 9),
)
def test_every_picture_comes_once_in_batches_of_equal_size(
    count: int, batch_size: int, epoch: int, seed: int
) -> None:
    rows = np.random.default_rng(seed).permutation(count)[: count // 2 + 1]
    made = batches_of(noise(count, 2, 2, 1), rows=rows, batch_size=batch_size, seed=seed)
    found = list(made.epoch(epoch))
    sizes = [len(batch.values_n) for batch in found]
    assert len(found) == len(made)
    assert max(sizes) - min(sizes) <= 1
    assert sorted(order(found)) == sorted(rows.tolist())


def test_pictures_travel_with_their_classes() -> None:
    images = np.arange(20, dtype=np.uint8).reshape(20, 1, 1, 1) * 10
    made = batches_of(images)
    recipe = recipe_of(images)
    for batch in made.epoch(0):
        unit = batch.images_nchw[:, 0, 0, 0].numpy() * recipe.std[0] + recipe.mean[0]
        np.testing.assert_allclose(unit * 255 / 10, batch.values_n.numpy(), atol=1e-3)
        assert batch.values_n.dtype == torch.int64


@pytest.mark.parametrize("level", ["none", "light", "strong"])
@pytest.mark.parametrize("first", [1, 3, 4, 5])
def test_a_resumed_epoch_is_the_tail_of_the_whole(level: str, first: int) -> None:
    made = batches_of(noise(19), augmentation=Augmentation(level=level, flip=True))  # type: ignore[arg-type]
    whole, tail = list(made.epoch(2)), list(made.epoch(2, first))
    assert len(tail) == max(len(whole) - first, 0)
    for one, other in zip(whole[first:], tail, strict=True):
        assert torch.equal(one.images_nchw, other.images_nchw)
        assert torch.equal(one.values_n, other.values_n)


def test_seeds_and_epochs_decide_order_and_variation() -> None:
    images = noise(30)
    strong = Augmentation(level="strong", flip=True)
    first = list(batches_of(images, augmentation=strong).epoch(1))
    torch.manual_seed(5)
    again = list(batches_of(images, augmentation=strong).epoch(1))
    assert all(
        torch.equal(one.images_nchw, other.images_nchw)
        for one, other in zip(first, again, strict=True)
    )
    assert order(list(batches_of(images).epoch(1))) == order(first)
    others = [
        order(list(batches_of(images).epoch(0))),
        order(list(batches_of(images).epoch(2))),
        order(list(batches_of(images, seed=1).epoch(1))),
    ]
    assert len({tuple(one) for one in [order(first), *others]}) == 4


def test_a_picture_is_varied_anew_each_epoch_and_in_each_batch() -> None:
    images = np.repeat(noise(1, 32, 32, 3), 8, axis=0)
    made = batches_of(images, batch_size=1, augmentation=Augmentation(level="strong"))
    seen = [batch.images_nchw for epoch in range(2) for batch in made.epoch(epoch)]
    assert len(torch.unique(torch.cat(seen), dim=0)) == 16


def test_ordered_gives_rows_in_order_unvaried() -> None:
    images = noise(10)
    recipe = recipe_of(images)
    rows = np.array([7, 1, 1, 9, 0])
    parts = list(ordered(images, rows, of_values(recipe), batch_size=2, device="cpu"))
    assert [len(part) for part in parts] == [2, 2, 1]
    whole = normalised(as_tensor(images), of_values(recipe))
    assert torch.equal(torch.cat(parts), whole[rows])
    assert not list(ordered(images, rows[:0], of_values(recipe), batch_size=2, device="cpu"))


def test_memory_mapped_pictures_are_read_only_sources(tmp_path) -> None:  # type: ignore[no-untyped-def]
    np.save(tmp_path / "images.npy", noise(10))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    found = list(batches_of(mapped, augmentation=Augmentation(flip=True)).epoch(0))
    assert sorted(order(found)) == list(range(10))


# Scaling -----------------------------------------------------------------------------------

DTYPES = ["bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64", "longdouble"]


def random_of(dtype: str) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, (40, 6, 5, 3))
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", *DTYPES, *FLOATS])
def test_normalised_has_zero_mean_and_unit_deviation(dtype: str) -> None:
    images = random_of(dtype)
    got = normalised(as_tensor(images), of_values(recipe_of(images)))
    assert got.shape == (40, 3, 6, 5)
    assert got.dtype == torch.float32
    assert got.is_contiguous(memory_format=torch.channels_last)
    axes = (0, 2, 3)
    np.testing.assert_allclose(got.mean(dim=axes).numpy(), 0, atol=1e-4)
    np.testing.assert_allclose(got.std(dim=axes, correction=0).numpy(), 1, atol=1e-4)


@pytest.mark.parametrize("dtype", ["uint8", *DTYPES, *FLOATS])
def test_normalised_is_the_textbook_formula(dtype: str) -> None:
    images = random_of(dtype)
    recipe = recipe_of(images)
    unit = (images.astype(float) - recipe.low) / (recipe.high - recipe.low)
    wanted = ((unit - recipe.mean) / recipe.std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(normalised(as_tensor(images), of_values(recipe)), wanted, atol=2e-6)


@pytest.mark.parametrize("dtype", [">u2", ">i4", ">f4", ">f8", "<f4"])
def test_foreign_byte_orders_are_read(dtype: str) -> None:
    images = random_of("uint16").astype(dtype)
    made = batches_of(images, batch_size=40)
    (batch,) = made.epoch(0)
    plain = normalised(torch.from_numpy(images.astype("float64")), made.scaling)
    torch.testing.assert_close(batch.images_nchw, plain[batch.values_n])


@pytest.mark.parametrize("offset", [1e6, -1e9, 1e12])
def test_floats_far_from_zero_keep_their_differences(offset: float) -> None:
    unit = np.random.default_rng(0).random((20, 4, 4, 1))
    near, far = unit, unit + offset
    exact = far - offset  # what double precision left of it
    got = normalised(as_tensor(far), of_values(recipe_of(far))).numpy()
    wanted = normalised(as_tensor(exact), of_values(recipe_of(exact))).numpy()
    np.testing.assert_allclose(got, wanted, atol=2e-3)
    assert np.ptp(near) > 0.9


def test_normalising_leaves_its_input_alone() -> None:
    for dtype in ("uint8", "float32", "float64"):
        images = random_of(dtype)
        tensor = as_tensor(images)
        before = tensor.clone()
        normalised(tensor, of_values(recipe_of(images)))
        assert torch.equal(tensor, before)


# Features ----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    rows=st.lists(st.integers(0, 500), max_size=60, unique=True),
    batch_size=st.integers(1, 70),
    epoch=st.integers(0, 3),
    seed=st.integers(0, 9),
)
def test_shuffling_deals_every_row_once_into_even_parts(
    rows: list[int], batch_size: int, epoch: int, seed: int
) -> None:
    given = np.array(rows, dtype=np.int64)
    before = given.copy()
    parts = shuffled(given, batch_size, seed, epoch)
    np.testing.assert_array_equal(given, before)
    assert sorted(np.concatenate(parts).tolist()) == sorted(rows)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1 and max(sizes) <= batch_size
    assert len(parts) == batches_in(given, batch_size)
    again = shuffled(given, batch_size, seed, epoch)
    assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))


def test_epochs_and_seeds_shuffle_otherwise() -> None:
    rows = np.arange(50)
    orders = {
        tuple(np.concatenate(shuffled(rows, 8, seed, epoch)).tolist())
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9


def feature_batches(views: int = 1, shape: tuple[int, ...] = (3,), **more) -> FeatureBatches:
    """Make batches of features that say which row and which view they are."""
    rows = np.arange(20, dtype=np.float32).reshape(20, *[1] * len(shape))
    given = {
        "views": [np.broadcast_to(rows + 100 * view, (20, *shape)) for view in range(views)],
        "values": np.arange(20) + 1000,
        "rows": np.arange(2, 19),
        "batch_size": 5,
        "seed": 0,
        "device": "cpu",
        **more,
    }
    return FeatureBatches(**given)


@pytest.mark.parametrize("shape", [(3,), (4, 2, 3)])
def test_features_come_with_their_classes_once_an_epoch(shape: tuple[int, ...]) -> None:
    batches = feature_batches(shape=shape)
    epoch = list(batches.epoch(0))
    assert len(epoch) == len(batches) == 4
    assert sorted(order(epoch)) == list(range(1002, 1019))
    for batch in epoch:
        assert batch.images_nchw.shape == (len(batch.values_n), *shape)
        assert batch.images_nchw.dtype == torch.float32 and batch.values_n.dtype == torch.int64
        rows = batch.images_nchw.flatten(1)
        torch.testing.assert_close(rows[:, 0] + 1000, batch.values_n.float())
        torch.testing.assert_close(rows, rows[:, :1].expand_as(rows))


def test_each_epoch_takes_the_next_view() -> None:
    batches = feature_batches(views=3)
    for epoch in range(7):
        for batch in batches.epoch(epoch):
            wanted = batch.values_n - 1000 + 100 * (epoch % 3)
            torch.testing.assert_close(batch.images_nchw[:, 0], wanted.float())


def test_an_epoch_of_features_goes_on_where_it_was() -> None:
    batches = feature_batches(views=2)
    whole = list(batches.epoch(3))
    for first in range(5):
        rest = list(batches.epoch(3, first))
        assert order(rest) == order(whole[first:])
        for one, other in zip(rest, whole[first:], strict=True):
            assert torch.equal(one.images_nchw, other.images_nchw)


def test_features_are_shuffled_as_their_pictures_would_be() -> None:
    rows = np.arange(2, 19)
    pictures = batches_of(noise(20), rows=rows, batch_size=5)
    ours = feature_batches(values=np.arange(20))
    for epoch in (0, 1, 5):
        assert order(list(ours.epoch(epoch))) == order(list(pictures.epoch(epoch)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_tensor_of_features_is_a_copy_and_maps_lie_channels_last(dtype: str) -> None:
    maps = np.random.default_rng(0).random((2, 3, 4, 5)).astype(dtype)
    maps.flags.writeable = False
    found = feature_tensor(maps, "cpu")
    np.testing.assert_array_equal(found.numpy(), maps.astype(np.float32))
    assert found.is_contiguous(memory_format=torch.channels_last)
    found.zero_()
    assert maps.all()
    flat = feature_tensor(maps.reshape(2, 60), "cpu")
    assert flat.shape == (2, 60) and flat.is_contiguous() and flat.dtype == torch.float32
