"""How an autoencoder is taught: losses, drawn codes, where training begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error
from torch.distributions import Normal, kl_divergence

from foveal import (
    DataError,
    UsageError,
)
from foveal.learning.corruption import divergence
from foveal.learning.reconstruction import WEIGHTS
from foveal.nets.blocks import Centre, Offset
from foveal.progress.events import Reconstructed
from support.autoencoders import DIGITS, STILL, blobs, child, learner, parted, through, told

# Losses ------------------------------------------------------------------------------------


ORACLES = {
    "mse": mean_squared_error,
    "l1": mean_absolute_error,
    "bce": lambda wanted, made: log_loss(wanted, made, labels=[0, 1]),
}


@pytest.mark.parametrize("loss", ORACLES)
def test_losses_are_those_of_scikit_learn(tmp_path: Path, loss: str) -> None:
    X = np.random.default_rng(0).random((30, 7, 5)) > 0.8
    path = parted(tmp_path, x_train=X[:20], x_val=X[20:])
    found = learner(loss=loss, learning_rate=STILL, epochs=1, batch_size=20).fit(path)
    (epoch,) = found.history_
    for name, part in (("loss", X[:20]), ("validation_loss", X[20:])):
        wanted = ORACLES[loss](part.ravel().astype(int), through(found.model_, part).ravel())
        assert epoch[name] == pytest.approx(wanted, rel=1e-5), name


def test_cross_entropy_keeps_pictures_between_black_and_white() -> None:
    found = learner(loss="bce").fit(DIGITS.images[:200])
    assert found.plan_.text.endswith("| sigmoid")
    codes = np.random.default_rng(0).normal(0, 30, (50, 6))
    made = found.model_.decode(codes)
    assert made.min() >= 0 and made.max() <= 1
    raw = through(found.model_, DIGITS.images[:9] / 16)
    assert raw.min() > 0 and raw.max() < 1


@pytest.mark.parametrize(
    ("shape", "loss", "size", "kernels"),
    [
        ((48, 48, 3), "colour", 30, "8x8 stride 4 padding 2"),
        ((47, 60, 3), "mse", 30, "6x6 stride 4 padding 1"),
        ((48, 48, 1), "mse", 30, "6x6 stride 4 padding 1"),
    ],
)
def test_photographs_have_defaults_of_their_own(
    shape: tuple[int, int, int], loss: str, size: int, kernels: str
) -> None:
    X = blobs(30, *shape)
    options = {"encoder": None, "code_size": None, "epochs": 0.1, "validation_share": 0}
    found = learner(**options).fit(X)
    assert found.model_.provenance.coding.loss == loss
    assert kernels in found.plan_.text and found.plan_.output == (shape[2], *shape[:2])
    assert found.plan_.code_size == size  # as many as pictures: there are no more
    asked = learner(**(options | {"loss": "mse", "code_size": 9})).fit(X)
    assert asked.model_.provenance.coding.loss == "mse" and asked.plan_.code_size == 9


@pytest.mark.parametrize(("channels", "size"), [(3, 128), (1, 32)])
def test_codes_of_photographs_are_larger_where_there_are_pictures_enough(
    channels: int, size: int
) -> None:
    X = np.random.default_rng(0).integers(0, 256, (140, 48, 48, channels), dtype=np.uint8)
    options = {"kind": "dense", "encoder": None, "code_size": None, "epochs": 0.1}
    found = learner(**options, validation_share=0, batch_size=140).fit(X)
    assert found.plan_.code_size == size


def test_the_loss_of_colour_keeps_more_of_it() -> None:
    draws = np.random.default_rng(0)
    bright, tints = draws.random((120, 8, 8, 1)), draws.normal(0, 0.06, (120, 1, 1, 3))
    X = np.clip(0.5 * bright + 0.25 + tints, 0, 1)  # noise of brightness, a tint each
    found = {
        loss: learner(loss=loss, epochs=30, code_size=3).fit(X).reconstruction_.autoencoder
        for loss in ("mse", "colour")
    }
    assert found["colour"].colour_kept > found["mse"].colour_kept + 0.2


def test_absolute_errors_ask_for_medians_and_squared_ones_for_means() -> None:
    ground = np.zeros((40, 4, 4))
    ground[:12] = 1.0  # the median is black, the mean is not
    X = ground + np.random.default_rng(0).normal(0, 1e-3, ground.shape)
    options = {"code_size": 1, "epochs": 30, "learning_rate": 0.02, "clip_norm": 0}
    options |= {"variational": True, "beta": 1e4}  # so strong that the code says nothing
    made = {loss: learner(loss=loss, **options).fit(X).reconstruct(X) for loss in ("mse", "l1")}
    assert np.abs(made["l1"]).mean() < 0.1
    assert np.abs(made["mse"] - 0.3).mean() < 0.1


def test_the_seen_picture_is_noisy_and_the_wanted_one_clean(tmp_path: Path) -> None:
    X = blobs(30)
    path = parted(tmp_path, x_train=X[:20], x_val=X[20:])
    options = {"learning_rate": STILL, "epochs": 1, "batch_size": 20}
    found = learner(noise="masks", noise_level=1.0, **options).fit(path)
    (epoch,) = found.history_
    black = through(found.model_, np.zeros((20, 8, 8)))
    assert epoch["loss"] == pytest.approx(((black - X[:20] / 255) ** 2).mean(), rel=1e-5)
    seen = through(found.model_, X[20:] / 255)
    wanted = ((seen - X[20:] / 255) ** 2).mean()
    assert epoch["validation_loss"] == pytest.approx(wanted, rel=1e-5), "judged without noise"


def test_what_was_asked_for_is_in_the_model() -> None:
    coding = learner(noise="gaussian", loss="l1").fit(blobs()).model_.provenance.coding
    assert (coding.loss, coding.noise, coding.noise_level, coding.beta) == (
        "l1",
        "gaussian",
        0.2,
        None,
    )
    coding = learner(noise="masks", noise_level=0.5, variational=True, beta=3).fit(blobs())
    coding = coding.model_.provenance.coding
    assert (coding.noise, coding.noise_level, coding.beta) == ("masks", 0.5, 3.0)
    assert learner().fit(blobs()).model_.provenance.coding.noise_level == 0


# Variational -------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 100))
def test_the_divergence_is_that_of_torch(count: int, size: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    both = torch.randn(count, 2 * size, generator=generator, dtype=torch.float64)
    means, deviations = both[:, :size], (both[:, size:] / 2).exp()
    normal = Normal(torch.zeros_like(means), torch.ones_like(means))
    wanted = kl_divergence(Normal(means, deviations), normal).sum(dim=1).mean()
    torch.testing.assert_close(divergence(both), wanted)


@pytest.mark.parametrize("beta", [0.0, 1.0, 20.0])
@pytest.mark.parametrize(("loss", "wide"), [("mse", 2), ("l1", 1)])
def test_the_loss_is_error_and_weighted_divergence(
    tmp_path: Path, loss: str, wide: int, beta: float
) -> None:
    X = blobs(30, 6, 8)
    path = parted(tmp_path, x_train=X[:20], x_val=X[20:])
    options = {"variational": True, "learning_rate": STILL, "epochs": 1}
    found = learner(loss=loss, beta=beta, **options).fit(path)
    model, unit = found.model_, X[20:] / 255
    front = model.first(model.plan.encoder_layers - 1).network
    with torch.inference_mode():
        both = front(torch.from_numpy(unit[:, None].astype(np.float32))).double()
    means, logs = both[:, :6], both[:, 6:]
    normal = Normal(torch.zeros_like(means), torch.ones_like(means))
    spread = kl_divergence(Normal(means, (logs / 2).exp()), normal).sum(dim=1).mean()
    error = (np.abs(through(model, unit) - unit) ** wide).mean()
    wanted = error + beta * wide * error * float(spread) / 48
    assert found.history_[0]["validation_loss"] == pytest.approx(wanted, rel=1e-4)
    np.testing.assert_allclose(found.transform(X[20:]), means.numpy(), atol=1e-5)


def test_training_draws_codes(tmp_path: Path) -> None:
    X = blobs(30)
    path = parted(tmp_path, x_train=X[:20], x_val=X[20:])
    options = {"variational": True, "beta": 0.0, "learning_rate": STILL, "epochs": 2}
    found = learner(batch_size=20, **options).fit(path)
    first, second = (one["loss"] for one in found.history_)
    drawn_by_means = ((through(found.model_, X[:20] / 255) - X[:20] / 255) ** 2).mean()
    assert first != second and min(first, second) > drawn_by_means
    assert found.history_[0]["validation_loss"] == found.history_[1]["validation_loss"]


def test_the_step_is_that_of_a_likelihood_as_wide_as_its_errors() -> None:
    """The gradient points where that of log(error) / 2 + divergence / values does."""
    torch.manual_seed(0)
    weights = torch.randn(40, dtype=torch.float64, requires_grad=True)
    error, spread = (weights[:20] ** 2).mean(), (weights[10:] ** 4).sum()
    for loss, exponent in (("mse", 0.5), ("l1", 1.0), ("colour", 0.5)):
        whole = error + WEIGHTS[loss](error.detach()) * spread / 48
        oracle = exponent * torch.log(error) + spread / 48
        (found,) = torch.autograd.grad(whole, weights, retain_graph=True)
        (wanted,) = torch.autograd.grad(oracle, weights, retain_graph=True)
        torch.testing.assert_close(torch.cosine_similarity(found, wanted, dim=0).item(), 1.0)
    assert WEIGHTS["bce"](error.detach()) == 1, "cross-entropy is a likelihood already"


def test_a_variational_autoencoder_does_better_than_components_as_it_comes() -> None:
    X = DIGITS.images
    found = learner(variational=True, code_size=8, epochs=15, encoder=None).fit(X)
    assert found.reconstruction_.autoencoder.mse < found.reconstruction_.pca.mse
    assert (found.transform(X).std(axis=0) > 0.5).all(), "no number of the code is unused"


def test_the_stronger_beta_the_nearer_codes_lie_to_the_normal_distribution() -> None:
    X = DIGITS.images[:400]
    codes = [
        learner(variational=True, beta=beta, epochs=15).fit(X).transform(X)
        for beta in (1e-4, 3.0, 100.0)
    ]
    spreads = [one.std(axis=0).mean() for one in codes]
    assert spreads[0] > 1.5 * spreads[1] > 3 * spreads[2]
    assert spreads[2] < 0.1, "codes say nothing when they cost too much"


def test_draws_follow_their_seeds_and_are_not_the_means() -> None:
    X = blobs()
    model = learner(variational=True).fit(X).model_
    means, one, again, two = (model.encode(X, sample=seed) for seed in (None, 1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != two).all() and (one != means).all()
    with pytest.raises(UsageError, match="sample: needed a variational autoencoder"):
        learner().fit(X).model_.encode(X, sample=1)


def test_transform_draws_where_a_sample_is_asked_for() -> None:
    X = blobs()
    drawing = learner(variational=True).fit(X)
    np.testing.assert_array_equal(drawing.transform(X), drawing.model_.encode(X))
    np.testing.assert_array_equal(
        drawing.transform(X, sample=3), drawing.model_.encode(X, sample=3)
    )
    with pytest.raises(UsageError, match="variational autoencoder"):
        learner().fit(X).transform(X, sample=3)


@pytest.mark.parametrize("sample", [True, 1.5, -1, "a"])
def test_a_sample_is_a_seed(sample: object) -> None:
    with pytest.raises(UsageError, match="sample: needed None, or a whole number of at least 0"):
        learner(variational=True).fit(blobs()).transform(blobs(), sample=sample)


@pytest.mark.parametrize(("beta", "unused"), [(0.0, 0), (1e4, 6)])
def test_numbers_of_the_code_that_say_nothing_are_told_of(beta: float, unused: int) -> None:
    X = DIGITS.images[:300]
    event = told(Reconstructed, X, variational=True, beta=beta, epochs=8, encoder=None)
    notes = [note for note in event.notes if "numbers of the code hardly vary" in note]
    assert notes == [
        f"{unused} of 6 numbers of the code hardly vary: they cost more than they tell at this "
        "`beta`"
    ] * bool(unused)


def test_pictures_and_rows_of_their_pixels_have_the_same_codes() -> None:
    X = blobs()
    found = learner().fit(X)
    assert not hasattr(found, "n_features_in_"), "the rows of a picture are no features"
    flat = X.reshape(len(X), -1)
    np.testing.assert_array_equal(found.transform(flat), found.transform(X))
    with pytest.raises(DataError, match="or rows of 64 pixels"):
        found.transform(flat[:, :-1])
    again = found.fit(flat)
    np.testing.assert_array_equal(again.transform(X), again.transform(flat))
    assert learner().fit(flat).n_features_in_ == flat.shape[1]


# Centring ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ema", [0.0, 0.9])
@pytest.mark.parametrize("loss", ["mse", "bce", "l1", "colour"])
def test_training_begins_at_the_mean_of_the_training_pictures(
    tmp_path: Path, loss: str, ema: float
) -> None:
    X = blobs(30, 7, 5)
    X[:, 0], X[:, 1] = 0, 255  # black and white always: their logits have a bound
    X[20:] = np.roll(X[20:], 3, axis=1)  # validation pictures have another mean
    path = parted(tmp_path, x_train=X[:20], x_val=X[20:])
    model = learner(loss=loss, learning_rate=STILL, ema=ema).fit(path).model_
    mean = (X[:20] / 255).mean(axis=0)
    centre, offset = child(model, Centre), child(model, Offset)
    np.testing.assert_allclose(centre.mean[0].numpy(), mean, atol=1e-6)
    wanted = mean
    if loss == "bce":
        inner = np.clip(mean, 0.01, 0.99)
        wanted = np.log(inner / (1 - inner))
    np.testing.assert_allclose(offset.weight[0].detach().numpy(), wanted, atol=1e-5)
    assert model.recipe.mean == (0.0,) and model.recipe.std == (1.0,)


def test_the_mean_stays_and_the_offset_learns(tmp_path: Path) -> None:
    X = blobs(30)
    path = parted(tmp_path, x_train=X[:20], x_val=X[20:])
    model = learner(epochs=5, weight_decay=0.1).fit(path).model_
    mean = (X[:20] / 255).mean(axis=0)
    np.testing.assert_allclose(child(model, Centre).mean[0].numpy(), mean, atol=1e-6)
    moved = child(model, Offset).weight[0].detach().numpy() - mean
    assert np.abs(moved).max() > 1e-4


def test_colours_have_their_own_means(tmp_path: Path) -> None:
    X = blobs(20, 6, 5, 3) // 2 + np.array([0, 40, 80], np.uint8)
    path = parted(tmp_path, x_train=X[:15], x_val=X[15:])
    model = learner(learning_rate=STILL).fit(path).model_
    wanted = (X[:15] / 255).mean(axis=0).transpose(2, 0, 1)
    np.testing.assert_allclose(child(model, Centre).mean.numpy(), wanted, atol=1e-6)
