"""Pictures of a transfer: few, in parts, equal, unreadable, of another kind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import DataError, Run, load
from foveal.judging.evaluation import evaluate
from foveal.progress.events import HeadFitted, Prepared
from support.transfers import LAYERED, backbone, heard, in_folders, learner, stripes

# Few pictures, parts, duplicates -----------------------------------------------------------


def test_two_pictures_a_class_work_and_the_figure_is_called_rough() -> None:
    X, y = stripes(6)
    found = learner()
    (head,) = heard(found, X, y, HeadFitted)
    assert head.folds == 2 and head.judged == 6
    assert "pictures of the smallest class: 2; any figure on so few is rough" in head.notes
    assert found.predict(X).tolist() == y.tolist()


@pytest.mark.parametrize(
    "options",
    [{}, {"fine_tune_epochs": 1}, {"head": "dense 4", "epochs": 2}, {"validation_share": 0.5}],
)
def test_one_picture_a_class_works_and_no_accuracy_is_claimed(
    options: dict, tmp_path: Path
) -> None:
    X, y = stripes(3)
    found = learner(**options).fit(X, y)
    provenance = found.model_.provenance
    assert (provenance.validation_right, provenance.validation_pictures) == (None, 0)
    found.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").predict(X).shape == (3,)


def test_one_class_is_refused_before_anything_is_computed(
    work: dict[str, int], tmp_path: Path
) -> None:
    X, _ = stripes(6)
    root = in_folders(tmp_path / "p", X, np.array(["only"] * 6))
    with pytest.raises(DataError, match="needed at least 2 classes.* got 1 class: only"):
        learner().fit(root)
    assert work == {"decoded": 0, "networks": 0}
    with pytest.raises(DataError, match="needed at least 2 classes"):
        learner().fit(X, ["only"] * 6)


def parts_of(tmp_path: Path) -> Path:
    X, y = stripes(60)
    for name, rows in (("train", slice(0, 36)), ("val", slice(36, 48)), ("test", slice(48, 60))):
        in_folders(tmp_path / "parts" / name, X[rows], y[rows])
    return tmp_path / "parts"


def test_a_named_validation_part_judges_and_is_then_learned_from_too(tmp_path: Path) -> None:
    root = parts_of(tmp_path)
    found = learner()
    told = heard(found, root)
    (prepared,) = [event for event in told if isinstance(event, Prepared)]
    (head,) = [event for event in told if isinstance(event, HeadFitted)]
    assert (prepared.train, prepared.validation, prepared.test) == (36, 12, 12)
    assert (head.judged, head.judged_by) == (12, "validation")
    model = found.model_
    assert (model.provenance.judged_by, model.provenance.validation_pictures) == ("validation", 12)
    assert len(model.trained_on) == 48 and len(model.chosen_on) == 0
    assert sum(model.provenance.class_counts) == 48
    both = sorted((root / "train").rglob("*.png")) + sorted((root / "val").rglob("*.png"))
    again = learner(C=model.provenance.logistic.C)
    again.fit(both, [path.parent.name for path in both])
    np.testing.assert_allclose(
        model.logits(stripes()[0][:, :, :, :3]),
        again.model_.logits(stripes()[0][:, :, :, :3]),
        atol=0.05,
    )
    alone = sorted((root / "train").rglob("*.png"))
    before = learner(C=model.provenance.logistic.C)
    before.fit(alone, [path.parent.name for path in alone])
    val = sorted((root / "val").rglob("*.png"))
    right = (before.predict(val) == [path.parent.name for path in val]).sum()
    assert model.provenance.validation_right == right


@pytest.mark.parametrize("options", [{}, {"fine_tune_epochs": 1}])
def test_the_test_part_is_never_used(tmp_path: Path, options: dict) -> None:
    root = parts_of(tmp_path)
    learner(**options).fit(root).save(tmp_path / "one.safetensors")
    for path in sorted((root / "test").rglob("*.png")):
        other = 255 - np.asarray(Image.open(path))
        Image.fromarray(other).save(path)
    (root / "test" / "low").rename(root / "test" / "spare")
    (root / "test" / "top").rename(root / "test" / "low")
    (root / "test" / "spare").rename(root / "test" / "top")
    found = learner(**options).fit(root)
    found.save(tmp_path / "two.safetensors")
    one, two = (tmp_path / "one.safetensors"), (tmp_path / "two.safetensors")
    assert one.read_bytes() == two.read_bytes()
    evaluation = evaluate(found.model_, root, with_baselines=False)
    assert evaluation.metrics.pictures == 12


def test_validation_pictures_of_a_head_of_layers_are_not_learned_from(tmp_path: Path) -> None:
    model = learner(head=LAYERED, epochs=2).fit(parts_of(tmp_path)).model_
    assert (len(model.trained_on), len(model.chosen_on)) == (36, 12)


def test_equal_pictures_stand_on_one_side(tmp_path: Path) -> None:
    """Copies of each picture with noise for labels: whoever sees a copy answers right."""
    generator = np.random.default_rng(0)
    X = generator.integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)
    y = generator.permutation(np.arange(40) % 2)
    fitted = learner(C=1e4)
    (head,) = heard(fitted, np.concatenate([X, X]), np.concatenate([y, y]), HeadFitted)
    assert head.judged == 80 and head.right < 60
    assert fitted.score(X, y) > 0.7
    root = parts_of(tmp_path)
    one = next((root / "test" / "low").iterdir())
    shutil.copy(one, root / "train" / "low" / "copy.png")
    (prepared,) = heard(learner(), root, None, Prepared)
    assert (prepared.train, prepared.test, prepared.duplicates) == (36, 12, 1)


def test_evaluation_leaves_training_pictures_out() -> None:
    X, y = stripes(90)
    model = learner(test_share=0.2).fit(X, y).model_
    found = evaluate(model, X, y)
    assert found.metrics.pictures == 18
    assert any("72 pictures left out: used to train the model" in one for one in found.notes)
    assert len(found.baselines) == 3
    assert evaluate(model, X, y, include_training=True, with_baselines=False).metrics.pictures == 90
    judged = [row for row, entry in enumerate(found.ledger) if not entry.reason]
    assert len(judged) == 18
    right = (model.predict(X) == y)[judged].mean()
    assert found.metrics.accuracy.value == pytest.approx(right)


# Unreadable files --------------------------------------------------------------------------


def test_unreadable_files_are_named_and_keep_their_rows(tmp_path: Path) -> None:
    X, y = stripes()
    root = in_folders(tmp_path / "p", X, y)
    (root / "low" / "broken.png").write_bytes(b"not a picture")
    (root / "low" / "cut.png").write_bytes((root / "low" / "000.png").read_bytes()[:60])
    (root / "top" / "empty.jpg").write_bytes(b"")
    for _ in range(2):  # the second time from what is kept
        with Run(tmp_path / "m.run", fresh=True) as run:
            found = learner()
            told: list = []
            run.listeners.append(told.append)
            found.fit(root, run=run)
        (prepared,) = [event for event in told if isinstance(event, Prepared)]
        assert (prepared.pictures, prepared.left_out, prepared.train) == (48, 3, 45)
        assert "low/broken.png" in prepared.notes[0]
        lines = (tmp_path / "m.run" / "ledger.csv").read_text().splitlines()
        left = {line.split(",")[0] for line in lines if ",left out," in line}
        assert left == {"low/broken.png", "low/cut.png", "top/empty.jpg"}
    paths = [root / "low" / "broken.png", root / "low" / "000.png", root / "top" / "empty.jpg"]
    predictions = found.model_.predictions(paths)
    assert predictions.labels.tolist() == [None, "low", None]
    assert [bool(reason) for reason in predictions.reasons] == [True, False, True]
    assert np.isnan(predictions.probabilities[[0, 2]]).all()
    assert len(list(predictions.rows())) == 3
    everything = found.model_.predictions([paths[0], paths[2]])
    assert everything.labels.tolist() == [None, None]
    evaluation = evaluate(found.model_, root, include_training=True, with_baselines=False)
    assert evaluation.metrics.pictures == 45
    assert len([entry for entry in evaluation.ledger if entry.reason]) == 3


@pytest.mark.parametrize("side", [16, 20])
def test_pictures_that_taught_are_known_as_numbers_of_any_type(side: int, tmp_path: Path) -> None:
    X, y = stripes(side=side, channels=1)
    unit = X / 255
    for given in (X, X.astype(np.float32), in_folders(tmp_path / "p", X, y)):
        labels = None if isinstance(given, Path) else y
        taught = learner(backbone(channels=1)).fit(given, labels).model_
        for same in (X, X.astype(np.float64), X.astype(np.int64)):
            found = evaluate(taught, same, y, with_baselines=False)
            assert found.judged_by == "cross-validation" and found.metrics.pictures == len(X)
            assert found.metrics.accuracy.value == taught.provenance.validation_right / len(X)
        for other in (unit, unit.astype(np.float32)):  # of another range: refused, not guessed
            with pytest.raises(DataError, match=r"taught the model.*X \* 255"):
                evaluate(taught, other, y, with_baselines=False)


def test_rows_of_pixels_are_folded_as_in_fit_or_refused() -> None:
    X, y = stripes(side=8, channels=3)
    found = learner(backbone(channels=1)).fit(X, y)
    flat = X.reshape(len(X), -1)
    np.testing.assert_array_equal(found.predict_proba(flat), found.predict_proba(X))
    with pytest.raises(DataError, match="or rows of 192 pixels"):
        found.predict(flat[:, 3:])


def test_a_folder_of_unreadable_files_is_a_clear_error(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "p" / label).mkdir(parents=True)
        (tmp_path / "p" / label / "x.png").write_bytes(label.encode())
    with pytest.raises(DataError, match="needed at least one file that is a picture"):
        learner().fit(tmp_path / "p")


# Pictures of another kind than the backbone's ----------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("theirs", [1, 3])
@pytest.mark.parametrize("side", [5, 37])
def test_grey_and_colour_small_and_large_pictures_fit_any_backbone(
    channels: int, theirs: int, side: int, tmp_path: Path
) -> None:
    X, y = stripes(side=side, channels=theirs)
    network = backbone(channels=channels)
    root = in_folders(tmp_path / "p", X, y)
    files = learner(network).fit(root)
    arrays = learner(network).fit(X, y)
    assert files.plan_.input == arrays.plan_.input == (channels, 16, 16)
    paths = [root / label / f"{index:03d}.png" for index, label in enumerate(y)]
    np.testing.assert_allclose(files.predict_proba(paths), arrays.predict_proba(X), atol=0.15)
    assert arrays.score(X, y) > 0.6


def test_arrays_of_every_type_are_brought_to_the_networks_size() -> None:
    X, y = stripes(side=20, channels=1)
    whole = learner().fit(X, y)
    probabilities = whole.predict_proba(X)
    for values in (
        X / 255.0,
        X.astype(np.float32) * 1e6 - 3e7,
        X.astype(np.int64),
        X[:, :, :, 0].astype(np.uint16),
    ):
        found = learner().fit(values, y)
        assert found.model_.recipe.low == values.min()
        np.testing.assert_array_equal(found.predict(values), whole.predict(X))
    flat = learner().fit(X.reshape(45, -1), y)
    assert flat.n_features_in_ == 400
    np.testing.assert_allclose(flat.predict_proba(X.reshape(45, -1)), probabilities, atol=1e-5)


def test_four_channels_are_refused() -> None:
    X, y = stripes(channels=4)
    with pytest.raises(DataError, match="X: needed .*got 4 channels"):
        learner().fit(X, y)


def test_arrays_of_another_size_than_those_of_fit_are_brought_to_the_networks(
    tmp_path: Path,
) -> None:
    X, y = stripes(side=16)
    found = learner().fit(X, y).model_
    doubled = X.repeat(2, axis=1).repeat(2, axis=2)
    for index, pixels in enumerate(doubled):
        Image.fromarray(pixels).save(tmp_path / f"{index:02d}.png")
    from_files = found.predict_proba(sorted(tmp_path.glob("*.png")))
    np.testing.assert_allclose(found.predict_proba(doubled), from_files, atol=1e-5)
    found.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors", threads=1)
    np.testing.assert_allclose(again.predict_proba(doubled), found.predict_proba(doubled))
