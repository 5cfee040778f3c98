"""Autoencoders: what they learn from, and in which units they answer."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from foveal import (
    DataError,
    PictureWarning,
    Run,
    load,
)
from foveal.pictures.store import content_hashes
from foveal.progress.events import Prepared
from support.autoencoders import DIGITS, blobs, in_folder, learner, parted, told

# Where pictures come from ------------------------------------------------------------------


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


# Units -------------------------------------------------------------------------------------


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
