"""Models with fixed layers: their files, their copies, and what is refused."""

from __future__ import annotations

import copy
import copyreg
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from foveal import DataError, ModelFileError, TransferClassifier, load
from foveal.errors import PictureWarning
from foveal.judging.evaluation import evaluate
from foveal.model.fitted import FittedModel
from foveal.tensor_files import read_tensors, write_tensors
from support.models import small_model

KINDS = {
    "frozen": {},
    "layered": {"head": "dense 8 relu | dropout 0.2", "epochs": 3, "cut": "3"},
    "tuned": {"fine_tune_epochs": 2, "cut": "3"},
}
NET = "conv 4 3x3 same | batchnorm | relu | conv 8 3x3 same | batchnorm | relu | globalpool | dense"


def drawn(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Draw dark and light grey pictures, larger than the network's."""
    y = np.arange(count) % 2
    X = np.random.default_rng(0).integers(0, 160, (count, 12, 12), dtype=np.uint8)
    return X + (60 * y).astype(np.uint8)[:, None, None], np.array(["dark", "light"])[y]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    for index, (pixels, label) in enumerate(zip(*drawn(), strict=True)):
        (root / label).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / label / f"{index:02d}.png")
    return root


@pytest.fixture(scope="module", params=[(kind, source) for kind in KINDS for source in "af"])
def made(request, folder: Path, tmp_path_factory: pytest.TempPathFactory):
    """A model of each kind from an array and from files, with pictures and its file."""
    kind, source = request.param
    learner = TransferClassifier(small_model(NET), random_state=0, threads=1, **KINDS[kind])
    if source == "a":
        X, y = drawn()
        model = learner.fit(X, y).model_
    else:
        X = sorted(folder.rglob("*.png"))
        model = learner.fit(folder).model_
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    model.save(path)
    return model, X, path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    X, y = drawn()
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    TransferClassifier(small_model(NET), random_state=0, threads=1).fit(X, y).save(path)
    return path


def same(one: FittedModel, two: FittedModel, X: object) -> None:
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert one.plan == two.plan and one.plan.fixed == two.plan.fixed > 0
    assert one.provenance == two.provenance and one.recipe == two.recipe
    assert one.temperature == two.temperature
    assert one.classes.tolist() == two.classes.tolist() and one.classes.dtype == two.classes.dtype
    np.testing.assert_array_equal(one.trained_on, two.trained_on)
    np.testing.assert_array_equal(one.chosen_on, two.chosen_on)
    assert one.digest() == two.digest()
    state = two.network.state_dict()
    for name, value in one.network.state_dict().items():
        assert torch.equal(value, state[name]) and value.dtype == state[name].dtype


def test_saved_and_loaded_answers_are_the_same(made) -> None:
    model, X, path = made
    same(model, load(path, threads=1), X)
    assert str(path.parent).encode() not in path.read_bytes()


def test_copies_and_pickles_answer_the_same(made) -> None:
    model, X, _ = made
    same(model, copy.deepcopy(model), X)
    again = pickle.loads(pickle.dumps(model))
    same(model, again, X)
    assert again.device == model.device
    assert not again.network.training
    assert pickle.dumps(again) == pickle.dumps(model)


def test_a_copy_shares_no_weights(made) -> None:
    model, X, _ = made
    before = model.predict_proba(X)
    for value in copy.deepcopy(model).network.parameters():
        with torch.no_grad():
            value.zero_()
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_features_of_the_fixed_layers_lead_to_the_same_logits(made) -> None:
    model, X, _ = made
    fixed = model.plan.fixed
    from foveal.pictures.sources import gather

    parts = [values for _, values, _ in model.session(fixed).outputs(gather(X))]
    features = np.concatenate(parts).astype(np.float32)
    found = model.logits_of(features, np.arange(len(features)))
    logged = np.log(model.predict_proba(X))
    expected = found / model.temperature
    np.testing.assert_allclose(logged - logged[:, :1], expected - expected[:, :1], atol=1e-3)


def test_answers_do_not_depend_on_what_stands_beside(made) -> None:
    model, X, _ = made
    whole = model.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    other = [X[row] for row in order] if isinstance(X, list) else X[order]
    np.testing.assert_allclose(model.predict_proba(other), whole[order], atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X[:1]), whole[:1], atol=1e-5)


def test_a_pickle_from_a_machine_with_another_device_runs_here(saved: Path) -> None:
    model = load(saved, threads=1)
    unpack, (data, _, threads) = copyreg.dispatch_table[type(model)](model)
    again = unpack(data, "mps" if torch.cuda.is_available() else "cuda", threads)
    same(model, again, drawn()[0])


