"""Autoencoders: what they learn, their networks, how they are used again and resumed."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foveal import (
    Autoencoder,
    Interrupted,
    PictureWarning,
    Run,
    TransferClassifier,
    UsageError,
    load,
)
from foveal.nets.blocks import Offset
from foveal.nets.notation import read
from foveal.pictures.sources import gather
from foveal.progress.events import Planned, StepEnded
from support.autoencoders import DIGITS, STILL, blobs, in_folder, learner, through, told

# Learning ----------------------------------------------------------------------------------


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


# Networks ----------------------------------------------------------------------------------


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


# scikit-learn ------------------------------------------------------------------------------


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


# Resuming ----------------------------------------------------------------------------------


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


# Reuse -------------------------------------------------------------------------------------


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
