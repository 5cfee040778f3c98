from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from PIL import Image
from sklearn.datasets import load_digits

from foveal import CNNClassifier, ModelFileError, UsageError, load
from foveal.errors import PictureWarning
from foveal.tensor_files import KEY, content_hash, read_tensors, write_tensors
from support.models import small_autoencoder, small_model

DIGITS = load_digits()
NET = "conv 4 3x3 same relu | maxpool 2 | flatten | dense 16 relu | dense"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory):
    learner = CNNClassifier(net=NET, epochs=3, random_state=0, threads=1)
    model = learner.fit(DIGITS.images, DIGITS.target).model_
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    model.save(path)
    return model, path


def test_saved_and_loaded_answers_are_the_same(fitted) -> None:
    model, path = fitted
    again = load(path, threads=1)
    X = DIGITS.images[:100]
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert again.classes.dtype == model.classes.dtype
    assert again.recipe == model.recipe and again.plan == model.plan
    assert again.provenance == model.provenance
    np.testing.assert_array_equal(again.snapshots, model.snapshots)


def test_answers_do_not_depend_on_the_batch(fitted) -> None:
    model, _ = fitted
    whole = model.predict_proba(DIGITS.images[:300])
    single = np.concatenate([model.predict_proba(DIGITS.images[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(whole[:20], single, atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1)


def test_features_are_what_the_last_layer_sees(fitted) -> None:
    model, _ = fitted
    X = DIGITS.images[:50]
    features = model.features(X)
    assert features.shape == (50, 16) and features.dtype == np.float32
    last = model.network[-1]
    logits = features @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    np.testing.assert_allclose(logits, model.logits(DIGITS.images[:50, :, :, None]), atol=1e-4)


def test_kernels_were_kept_over_the_epochs(fitted) -> None:
    model, _ = fitted
    assert model.snapshots.shape == (4, 4, 1, 3, 3)
    assert len(model.provenance.snapshot_steps) == 4
    assert not np.array_equal(model.snapshots[0], model.snapshots[-1])


def test_the_file_is_plain_safetensors_and_readable_by_its_group(fitted) -> None:
    _, path = fitted
    tensors = safetensors.torch.load_file(path)
    assert "network/1_conv.weight" in tensors
    assert path.stat().st_mode & 0o040 or os.name != "posix"
    text = path.read_bytes()
    assert str(Path.cwd()).encode() not in text and b"/tmp" not in text


def changed(path: Path, tmp_path: Path, change) -> Path:
    """Write the model again with its card changed and a checksum that holds."""
    tensors, card = read_tensors(path)
    change(card)
    card["sha256"] = content_hash(tensors, card)
    place = tmp_path / "changed.safetensors"
    place.write_bytes(safetensors.torch.save(tensors, {KEY: json.dumps(card, sort_keys=True)}))
    return place


def test_the_changer_itself_changes_nothing_else(fitted, tmp_path: Path) -> None:
    _, path = fitted
    load(changed(path, tmp_path, lambda card: None))


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.update(format=2),
        lambda card: card.update(task="detection"),
        lambda card: card.update(command="rm"),
        lambda card: card.update(network="__import__('os')"),
        lambda card: card.update(network=card["network"].replace("dense 16", "dense 17")),
        lambda card: card.update(network="1x8x8 | flatten | dense 1000000 | dense 10"),
        lambda card: card.update(network="90*(" * 200),
        lambda card: card.update(temperature=-1),
        lambda card: card.update(temperature=float("inf")),
        lambda card: card.update(classes=[]),
        lambda card: card.update(classes=card["classes"][:-1]),
        lambda card: card["recipe"].update(height=9),
        lambda card: card["recipe"].update(height=10**9),
        lambda card: card["recipe"].update(url="http://example.org"),
        lambda card: card.pop("recipe"),
        lambda card: card["provenance"]["config"].update(steps="many"),
        lambda card: card.update(sha256="0" * 64),
    ],
)
def test_a_card_that_does_not_hold_is_refused(fitted, tmp_path: Path, change) -> None:
    _, path = fitted
    with pytest.raises(ModelFileError, match=r"needed .*, got"):
        load(changed(path, tmp_path, change))


class Evil:
    def __reduce__(self):
        return (os.mkdir, ("evil-was-executed",))


def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "evil.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelFileError, match="a file that Foveal saved"):
        load(path)
    assert not Path("evil-was-executed").exists()


def test_other_safetensors_files_are_refused(tmp_path: Path, fitted) -> None:
    model, _ = fitted
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"a": model.snapshots.contiguous()}, path)
    with pytest.raises(ModelFileError, match="a file that Foveal saved"):
        load(path)
    with pytest.raises(ModelFileError, match="nothing there"):
        load(tmp_path / "missing.safetensors")


