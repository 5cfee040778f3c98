"""What a classifier keeps of the pictures that taught it, and what it says of others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from foveal import ModelFileError, load
from foveal.model import familiar as module
from foveal.model.familiar import (
    BYTES,
    NEIGHBOURS,
    Familiar,
    drawn_evenly,
    familiarised,
    folded,
    room,
    sizes_of,
)
from foveal.model.fitted import FittedModel
from foveal.tensor_files import read_tensors, write_tensors
from support.models import small_autoencoder, small_model

DRAWS = np.random.default_rng(0)
FEATURES = DRAWS.normal(size=(300, 6)).astype(np.float32) + 2


def kept(setting: int = 100, usual: int = 200) -> Familiar:
    found = familiarised(
        {"features": FEATURES[:usual]},
        np.arange(usual),
        {"features": FEATURES[-setting:]},
        np.arange(300 - setting, 300),
    )
    assert found is not None
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_score_is_the_mean_distance_to_five_neighbours_on_the_scale_of_those_held_out() -> None:
    found = kept()
    search = NearestNeighbors(n_neighbors=5).fit(unit(FEATURES[:200]))
    usual = search.kneighbors(unit(FEATURES[200:]))[0].mean(axis=1)
    others = np.random.default_rng(1).normal(size=(50, 6))
    far = search.kneighbors(unit(others))[0].mean(axis=1)
    threshold = np.sort(usual)[int(np.ceil(0.99 * 101)) - 1]
    scores = found.unfamiliarity({"features": others.astype(np.float32)})
    np.testing.assert_array_equal(scores > 1, far > threshold)
    middle = np.median(usual)
    wanted = np.maximum((far - middle) / (threshold - middle), 0)
    np.testing.assert_allclose(scores, wanted, rtol=0.02, atol=0.02)  # half precision


def test_each_picture_is_held_against_others_than_itself() -> None:
    labels = np.arange(300)
    found = familiarised({"features": FEATURES}, labels, {"features": FEATURES}, labels)
    far, _ = NearestNeighbors(n_neighbors=6).fit(unit(FEATURES)).kneighbors(unit(FEATURES))
    assert found is not None
    np.testing.assert_allclose(found.scale[0, 0], np.median(far[:, 1:].mean(axis=1)), rtol=1e-2)


def test_pictures_of_one_group_are_not_held_against_each_other() -> None:
    bursts = np.repeat(FEATURES[:60], 5, axis=0)
    groups = np.repeat(np.arange(60), 5)
    together = familiarised({"features": bursts}, groups, {"features": bursts}, groups)
    apart = familiarised({"features": bursts}, np.arange(300), {"features": bursts}, np.arange(300))
    new = {"features": np.random.default_rng(5).normal(size=(200, 6)).astype(np.float32) + 2}
    assert together is not None and apart is not None
    assert (together.unfamiliarity(new) > 1).mean() < 0.1 < (apart.unfamiliarity(new) > 1).mean()


def test_false_alarms_keep_to_the_stated_rate_over_many_draws() -> None:
    rates = []
    for seed in range(30):
        values = np.random.default_rng(seed).normal(size=(700, 4)).astype(np.float32)
        views = [
            {"pixels": part, "statistics": part[:, :2]} for part in np.split(values, [100, 300])
        ]
        found = familiarised(views[0], np.arange(100), views[1], np.arange(100, 300))
        assert found is not None
        rates.append((found.unfamiliarity(views[2]) > 1).mean())
    assert 0.005 < np.mean(rates) < 0.015
    assert found.false_alarms == 0.01 and found.rate.low < 0.01 < found.rate.high


@pytest.mark.parametrize(("setting", "rate"), [(9, 0.1), (49, 0.02), (99, 0.01), (200, 0.01)])
def test_few_pictures_state_the_rate_that_they_can_keep(setting: int, rate: float) -> None:
    assert kept(setting, 100).false_alarms == pytest.approx(rate)


def test_too_few_pictures_say_nothing() -> None:
    labels = np.arange(NEIGHBOURS)
    few, many = {"features": FEATURES[:NEIGHBOURS]}, {"features": FEATURES}
    assert familiarised(few, labels, many, np.arange(300)) is None
    assert familiarised(many, np.arange(300), {"features": FEATURES[:8]}, np.arange(8)) is None


def test_what_no_number_came_of_has_no_score() -> None:
    values = FEATURES[:3].copy()
    values[1, 2] = np.nan
    scores = kept().unfamiliarity({"features": values})
    assert np.isnan(scores).tolist() == [False, True, False]


def test_pictures_are_drawn_as_many_of_each_class_as_there_are() -> None:
    class_ids = np.array([0] * 500 + [1] * 20 + [2] * 3)
    rows = drawn_evenly(class_ids, 60, seed=0)
    assert np.bincount(class_ids[rows]).tolist() in ([37, 20, 3], [38, 19, 3])
    assert (np.diff(rows) > 0).all() and not np.array_equal(rows, drawn_evenly(class_ids, 60, 1))
    assert len(drawn_evenly(class_ids, 1_000, 0)) == 523


@pytest.mark.parametrize("size", [10, 1_280, 2_048, 100_000])
def test_what_is_kept_takes_two_megabytes_at_most(size: int) -> None:
    assert room({"features": size}) * 2 * min(size, module.LONGEST) <= BYTES


def test_long_features_are_folded_to_numbers_that_keep_their_angles() -> None:
    near = np.random.default_rng(0).normal(size=(2, 30_000)).astype(np.float32)
    near[1] = near[0] + 0.5 * near[1]
    short = folded(near)
    assert short.shape == (2, module.LONGEST)
    angles = [unit(one)[0] @ unit(one)[1] for one in (near, short)]
    assert angles[0] == pytest.approx(angles[1], abs=0.05)


# In a model -----------------------------------------------------------------------------


def model_with(views: tuple[str, ...]) -> FittedModel:
    """Make a model that keeps random pictures of its own size."""
    model = small_model()
    sizes = sizes_of(model.plan, model.recipe)
    draws = np.random.default_rng(3)
    drawn = {one: draws.normal(size=(40, sizes[one])).astype(np.float32) for one in views}
    labels = np.arange(40)
    model.familiar = familiarised(
        drawn,
        labels,
        drawn,
        labels,
    )
    assert model.familiar is not None
    return model


IMAGES = np.random.default_rng(4).integers(0, 256, (20, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    "views", [("features",), ("pixels", "statistics"), ("features", "pixels", "statistics")]
)
def test_probabilities_are_the_same_with_and_without(views: tuple[str, ...]) -> None:
    model = model_with(views)
    found = model.predictions(IMAGES)
    without = replace(model, familiar=None).predictions(IMAGES)
    np.testing.assert_array_equal(found.probabilities, without.probabilities)
    assert np.isfinite(found.unfamiliarity).all() and np.isnan(without.unfamiliarity).all()
    assert not without.unfamiliar.any()
    np.testing.assert_array_equal(model.unfamiliarity(IMAGES), found.unfamiliarity)


def test_one_pass_gives_logits_and_features(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_with(("features",))
    passes = []
    convolution = model.network[0]
    convolution.register_forward_hook(lambda *_: passes.append(1))
    model.predictions(IMAGES)
    assert len(passes) == 1


def test_a_loaded_model_says_the_same(tmp_path: Path) -> None:
    model = model_with(("features", "pixels", "statistics"))
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors", threads=1)
    np.testing.assert_array_equal(again.unfamiliarity(IMAGES), model.unfamiliarity(IMAGES))
    assert again.digest() == model.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("familiar/scores"),
        lambda tensors: tensors.pop("familiar/statistics"),
        lambda tensors: tensors.update({"familiar/scale": tensors["familiar/scale"] * 0}),
        lambda tensors: tensors.update({"familiar/scores": tensors["familiar/scores"][:3]}),
        lambda tensors: tensors.update({"familiar/pixels": tensors["familiar/pixels"][:, 1:]}),
        lambda tensors: tensors.update({"familiar/features": tensors["familiar/features"][:9]}),
        lambda tensors: tensors.update({"familiar/features": tensors["familiar/features"][None]}),
    ],
)
def test_tensors_that_do_not_belong_are_refused(tmp_path: Path, change) -> None:
    place = tmp_path / "m.safetensors"
    model_with(("features", "pixels", "statistics")).save(place)
    tensors, facts = read_tensors(place)
    change(tensors)
    write_tensors(place, tensors, facts)
    with pytest.raises(ModelFileError, match="familiar pictures"):
        load(place)


def test_autoencoders_and_fixed_layers_know_the_views_that_they_can_have() -> None:
    model = small_model("conv 4 3x3 | flatten | dense")
    assert set(sizes_of(model.plan, model.recipe)) == {"features", "pixels", "statistics"}
    assert set(sizes_of(replace(model.plan, fixed=2), model.recipe)) == {"features"}
    open_end = small_model("conv 3 3x3 | globalpool")
    assert set(sizes_of(open_end.plan, open_end.recipe)) == {"pixels", "statistics"}
    coder = small_autoencoder()
    assert "features" not in sizes_of(coder.plan, coder.recipe)
