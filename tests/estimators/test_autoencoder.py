"""Autoencoders: what they learn and from what, in which units they answer, what they refuse."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.distributions import Normal, kl_divergence

from foveal import (
    Autoencoder,
    DataError,
    Interrupted,
    NetworkError,
    PictureWarning,
    Run,
    TransferClassifier,
    UsageError,
    load,
)
from foveal.learning import reconstruction as _reconstructing
from foveal.learning.reconstruction import WEIGHTS, divergence, noisy
from foveal.model.fitted import FittedModel
from foveal.nets.blocks import Centre, Offset
from foveal.nets.notation import read
from foveal.pictures.sources import gather
from foveal.pictures.store import content_hashes
from foveal.progress.events import Planned, Prepared, Reconstructed, StepEnded

DIGITS = load_digits()
ENCODER = "flatten | dense 24 relu"
STILL = 1e-30
"""A learning rate that changes no weight: what comes out is what training began with."""


def learner(**changes) -> Autoencoder:
    options = {"encoder": ENCODER, "code_size": 6, "epochs": 2, "random_state": 0, "threads": 1}
    return Autoencoder(**(options | changes))


def told(kind, X, **changes):
    heard = []
    learner(**changes).fit(X, run=Run(listeners=[heard.append]))
    return next(event for event in heard if isinstance(event, kind))


def blobs(count: int = 40, height: int = 8, width: int = 8, channels: int = 0) -> np.ndarray:
    """Grey or colour bytes: a bright spot at one of many places, on a dim ground."""
    generator = np.random.default_rng(0)
    shape = (count, height, width, channels) if channels else (count, height, width)
    X = generator.integers(0, 40, shape, dtype=np.uint8)
    for picture in X:
        row, column = generator.integers(0, height - 2), generator.integers(0, width - 2)
        picture[row : row + 3, column : column + 3] += 180
    return X


def parted(tmp_path: Path, **arrays: np.ndarray) -> Path:
    np.savez(tmp_path / "parted.npz", **arrays)
    return tmp_path / "parted.npz"


def child(model: FittedModel, kind: type) -> torch.nn.Module:
    return next(one for one in model.network.children() if isinstance(one, kind))


def through(model: FittedModel, X: np.ndarray) -> np.ndarray:
    """What the whole network gives for pictures (n, h, w) of 0 to 1, without clipping."""
    with torch.inference_mode():
        made = model.network(torch.from_numpy(X[:, None].astype(np.float32)))
    return made[:, 0].double().numpy()


# Learning ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_digits_are_learned_better_than_by_components_and_by_the_mean(kind: str) -> None:
    X = DIGITS.images[:900]
    options = {"code_size": 8, "epochs": 10, "random_state": 0, "threads": 1, "test_share": 0.2}
    found = Autoencoder(kind, **options).fit(X)
    report = found.reconstruction_
    assert report.judged_by == "test" and report.pictures == 180
    assert report.autoencoder.mse < report.pca.mse
    flat = X.reshape(900, 64) / 16
    by_mean = ((flat - flat.mean(axis=0)) ** 2).mean()
    pca = PCA(8).fit(flat)
    by_components = ((flat - pca.inverse_transform(pca.transform(flat))) ** 2).mean()
    assert -found.score(X) < 0.9 * by_components < 0.5 * by_mean


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"noise": "gaussian", "loss": "bce", "ema": 0.9},
        {"noise": "masks", "augmentation": "light", "flip": True},
        {"variational": True, "loss": "l1"},
    ],
)
def test_the_same_seed_gives_the_same_file(tmp_path: Path, changes: dict) -> None:
    X = blobs()
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        torch.manual_seed(len(name))  # the caller's own state does not matter
        learner(random_state=seed, **changes).fit(X).save(tmp_path / f"{name}.safetensors")
    one, two, three = (
        (tmp_path / f"{name}.safetensors").read_bytes() for name in ("one", "two", "three")
    )
    assert one == two
    assert one != three


def test_callers_random_state_is_left_alone() -> None:
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    learner(noise="gaussian", variational=True).fit(blobs())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "epochs": 20},
        {"ema": 0.9},
        {"schedule": "cosine", "clip_norm": 0.5, "weight_decay": 0.01},
        {"schedule": "constant", "momentum": 0.8, "batch_size": 7},
        {"loss": "bce"},
        {"loss": "l1"},
        {"noise": "gaussian"},
        {"variational": True, "beta": 0.1},
        {"encoder": "conv 4 3x3 same | batchnorm | relu | maxpool 2 | flatten"},
        {"augmentation": "light", "flip": True},
    ],
)
def test_every_way_of_training_learns(changes: dict) -> None:
    X = DIGITS.images[:300]
    found = learner(**({"epochs": 12} | changes)).fit(X)
    losses = [one["validation_loss"] for one in found.history_]
    assert losses[-1] < losses[0]
    by_mean = ((X - X.mean(axis=0)) ** 2).mean() / 256
    assert -found.score(X) < by_mean


def test_patience_ends_training_when_nothing_gets_better() -> None:
    found = learner(epochs=20, patience=2, learning_rate=STILL).fit(blobs())
    assert len(found.history_) == 3
    assert found.model_.provenance.best_epoch == 1


def test_few_colour_pictures_are_mirrored_and_grey_ones_are_not() -> None:
    grey, colour = blobs(20, 6, 6), blobs(20, 6, 6, 3)
    assert told(Planned, colour).flip and not told(Planned, grey).flip
    assert told(Planned, grey, flip=True).flip and not told(Planned, colour, flip=False).flip


def test_the_best_epoch_is_kept() -> None:
    found = learner(epochs=8, learning_rate=0.3, clip_norm=0).fit(blobs())
    losses = [one["validation_loss"] for one in found.history_]
    best = int(np.argmin(losses))
    assert found.model_.provenance.best_epoch == best + 1
    assert [one["best"] for one in found.history_][best]


def test_a_budget_of_seconds_becomes_a_number_of_steps(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        learner(epochs=None, seconds=0.01).fit(blobs(), run=run)
        assert run.decide("steps", lambda: -1) >= 100  # the least that is taken


def test_fractions_of_an_epoch_are_trained() -> None:
    found = learner(epochs=0.5, batch_size=4).fit(blobs())
    assert found.model_.provenance.config.steps == 4


# Where pictures come from -----------------------------------------------------------------


def in_folder(root: Path, X: np.ndarray) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(X):
        Image.fromarray(pixels).save(root / f"{index:03d}.png")
    return root


def as_idx(folder: Path, **parts: np.ndarray) -> Path:
    folder.mkdir()
    for name, X in parts.items():
        head = struct.pack(">HBB3I", 0, 8, 3, *X.shape)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + X.tobytes())
    return folder


def test_class_folders_are_read_without_their_labels(class_folders: Path) -> None:
    prepared = told(Prepared, class_folders)
    assert (prepared.classes, prepared.train, prepared.validation) == ({}, 48, 12)
    found = learner().fit(class_folders)
    assert found.plan_.input == (3, 16, 16)
    codes = found.transform(class_folders)
    assert codes.shape == (60, 6) and codes.dtype == np.float32
    made = found.inverse_transform(codes)
    assert made.shape == (60, 16, 16, 3) and made.min() >= 0 and 0.5 < made.max() <= 1
    np.testing.assert_array_equal(found.reconstruct(class_folders), made)


def test_a_flat_folder_a_list_and_an_array_are_the_same_pictures(tmp_path: Path) -> None:
    X = blobs()
    folder = in_folder(tmp_path / "flat", X)
    weights = []
    for source in (folder, str(folder), sorted(folder.iterdir()), X, list(X)):
        model = learner().fit(source).model_
        weights.append([one.clone() for one in model.network.state_dict().values()])
        np.testing.assert_allclose(model.encode(X), model.encode(folder), atol=1e-5)
    for others in weights[1:]:
        assert all(torch.equal(*pair) for pair in zip(weights[0], others, strict=True))


def test_labels_are_ignored(tmp_path: Path) -> None:
    X = blobs()
    digests = {
        learner().fit(X).model_.digest(),
        learner().fit(X, np.arange(len(X))).model_.digest(),
        learner().fit(X, ["a"]).model_.digest(),
        learner().fit(X, [[1, 2], [3]]).model_.digest(),
        learner().fit(parted(tmp_path, x=X, y=np.arange(len(X)) % 3)).model_.digest(),
        learner().fit(parted(tmp_path, x=X, y=np.full(len(X), np.nan))).model_.digest(),
    }
    assert len(digests) == 1


def test_idx_folders_have_a_test_part(tmp_path: Path) -> None:
    X = blobs(50)
    found = learner().fit(as_idx(tmp_path / "idx", train=X[:40], t10k=X[40:]))
    assert found.reconstruction_.judged_by == "test" and found.reconstruction_.pictures == 10
    codes = found.transform(tmp_path / "idx")
    np.testing.assert_allclose(codes, found.transform(X), atol=1e-5)
    made = found.inverse_transform(codes)
    assert made.shape == (50, 8, 8, 1) and 50 < made.max() <= 255


def test_npz_files_answer_in_their_own_units(tmp_path: Path) -> None:
    X = blobs().astype(np.float64) * 10 - 700
    found = learner().fit(parted(tmp_path, x=X))
    made = found.inverse_transform(found.transform(tmp_path / "parted.npz"))
    assert made.shape == (40, 8, 8, 1)
    assert np.abs(made[..., 0] - X).mean() < X.std()
    by_rows = learner().fit(parted(tmp_path, x=X.reshape(40, -1)))
    assert by_rows.plan_.input == (1, 8, 8)
    assert by_rows.reconstruct(X.reshape(40, -1)).size == X.size


@pytest.mark.parametrize("names", [("train", "val", "test"), ("training", "valid", "test")])
def test_named_parts_are_honoured(tmp_path: Path, names: tuple[str, ...]) -> None:
    X = blobs(40)
    for name, rows in zip(names, (X[:24], X[24:30], X[30:]), strict=True):
        in_folder(tmp_path / "parts" / name / "any", rows)
    prepared = told(Prepared, tmp_path / "parts")
    assert (prepared.train, prepared.validation, prepared.test) == (24, 6, 10)
    found = learner().fit(tmp_path / "parts")
    assert found.reconstruction_.judged_by == "test" and found.reconstruction_.pictures == 10
    model = found.model_
    assert set(model.trained_on.tolist()) == set(content_hashes(X[:24]).tolist())
    assert set(model.chosen_on.tolist()) == set(content_hashes(X[24:30]).tolist())
    np.testing.assert_allclose(
        found.reconstruction_.autoencoder.mse, -found.score(X[30:]), rtol=1e-4
    )


def test_test_pictures_change_nothing_but_the_report(tmp_path: Path) -> None:
    X, found = blobs(30), []
    for test in (X[25:], 255 - X[25:]):
        path = parted(tmp_path, x_train=X[:20], x_val=X[20:25], x_test=test)
        found.append(learner(epochs=3).fit(path))
    one, two = (one.model_.network.state_dict() for one in found)
    assert all(torch.equal(value, two[name]) for name, value in one.items())
    assert found[0].model_.recipe == found[1].model_.recipe
    assert found[0].reconstruction_ != found[1].reconstruction_


def test_without_held_out_pictures_nothing_is_claimed(tmp_path: Path) -> None:
    found = learner(validation_share=0.0).fit(blobs())
    assert found.reconstruction_ is None
    provenance = found.model_.provenance
    assert (provenance.judged_by, provenance.validation_pictures) == ("nothing", 0)
    found.save(tmp_path / "m.safetensors")
    model = load(tmp_path / "m.safetensors")
    assert len(model.chosen_on) == 0 and len(model.normal.errors) == 0


def test_unreadable_files_are_in_the_ledger_and_keep_their_rows(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "flat", blobs(20))
    (folder / "010.png").write_bytes(b"not a picture")
    with Run(tmp_path / "a.run") as run:
        found = learner().fit(folder, run=run)
    ledger = (tmp_path / "a.run" / "ledger.csv").read_text()
    assert [line for line in ledger.splitlines() if "left out" in line][0].startswith("010.png")
    assert told(Prepared, folder).left_out == 1
    with pytest.warns(PictureWarning, match=r"1 of 20 pictures .*010\.png"):
        codes, scores = found.transform(folder), found.score_samples(folder)
    for values in (codes[:, 0], scores):
        assert np.flatnonzero(np.isnan(values)).tolist() == [10]
    assert len(codes) == len(scores) == 20
    with pytest.warns(PictureWarning, match=r"010\.png"):
        assert found.score(folder) == pytest.approx(np.delete(scores, 10).mean())
    with pytest.raises(DataError, match="NaN or infinity in 1 of 20 rows: 10"):
        found.inverse_transform(codes)


def test_files_are_black_and_white_as_arrays_of_floats_are(tmp_path: Path) -> None:
    X = blobs()
    X[:, 0, 0], X[:, 0, 1] = 0, 255
    folder = in_folder(tmp_path / "flat", X)
    floats = X / 255 * 40 - 7
    found = learner().fit(floats)
    np.testing.assert_allclose(found.transform(folder), found.transform(floats), atol=1e-5)
    scores = found.score_samples(folder), found.score_samples(floats)
    np.testing.assert_allclose(*scores, rtol=1e-4)


def test_files_of_many_sizes_are_brought_to_one(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for index, (height, width) in enumerate([(8, 10), (9, 10), (8, 12), (20, 10), (8, 10)] * 3):
        pixels = blobs(20, height, width)[index]
        Image.fromarray(pixels).save(folder / f"{index}.png")
    found = learner().fit(folder)
    assert found.plan_.input == (1, 8, 10)
    asked = learner(size=(6, 5), channels=3).fit(folder)
    assert asked.reconstruct(folder).shape == (15, 6, 5, 3)


# Units ------------------------------------------------------------------------------------

DTYPES = {
    "uint8": blobs(30, 6, 6),
    "float32": (blobs(30, 6, 6) / 100).astype(np.float32) - 1,
    "float64": blobs(30, 6, 6) * 1e3 - 5e4,
    "int16": blobs(30, 6, 6).astype(np.int16) * 50 - 3000,
    "bool": blobs(30, 6, 6) > 100,
}
FORMS = {
    "maps": (30, 6, 6),
    "channels": (30, 3, 4, 3),
    "one channel": (30, 6, 6, 1),
    "square": (30, 36),
    "a row": (15, 72),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_pictures_come_back_in_their_shape_and_their_units(dtype: str, form: str) -> None:
    X = DTYPES[dtype].reshape(FORMS[form])
    found = learner(epochs=4).fit(X)
    codes = found.transform(X)
    wanted = X.dtype if dtype.startswith("float") else np.float32
    assert codes.shape == (len(X), 6) and codes.dtype == wanted
    made = found.inverse_transform(codes)
    assert made.shape == X.shape and made.dtype == wanted
    np.testing.assert_array_equal(found.reconstruct(X), made)
    values = X.astype(np.float64)
    low, high = (0, 255) if dtype == "uint8" else (values.min(), values.max())
    slack = 1e-6 * (high - low)
    assert low - slack <= made.min() and made.max() <= high + slack
    assert np.abs(made - values).mean() < values.std()
    mse = ((made - values) ** 2).reshape(len(X), -1).mean(axis=1) / (high - low) ** 2
    np.testing.assert_allclose(found.score_samples(X), -mse, rtol=1e-3, atol=1e-9)


def test_float_arrays_may_lie_far_from_zero(tmp_path: Path) -> None:
    X, scores = DIGITS.images[:60] / 16, []
    for scale, least in ((1.0, 0.0), (1e6, -3e9)):
        there = X * scale + least
        path = parted(tmp_path, x_train=there[:40], x_val=there[40:])
        found = learner().fit(path)
        scores.append(found.score_samples(there))
        made = found.inverse_transform(found.transform(path))
        assert abs(made.min() - least) < 0.1 * scale and abs(made.max() - least) < 1.1 * scale
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-4)


def test_forms_of_one_picture_are_one_picture() -> None:
    X = blobs(20, 6, 6)
    found = learner().fit(X)
    for other in (X[..., None], X.tolist(), list(X)):
        np.testing.assert_allclose(found.transform(other), found.transform(X), atol=1e-6)


def test_a_single_picture_is_encoded() -> None:
    X = blobs(20, 6, 6)
    found = learner().fit(X)
    one = found.transform(X[3:4])
    np.testing.assert_allclose(one, found.transform(X)[3:4], atol=1e-5)
    assert found.inverse_transform(one).shape == (1, 6, 6)


# Losses -----------------------------------------------------------------------------------

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


# Noise ------------------------------------------------------------------------------------


def test_gaussian_noise_has_the_deviation_that_was_asked_for() -> None:
    torch.manual_seed(0)
    images = torch.rand(40, 3, 20, 20)
    added = noisy(images, "gaussian", 0.3) - images
    assert added.mean().abs() < 0.005 and (added.std() - 0.3).abs() < 0.005
    flat = added.reshape(40, -1).numpy()
    assert np.abs(np.corrcoef(flat) - np.eye(40)).max() < 0.15, "pictures share their noise"


@pytest.mark.parametrize(
    ("height", "width", "side"), [(28, 28, 4), (8, 8, 1), (5, 5, 1), (14, 30, 4), (64, 48, 9)]
)
def test_masks_hide_whole_patches_of_all_channels(height: int, width: int, side: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(60, 2, height, width) + 0.5
    kept = (noisy(images, "masks", 0.4) / images).numpy()
    assert set(np.unique(kept)) == {0.0, 1.0}
    np.testing.assert_array_equal(kept[:, 0], kept[:, 1])
    cells = kept[:, 0, ::side, ::side]
    grown = np.repeat(np.repeat(cells, side, 1), side, 2)[:, :height, :width]
    np.testing.assert_array_equal(kept[:, 0], grown)
    assert abs(cells.mean() - 0.6) < 0.05
    per_place = cells.mean(axis=0)
    assert per_place.min() > 0.3 and per_place.max() < 0.9, "places that are never, always hidden"


@pytest.mark.parametrize("noise", ["gaussian", "masks"])
def test_noise_follows_from_the_seed_and_leaves_pictures_alone(noise: str) -> None:
    images = torch.rand(4, 1, 9, 9)
    before, found = images.clone(), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(noisy(images, noise, 0.3))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert torch.equal(images, before)
    assert torch.equal(noisy(images, noise, 0.0), images)
    assert torch.equal(noisy(images, "none", 0.3), images)


@pytest.mark.parametrize(("noise", "level"), [("gaussian", 0.8), ("masks", 0.9)])
def test_noise_changes_what_is_learned(noise: str, level: float) -> None:
    X = blobs()
    plain, other = learner().fit(X), learner(noise=noise, noise_level=level).fit(X)
    assert plain.model_.digest() != other.model_.digest()
    assert plain.history_[0]["loss"] != other.history_[0]["loss"]


# Variational ------------------------------------------------------------------------------


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


# Centring ---------------------------------------------------------------------------------


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


# Networks ---------------------------------------------------------------------------------


def test_encoder_and_decoder_of_ones_own() -> None:
    X = blobs()
    layers = "conv 4 3x3 same relu | maxpool 2 | flatten"
    found = learner(encoder=layers, decoder="dense 20 relu | dense 64").fit(X)
    assert found.plan_.text.endswith("dense 6 | dense 20 relu | dense 64 | reshape 1x8x8 | offset")
    same = learner(encoder=read(layers), decoder=read("dense 20 relu | dense 64")).fit(X)
    assert same.model_.digest() == found.model_.digest()
    convolved = "dense 64 relu | reshape 4x4x4 | convtranspose 1 4x4 stride 2 padding 1"
    assert learner(decoder=convolved).fit(X).reconstruct(X).shape == X.shape


def test_a_code_of_the_size_that_was_left_out() -> None:
    assert learner(code_size=None).fit(blobs(60)).plan_.code_size == 32
    assert learner(code_size=None).fit(blobs(60, 4, 5)).plan_.code_size == 10
    assert learner(code_size=None).fit(blobs(20)).plan_.code_size == 16, "as many as pictures"


@settings(max_examples=10)
@given(st.integers(5, 40), st.integers(5, 40), st.sampled_from(["conv", "dense"]), st.booleans())
def test_pictures_of_any_size_are_learned(height: int, width: int, kind: str, colour: bool) -> None:
    X = blobs(6, height, width, 3 * colour)
    found = Autoencoder(kind, code_size=3, epochs=1, random_state=0, threads=1).fit(X)
    assert found.reconstruct(X).shape == X.shape
    assert found.transform(X).shape == (6, 3)


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_activations_are_those_that_were_asked_for(activation: str) -> None:
    options = {"code_size": 2, "epochs": 1, "random_state": 0, "threads": 1}
    for kind in ("conv", "dense"):
        found = Autoencoder(kind, activation=activation, **options).fit(blobs(12))
        assert f" {activation}" in found.plan_.text
        assert "gelu" not in found.plan_.text


# What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "wide"}, "kind: needed one of 'conv', 'dense'"),
        ({"code_size": 0}, "code_size: needed"),
        ({"code_size": 2.5}, "code_size: needed"),
        ({"code_size": 33}, "code_size: needed at most 32: pictures of 64 values, 32 to train on"),
        ({"encoder": 5}, "encoder: needed"),
        ({"encoder": "flaten | dense 3"}, "flatten"),
        ({"encoder": "1x9x9 | flatten"}, "encoder: needed pictures of 1x8x8"),
        ({"decoder": "1x9x9 | flatten"}, "decoder: needed layers alone"),
        ({"activation": "wild"}, "activation: needed one of"),
        ({"loss": "huber"}, "loss: needed None, or one of 'mse', 'bce', 'l1', 'colour'"),
        ({"noise": "salt"}, "noise: needed one of"),
        ({"noise_level": 1.5}, "noise_level: needed"),
        ({"beta": -1}, "beta: needed"),
        ({"variational": "yes"}, "variational: needed"),
        ({"epochs": 3, "seconds": 9}, "epochs and seconds: needed one of them"),
        ({"epochs": 0}, "epochs: needed"),
        ({"optimizer": "rmsprop"}, "one of 'sgd', 'adamw'"),
        ({"augmentation": None}, "augmentation: needed"),
        ({"augmentation": "wild"}, "one of 'none', 'light', 'strong'"),
        ({"flip": "yes"}, "flip: needed"),
        ({"validation_share": 1.0}, "validation_share: needed"),
        ({"size": (1, 2, 3)}, "size: needed"),
        ({"resize": "bend"}, "resize: needed"),
        ({"device": "cuda:7"}, "device"),
        ({"threads": 0}, "threads: needed"),
        (
            {"batch_size": 1, "encoder": "conv 2 3x3 | batchnorm | relu | flatten"},
            "batch_size: needed at least 2 pictures a step for batch normalisation",
        ),
    ],
)
def test_parameters_outside_their_range_are_named(changes: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        learner(**changes).fit(blobs())


def test_codes_are_no_longer_than_pictures_have_values() -> None:
    with pytest.raises(UsageError, match="at most 4: pictures of 4 values, 32 to train on"):
        learner(code_size=5).fit(blobs(40, 3, 3)[:, :2, :2])
    X = np.random.default_rng(0).random((40, 2, 2))
    assert learner(code_size=4).fit(X).plan_.code_size == 4


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        ("dense 63", "decoder: needed a picture of 1x8x8 at its end, got 63"),
        ("dense 32 | reshape 2x4x4", "decoder: needed a picture of 1x8x8 at its end, got 2x4x4"),
        ("reshape 1x8x8", "6"),
        ("conv 4 3x3", "vector"),
    ],
)
def test_decoders_that_do_not_fit_are_refused(decoder: str, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        learner(decoder=decoder).fit(blobs())


@pytest.mark.parametrize(
    "X", [np.full((20, 6, 6), 9, np.uint8), np.zeros((20, 6, 6)), np.ones((20, 6, 6), bool)]
)
def test_pictures_that_are_all_the_same_are_refused(X: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least 2 different pictures to train on"):
        learner().fit(X)


def test_two_different_pictures_are_enough_and_one_is_not(tmp_path: Path) -> None:
    X = blobs(2, 6, 6)
    with pytest.raises(DataError, match="at least 2 different pictures to train on, got 1"):
        learner(code_size=1, validation_share=0.0).fit(X[:1])
    found = learner(code_size=1, validation_share=0.0).fit(X)
    assert found.transform(X).shape == (2, 1)
    with pytest.raises(DataError, match="at least 2 different pictures"):
        learner(code_size=1).fit(X)  # one of them is held out
    folder = in_folder(tmp_path / "one", X[:1])
    with pytest.raises(DataError, match="at least 2 different pictures"):
        learner(code_size=1).fit(folder)


def test_a_folder_without_a_readable_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="at least one file that is a picture"):
        learner().fit(tmp_path)
    with pytest.raises(DataError, match="nothing there"):
        learner().fit(tmp_path / "nowhere")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_arrays_with_holes_are_refused(tmp_path: Path, bad: float) -> None:
    X = blobs().astype(np.float64)
    found = learner().fit(X)
    X[3, 2, 1] = bad
    with pytest.raises(ValueError, match="NaN|infinity"):
        learner().fit(X)
    with pytest.raises(ValueError, match="NaN|infinity"):
        learner().fit(X.reshape(40, -1))
    with pytest.raises(ValueError, match="NaN|infinity"):
        found.transform(X)
    with pytest.raises(DataError, match="finite numbers, got NaN or infinity"):
        learner(validation_share=0.0).fit(parted(tmp_path, x=X))


def test_arrays_of_several_sizes_are_refused() -> None:
    mixed = [np.zeros((6, 6)), np.zeros((6, 7))]
    with pytest.raises(ValueError, match="one size|inhomogeneous"):
        learner().fit(mixed)
    found = learner().fit(blobs())
    with pytest.raises(ValueError, match="Bring the arrays to that size"):
        found.transform(blobs(5, 8, 9))
    with pytest.raises(ValueError, match="Bring the arrays to that size"):
        found.transform(blobs(5, 8, 8, 3))


def test_rows_of_another_length_are_refused_as_scikit_learn_does() -> None:
    X = blobs().reshape(40, -1)
    with pytest.raises(ValueError, match="63 features, but Autoencoder is expecting 64"):
        learner().fit(X).transform(X[:, :-1])


def test_nothing_works_before_fit(tmp_path: Path) -> None:
    for use in (
        lambda: learner().transform(blobs()),
        lambda: learner().inverse_transform(np.zeros((1, 6))),
        lambda: learner().reconstruct(blobs()),
        lambda: learner().score_samples(blobs()),
        lambda: learner().score(blobs()),
        lambda: learner().save(tmp_path / "m.safetensors"),
    ):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            use()


def test_codes_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(n, 6\), got float64 of shape \(2, 7\)"):
        learner().fit(blobs()).inverse_transform(np.zeros((2, 7)))


# scikit-learn -----------------------------------------------------------------------------


def test_clone_and_parameters_survive() -> None:
    first = learner(noise="masks", beta=2.0, decoder="dense 64")
    assert clone(first).get_params() == first.get_params()
    fitted = learner().fit(blobs())
    assert not hasattr(clone(fitted), "model_")


def test_codes_tell_digits_apart() -> None:
    steps = learner(code_size=16, epochs=8), StandardScaler(), LogisticRegression(max_iter=2_000)
    X, y = DIGITS.data, DIGITS.target
    pipeline = make_pipeline(*steps).fit(X[:1_000], y[:1_000])
    assert pipeline.score(X[1_000:], y[1_000:]) > 0.75


def test_codes_are_named_columns_of_a_table() -> None:
    X = blobs()
    found = learner(code_size=3).set_output(transform="pandas").fit(X)
    table = found.transform(X)
    assert list(table.columns) == ["autoencoder0", "autoencoder1", "autoencoder2"]
    np.testing.assert_array_equal(table, found.model_.encode(X))
    assert found.get_feature_names_out().tolist() == list(table.columns)
    assert found.reconstruct(X).shape == X.shape
    np.testing.assert_array_equal(found.fit_transform(X).to_numpy(), found.model_.encode(X))


def test_grid_search_finds_the_longer_code_by_the_learners_own_score() -> None:
    options = {"cv": 2, "error_score": "raise", "refit": False}
    search = GridSearchCV(learner(epochs=8), {"code_size": [1, 12]}, **options)
    search.fit(DIGITS.images[:400])
    assert search.best_params_ == {"code_size": 12}
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] < scores[1] < 0


def test_the_score_is_the_mean_of_the_scores_of_pictures() -> None:
    X = blobs()
    found = learner().fit(X)
    scores = found.score_samples(X)
    made = through(found.model_, X / 255).clip(0, 1)
    np.testing.assert_allclose(scores, -((made - X / 255) ** 2).mean(axis=(1, 2)), rtol=1e-4)
    assert scores.dtype == np.float64 and scores.shape == (40,)
    assert found.score(X) == pytest.approx(scores.mean())
    assert found.score(X, np.arange(40)) == found.score(X)


def test_a_picture_unlike_the_others_has_the_lowest_score() -> None:
    X = DIGITS.images[:300].copy()
    found = learner(epochs=10).fit(X)
    X[7] = 16 - X[7]
    assert found.score_samples(X).argmin() == 7


def test_pickles_answer_the_same() -> None:
    X = blobs()
    found = learner(variational=True).fit(X)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.transform(X), found.transform(X))
    np.testing.assert_array_equal(again.reconstruct(X), found.reconstruct(X))
    assert again.model_.digest() == found.model_.digest()
    assert again.reconstruction_ == found.reconstruction_


def test_saved_and_loaded_answers_are_the_same(tmp_path: Path) -> None:
    X = DIGITS.images[:100]
    found = learner().fit(X).save(tmp_path / "m.safetensors")
    model = load(tmp_path / "m.safetensors", threads=1)
    np.testing.assert_allclose(model.encode(X), found.transform(X), atol=1e-6)
    np.testing.assert_allclose(model.decode(model.encode(X))[..., 0] * 16, found.reconstruct(X))
    assert model.provenance.coding.reconstruction == found.reconstruction_
    assert model.digest() == found.model_.digest()


# Resuming ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 7, 9, 16])
@pytest.mark.parametrize(
    "changes", [{}, {"variational": True, "noise": "masks", "ema": 0.9, "loss": "bce"}]
)
def test_a_stopped_training_goes_on_to_the_same_bits(
    tmp_path: Path, stop: int, changes: dict
) -> None:
    X, options = blobs(), {"epochs": 5, "batch_size": 8, **changes}
    whole = learner(**options).fit(X)

    def stopping(event) -> None:
        if isinstance(event, StepEnded) and event.step == stop:
            run.stop()

    with Run(tmp_path / "a.run", listeners=[stopping]) as run:
        with pytest.raises(Interrupted, match="`resume`"):
            learner(**options).fit(X, run=run)
    with Run(tmp_path / "a.run", resume=True) as run:
        again = learner(**options).fit(X, run=run)
    assert again.model_.digest() == whole.model_.digest()
    losses = [[one["loss"] for one in found.history_] for found in (whole, again)]
    assert losses[0] == losses[1] and len(losses[0]) == 5


def test_other_pictures_cannot_be_gone_on_with(tmp_path: Path) -> None:
    def stopping(event) -> None:
        if isinstance(event, StepEnded):
            run.stop()

    with Run(tmp_path / "a.run", listeners=[stopping]) as run:
        with pytest.raises(Interrupted, match="`resume`"):
            learner().fit(blobs(), run=run)
    with Run(tmp_path / "a.run", resume=True) as run:
        with pytest.raises(UsageError, match="pictures changed meanwhile"):
            learner().fit(255 - blobs(), run=run)


# The report -------------------------------------------------------------------------------


def test_the_report_is_that_of_an_independent_computation(tmp_path: Path) -> None:
    X = DIGITS.images[:300] / 16
    train, test = X[:200], X[220:]
    path = parted(tmp_path, x_train=train, x_val=X[200:220], x_test=test)
    found = learner(epochs=4).fit(path)
    report = found.reconstruction_
    pca = PCA(6, svd_solver="full").fit(train.reshape(200, -1))
    components = pca.inverse_transform(pca.transform(test.reshape(80, -1)))
    ours = np.clip(through(found.model_, test), 0, 1)
    theirs = np.clip(components, 0, 1).reshape(80, 8, 8)
    for made, likeness in ((ours, report.autoencoder), (theirs, report.pca)):
        mse = np.mean([(a - b) ** 2 for a, b in zip(made.ravel(), test.ravel(), strict=True)])
        sure = np.clip(made, 1e-7, 1 - 1e-7)
        bce = -(test * np.log(sure) + (1 - test) * np.log(1 - sure)).mean()
        assert likeness.mse == pytest.approx(mse, rel=1e-4)
        assert likeness.bce == pytest.approx(bce, rel=2e-3)  # bounds in single precision
        assert likeness.psnr == pytest.approx(-10 * np.log10(mse), rel=1e-4)
        assert 0 < likeness.ssim < 1
        about = ((test - train.mean(axis=0)) ** 2).mean()
        assert likeness.kept == pytest.approx(1 - mse / about, rel=1e-4)
    assert (report.pictures, report.judged_by) == (80, "test")
    assert (report.pca_size, report.pca_pictures) == (6, 200)
    assert (report.picture_bytes, report.code_bytes) == (64, 24)


def test_components_are_fitted_on_no_more_pictures_than_memory_holds(monkeypatch) -> None:
    monkeypatch.setattr(_reconstructing, "MOST_VALUES", 64 * 10)
    report = learner(code_size=3).fit(blobs()).reconstruction_
    assert report.pca_pictures == 8 and report.pca_size == 3  # each fourth of 32


def test_what_more_components_would_keep_is_told_and_kept_in_the_file(tmp_path: Path) -> None:
    X, heard = DIGITS.images[:200], []
    made = learner(test_share=0.2).fit(X, run=Run(listeners=[heard.append]))
    made.save(str(tmp_path / "m.safetensors"))
    found = load(tmp_path / "m.safetensors").reconstruction
    assert found == made.reconstruction_ and found.larger_size == 4 * 6
    assert 1 > found.larger_kept.kept > found.pca.kept
    lines = next(event for event in heard if isinstance(event, Reconstructed)).lines
    assert f"24 components would keep {100 * found.larger_kept.kept:.1f} %" in lines


def test_where_there_are_no_more_components_nothing_is_said_of_them(tmp_path: Path) -> None:
    made = learner(code_size=16).fit(blobs(40, 4, 4))  # 16 values
    assert made.reconstruction_.larger_size is made.reconstruction_.larger_kept is None
    said = made.model_.provenance.coding.model_dump(mode="json")["reconstruction"]
    assert "larger_size" not in said and "larger_kept" not in said  # as in a file before


def test_where_components_do_better_it_is_said() -> None:
    still = told(Reconstructed, DIGITS.images[:300], learning_rate=STILL)
    assert any("principal components do better" in note for note in still.notes)
    assert still.facts["pca"]["mse"] < still.facts["autoencoder"]["mse"]
    assert still.facts["autoencoder"]["mse"] < 0.2, "the mean picture at least"


def test_usual_pictures_are_those_of_the_training_and_the_held_out(tmp_path: Path) -> None:
    X = blobs(30)
    found = learner().fit(parted(tmp_path, x_train=X[:20], x_val=X[20:]))
    normal, codes = found.model_.normal, found.transform(X).astype(np.float64)
    np.testing.assert_allclose(normal.mean, codes[:20].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(normal.errors, -found.score_samples(X[20:]), rtol=1e-4)
    np.testing.assert_allclose(normal.distances, normal.distance(codes[20:]), rtol=1e-4)
    assert np.sqrt((normal.distance(codes[:20]) ** 2).mean()) == pytest.approx(1, abs=0.05)


def test_progress_is_printed_where_it_is_asked_for(capsys) -> None:
    learner(verbose=True).fit(blobs())
    said = capsys.readouterr().err
    for word in ("epoch 2", "validation loss", "PCA, 6 components", "kept the weights of epoch"):
        assert word in said, word
    learner().fit(blobs())
    assert capsys.readouterr().err == ""


# Reuse ------------------------------------------------------------------------------------


@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.parametrize(
    ("changes", "cut"),
    [
        ({"encoder": "conv 6 3x3 same relu | maxpool 2 | flatten | dense 12 relu"}, None),
        ({"encoder": "conv 6 3x3 same relu | maxpool 2 | flatten", "variational": True}, None),
        ({"encoder": "flatten | dense 24 relu | dense 12 relu"}, None),
        ({"encoder": "conv 6 3x3 same relu | maxpool 2 | flatten"}, "2"),
    ],
)
def test_the_encoder_can_be_reused_for_classification(
    tmp_path: Path, changes: dict, cut: str | None, saved: bool
) -> None:
    X, y = DIGITS.images[:300], DIGITS.target[:300]
    model = learner(epochs=4, **changes).fit(X).model_
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    backbone: object = model
    if saved:
        model.save(tmp_path / "auto.safetensors")
        backbone = tmp_path / "auto.safetensors"
    options = {"cut": cut, "random_state": 0, "threads": 1}
    found = TransferClassifier(backbone, **options).fit(X, y)
    plan, state = found.model_.plan, found.model_.network.state_dict()
    assert 0 < plan.fixed <= model.plan.encoder_layers and plan.encoder_layers == 0
    kept = [name for name in state if int(name.split("_")[0]) <= plan.fixed]
    assert "1_centre.mean" in kept and (cut == "2" or len(kept) > 1)
    for name in kept:
        assert torch.equal(state[name], before[name]), name
    assert "offset" not in plan.text and "reshape" not in plan.text
    assert found.score(X, y) > 0.6
    origin = found.model_.provenance.backbone
    assert origin.source == "model" and origin.sha256 == model.digest()
    after = model.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_the_encoder_alone_is_reused_and_the_decoder_alone_refused(tmp_path: Path) -> None:
    X, y = blobs(), np.arange(40) % 2
    learner().fit(X).save(tmp_path / "auto.safetensors")
    encoder, decoder = (
        load(tmp_path / "auto.safetensors", half=half) for half in ("encoder", "decoder")
    )
    options = {"random_state": 0, "threads": 1}
    assert TransferClassifier(encoder, **options).fit(X, y).model_.plan.fixed > 0
    with pytest.raises(UsageError, match="the encoder: .*got the decoder alone"):
        TransferClassifier(decoder, **options).fit(X, y)


def test_gathered_pictures_are_taken_as_they_are(tmp_path: Path) -> None:
    pictures = gather(in_folder(tmp_path / "flat", blobs()))
    found = learner().fit(pictures)
    assert found.transform(pictures).shape == (40, 6)


def test_unreadable_files_come_back_as_no_picture(class_folders: Path) -> None:
    broken = class_folders / "above" / "broken.png"
    broken.write_bytes(b"not a picture")
    found = learner().fit(class_folders)
    files = [class_folders / "above" / "above.1.png", broken]
    with pytest.warns(PictureWarning, match=r"1 of 2 pictures .*broken\.png"):
        made = found.reconstruct(files)
    assert made.shape == (2, 16, 16, 3)
    assert np.isfinite(made[0]).all() and np.isnan(made[1]).all()
    with pytest.warns(PictureWarning, match=r"broken\.png"):
        assert np.isnan(found.score([broken]))


def test_cross_entropy_stays_positive_however_pictures_vary() -> None:
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 2, (40, 12, 12, 3), dtype=np.uint8) * 255
    found = learner(loss="bce", augmentation="strong", epochs=8, learning_rate=0.05).fit(colours)
    assert min(epoch["loss"] for epoch in found.history_) > 0


def test_only_the_decoder_begins_at_the_mean() -> None:
    digits = DIGITS.images[:60]
    options = {"encoder": "offset | flatten", "decoder": "dense 64 sigmoid"}
    model = learner(learning_rate=STILL, epochs=1, **options).fit(digits).model_
    (offset,) = (one for one in model.network if isinstance(one, Offset))
    assert float(offset.weight.detach().abs().max()) < 1e-6


def test_a_level_of_noise_that_is_not_there_is_not_kept() -> None:
    model = learner(noise="none", noise_level=0.7).fit(DIGITS.images[:40]).model_
    assert model.provenance.coding.noise_level == 0


@pytest.mark.parametrize(
    "clean",
    [DIGITS.images[:40], DIGITS.images[:40].reshape(40, -1), ["here.png"], Path("here.png"), "."],
)
def test_pictures_to_restore_instead_are_refused(
    clean: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save("here.png")
    with pytest.raises(UsageError, match="y: needed nothing, or labels"):
        Autoencoder(epochs=1, random_state=0).fit(DIGITS.images[:40], clean)


@pytest.mark.parametrize("labels", [["a"] * 40, np.arange(40), np.zeros((40, 1))])
def test_labels_are_not_looked_at(labels: Any) -> None:
    plain, labelled = (
        Autoencoder(epochs=1, code_size=2, random_state=0, threads=1).fit(DIGITS.images[:40], y)
        for y in (None, labels)
    )
    np.testing.assert_array_equal(
        plain.transform(DIGITS.images[:3]), labelled.transform(DIGITS.images[:3])
    )