def test_the_name_of_a_model_must_say_what_it_is(fitted, tmp_path: Path) -> None:
    model, _ = fitted
    with pytest.raises(UsageError, match=r"ending in \.safetensors"):
        model.save(tmp_path / "model.pt")
    with pytest.raises(UsageError, match="a folder that exists"):
        model.save(tmp_path / "nowhere" / "model.safetensors")


def test_pictures_of_another_size_are_refused_with_advice(fitted) -> None:
    model, _ = fitted
    with pytest.raises(ValueError, match="Bring the arrays to that size"):
        model.predict(np.zeros((2, 9, 9)))


def test_texts_as_classes_keep_their_type(tmp_path: Path) -> None:
    names = np.array(["zero", "one", "two"])[DIGITS.target % 3]
    learner = CNNClassifier(net=NET, epochs=1, random_state=0, threads=1)
    learner.fit(DIGITS.images, names).save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").predict(DIGITS.images[:4]).dtype.kind == "U"


def retold(path: Path, tmp_path: Path, change) -> Path:
    """Write the model again with other content under a checksum that holds."""
    tensors, facts = read_tensors(path)
    change(tensors, facts)
    write_tensors(tmp_path / "retold.safetensors", tensors, facts)
    return tmp_path / "retold.safetensors"


def test_the_reteller_itself_changes_nothing(fitted, tmp_path: Path) -> None:
    _, path = fitted
    load(retold(path, tmp_path, lambda tensors, facts: None))


@pytest.mark.parametrize(
    "change",
    [
        lambda t, f: t["network/1_conv.bias"].fill_(float("nan")),
        lambda t, f: t.update({"network/1_conv.bias": t["network/1_conv.bias"] * 1j}),
        lambda t, f: t.update({"hashes/train": t["hashes/train"].float()}),
        lambda t, f: t.update({"hashes/train": t["hashes/train"][None]}),
        lambda t, f: t.pop("hashes/validation"),
        lambda t, f: f.update(classes=[1] * 10),
        lambda t, f: f.update(classes=["a" * 5_000, *f["classes"][1:]]),
        lambda t, f: f.update(temperature=1e-300),
        lambda t, f: f["recipe"].update(std=[1e-320]),
        lambda t, f: f["recipe"].update(low=-1e308, high=1e308),
    ],
)
def test_content_that_no_training_leaves_is_refused(fitted, tmp_path: Path, change) -> None:
    _, path = fitted
    with pytest.raises(ModelFileError, match=r"needed .*, got"):
        load(retold(path, tmp_path, change))


def test_what_is_no_regular_file_is_never_read() -> None:
    with pytest.raises(ModelFileError, match="no regular file"):
        load(os.devnull)


def test_files_are_black_at_0_and_white_at_255_whatever_was_fitted(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 17, (40, 8, 8)).astype(float)
    labels = np.arange(40) % 2
    net = "conv 2 3x3 | flatten | dense"
    model = CNNClassifier(net=net, epochs=1, random_state=0, threads=1).fit(images, labels).model_
    files = [tmp_path / f"{row}.png" for row in range(4)]
    for row, file in enumerate(files):
        Image.fromarray((images[row] * (255 / 16)).round().astype(np.uint8)).save(file)
    of_files, of_arrays = model.predict_proba(files), model.predict_proba(images[:4])
    np.testing.assert_allclose(of_files, of_arrays, atol=0.02)
    assert model.recipe.high == 16


def test_a_ground_is_kept_and_none_leaves_the_hash_alone(tmp_path: Path) -> None:
    plain = small_model()
    laid = replace(plain, recipe=replace(plain.recipe, ground=0))
    assert "ground" not in plain._content()[1]["recipe"]
    assert plain.digest() != laid.digest()
    laid.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").recipe.ground == 0


def test_an_answer_without_reasons_warns_of_what_it_lacks(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "there.png")
    given = [tmp_path / "there.png", tmp_path / "gone.png"]
    model, coder = small_model(), small_autoencoder()
    asked = (model.predict, model.predict_proba, model.features, model.inputs)
    for ask in (*asked, model.unfamiliarity, coder.encode):
        with pytest.warns(PictureWarning, match=r"1 of 2 pictures left out: .*gone.png \(no such"):
            ask(given)
    assert model.predictions(given).reasons == ["", "no such file"]  # which has a place for them


def test_weights_that_no_file_could_bring_back_are_not_saved(tmp_path: Path) -> None:
    model = small_model()
    model.network[0].weight.data[0, 0, 0, 0] = float("nan")
    for write in (lambda: model.save(tmp_path / "m.safetensors"), model.packed):
        with pytest.raises(UsageError, match="finite numbers, got NaN or infinity in network"):
            write()
    assert not list(tmp_path.iterdir())