def test_a_pickle_with_a_flipped_bit_is_refused(saved: Path) -> None:
    unpack, (data, device, threads) = copyreg.dispatch_table[FittedModel](load(saved, threads=1))
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(ModelFileError, match="a pickled model"):
        unpack(flipped, device, threads)


def retold(path: Path, place: Path, change) -> Path:
    """Write a model again with other facts under a checksum that holds."""
    tensors, facts = read_tensors(path)
    change(tensors, facts)
    write_tensors(place / "retold.safetensors", tensors, facts)
    return place / "retold.safetensors"


def test_the_reteller_itself_changes_nothing(saved: Path, tmp_path: Path) -> None:
    assert load(retold(saved, tmp_path, lambda t, f: None)).plan.fixed == 7


@pytest.mark.parametrize(
    "change",
    [
        lambda t, f: f.update(fixed=8),
        lambda t, f: f.update(fixed=9),
        lambda t, f: f.update(fixed=10**9),
        lambda t, f: f.update(fixed=-1),
        lambda t, f: f.update(fixed=1.5),
        lambda t, f: f.update(fixed="some"),
        lambda t, f: f.update(fixed=None),
        lambda t, f: f["provenance"]["backbone"].update(source="internet"),
        lambda t, f: f["provenance"]["backbone"].update(source=None),
        lambda t, f: f["provenance"]["backbone"].update(url="http://example.org"),
        lambda t, f: f["provenance"]["backbone"].update(sha256="0" * 65),
        lambda t, f: f["provenance"]["backbone"].update(name="a" * 1_001),
        lambda t, f: f["provenance"]["backbone"].pop("stage"),
        lambda t, f: f["provenance"].update(backbone="efficientnet_lite0"),
        lambda t, f: f["provenance"]["logistic"].update(C=0),
        lambda t, f: f["provenance"]["logistic"].update(C="strong"),
        lambda t, f: f["provenance"]["logistic"].pop("folds"),
        lambda t, f: f["provenance"].update(judged_by="hearsay"),
        lambda t, f: f["provenance"].update(augmentation="wild"),
        lambda t, f: f["provenance"].update(class_counts=f["provenance"]["class_counts"][1:]),
        lambda t, f: f["provenance"]["class_counts"].__setitem__(0, -1),
        lambda t, f: f["provenance"].update(validation_pictures=3, validation_right=4),
        lambda t, f: f["provenance"].update(best_epoch=-1),
        lambda t, f: f["provenance"].update(snapshot_steps=[0]),
        lambda t, f: t.update({"kernels/snapshots": torch.zeros(1)}),
        lambda t, f: t["network/2_batchnorm.running_var"].fill_(float("inf")),
        lambda t, f: t.pop("network/2_batchnorm.running_var"),
    ],
)
def test_cards_that_no_transfer_leaves_are_refused(saved: Path, tmp_path: Path, change) -> None:
    with pytest.raises(ModelFileError, match=r"needed .*, got"):
        load(retold(saved, tmp_path, change))


def test_the_card_keeps_whose_kernels_these_are(made) -> None:
    model, _, path = made
    origin = load(path).provenance.backbone
    assert origin is not None
    assert (origin.name, origin.source) == ("a fitted model", "model")
    assert origin.sha256 == small_model(NET).digest()
    assert "a fitted model" in repr(model)


def test_pictures_beside_a_model_have_no_answer(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    model = load(saved)
    with pytest.warns(PictureWarning, match="left out"):
        assert model.predict([tmp_path / "a.png"]).tolist() == [None]
    with pytest.raises(DataError, match="without labels"):
        evaluate(model, [tmp_path / "a.png"])


@pytest.mark.parametrize(
    "change",
    [
        lambda t, f: t.update({"kernels/snapshots": t["kernels/snapshots"][:, :1]}),
        lambda t, f: t.update({"kernels/snapshots": t["kernels/snapshots"][1:]}),
        lambda t, f: f["provenance"]["snapshot_steps"].reverse(),
        lambda t, f: f["provenance"].update(snapshot_steps=[]),
    ],
)
def test_kernels_over_the_epochs_that_are_not_the_networks_are_refused(
    tmp_path: Path, change
) -> None:
    old = Path(__file__).parents[1] / "fixtures" / "classifier-format1.safetensors"
    assert len(load(retold(old, tmp_path, lambda t, f: None)).snapshots) == 5
    with pytest.raises(ModelFileError, match="kernels over the epochs"):
        load(retold(old, tmp_path, change))
