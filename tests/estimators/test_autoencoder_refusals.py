"""What autoencoders refuse, and how they say it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from foveal import (
    DataError,
    NetworkError,
    UsageError,
)
from support.autoencoders import blobs, in_folder, learner, parted


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "wide"}, "kind: needed one of 'conv', 'dense'"),
        ({"code_size": 0}, "code_size: needed"),
        ({"code_size": 2.5}, "code_size: needed"),
        ({"code_size": 33}, "code_size: needed at most 32: pictures of 64 values, 32 of them"),
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
        ({"epochs": 3, "seconds": 9}, "`epochs` and `seconds`: needed one of them"),
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
    with pytest.raises(UsageError, match="at most 4: pictures of 4 values, 40 of them"):
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
