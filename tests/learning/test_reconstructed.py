"""What is told of reconstructions beside principal components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from foveal import (
    Run,
    load,
)
from foveal.learning import reconstruction as _reconstructing
from foveal.progress.events import Reconstructed
from support.autoencoders import DIGITS, STILL, blobs, learner, parted, through, told


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
