from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from foveal import CNNClassifier, DataError, NetworkError, PictureWarning, Run, UsageError, load
from foveal.judging.evaluation import evaluate
from foveal.progress.events import Planned, Prepared

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def learner(**changes) -> CNNClassifier:
    options = {"net": NET, "epochs": 6, "random_state": 0, "threads": 1} | changes
    return CNNClassifier(**options)


def told(kind, X, y=None, **changes):
    heard = []
    learner(**changes).fit(X, y, run=Run(listeners=[heard.append]))
    return next(event for event in heard if isinstance(event, kind))


def test_digits_are_learned() -> None:
    digits = load_digits()
    found = CNNClassifier(epochs=8, random_state=0, threads=1, test_share=0.2)
    found.fit(digits.images, digits.target)
    judged = evaluate(found.model_, digits.images, digits.target, with_baselines=False)
    assert judged.metrics.pictures == 359
    assert judged.metrics.accuracy.value > 0.97


def test_a_folder_of_class_folders_is_enough(class_folders: Path) -> None:
    found = learner().fit(class_folders)
    assert found.classes_.tolist() == ["above", "below"]
    assert found.score(class_folders) > 0.95
    one = class_folders / "above" / "above.3.png"
    assert found.predict([one]).tolist() == ["above"]
    assert found.plan_.input == (3, 16, 16)
    assert len(found.history_) == 6


def test_the_same_seed_gives_the_same_file(class_folders: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        learner(ema=0.9).fit(class_folders).save(tmp_path / f"{name}.safetensors")
    learner(random_state=1).fit(class_folders).save(tmp_path / "three.safetensors")
    one, two, three = (tmp_path / f"{name}.safetensors" for name in ("one", "two", "three"))
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() != three.read_bytes()


def test_unreadable_files_are_named_and_keep_their_rows(
    class_folders: Path, tmp_path: Path
) -> None:
    (class_folders / "above" / "broken.png").write_bytes(b"not a picture")
    (class_folders / "loose.txt").write_text("notes")
    prepared = told(Prepared, class_folders)
    assert prepared.left_out == 2
    assert "above/broken.png" in prepared.notes[0]
    found = learner().fit(class_folders)
    paths = [class_folders / "above" / "broken.png", class_folders / "below" / "below.0.png"]
    with pytest.warns(PictureWarning, match=r"1 of 2 pictures .*broken\.png"):
        assert found.predict(paths).tolist() == [None, "below"]
    with pytest.warns(PictureWarning, match=r"broken\.png"):
        assert np.isnan(found.predict_proba(paths)[0]).all()


def test_grid_search_over_paths(class_folders: Path) -> None:
    paths = sorted(class_folders.rglob("*.png"))
    labels = [path.parent.name for path in paths]
    search = GridSearchCV(learner(epochs=3), {"batch_size": [8, 16]}, cv=2, error_score="raise")
    search.fit(paths, labels)
    assert search.best_score_ > 0.8


def test_named_parts_are_honoured(class_folders: Path, tmp_path: Path) -> None:
    root = tmp_path / "parts"
    for part, numbers in (("train", range(20)), ("valid", range(20, 25)), ("test", range(25, 30))):
        for label in ("above", "below"):
            (root / part / label).mkdir(parents=True)
            for number in numbers:
                name = f"{label}.{number}.png"
                (root / part / label / name).write_bytes(
                    (class_folders / label / name).read_bytes()
                )
    prepared = told(Prepared, root)
    assert (prepared.train, prepared.validation, prepared.test) == (40, 10, 10)
    evaluation = evaluate(learner().fit(root).model_, root, with_baselines=False)
    assert evaluation.metrics.pictures == 10
    assert "judged on the test part: 10 pictures" in evaluation.notes


def test_a_budget_of_seconds_becomes_a_number_of_steps(class_folders: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "a.run")
    with run:
        learner(epochs=None, seconds=0.01).fit(class_folders, run=run)
        assert run.decide("steps", lambda: -1) >= 100  # the least that is taken


def test_few_photographs_are_pointed_to_transfer_learning(class_folders: Path) -> None:
    notes = told(Prepared, class_folders).notes
    assert any("transfer learning from a pretrained network" in note for note in notes)


def test_grey_pictures_are_not_mirrored_unless_asked() -> None:
    digits = load_digits()
    X, y = digits.images[:200], digits.target[:200]
    assert "not mirrored" in told(Planned, X, y, epochs=1).notes[0]
    assert told(Planned, X, y, epochs=1, flip=True).notes == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs: needed"),
        ({"epochs": 3, "seconds": 9}, "`epochs` and `seconds`: needed one of them"),
        ({"optimizer": "rmsprop"}, "one of 'sgd', 'adamw'"),
        ({"validation_share": 1.0}, "validation_share"),
        ({"size": (1, 2, 3)}, "size"),
        ({"augmentation": "wild"}, "one of 'none', 'light', 'strong'"),
        ({"net": 5}, "name of a stock net"),
        ({"net": "flatten | dense 7"}, "one a class"),
        ({"net": "flatten | dense softmax"}, "the loss and predict_proba apply the softmax"),
        ({"class_weight": {"left": 2.0}}, "class_weight"),
        ({"device": "cuda:7"}, "device"),
    ],
)
def test_parameters_outside_their_range_are_named(
    class_folders: Path, changes: dict, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        learner(**changes).fit(class_folders)


def test_a_network_that_does_not_fit_offers_repairs(class_folders: Path) -> None:
    with pytest.raises(NetworkError, match="does not fit") as caught:
        learner(net="4*(conv 4 3x3 | maxpool 2) | flatten | dense").fit(class_folders)
    assert caught.value.repairs


def test_one_class_and_no_labels_are_refused(class_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 2 classes"):
        learner().fit([class_folders / "above" / "above.0.png"] * 3, ["a"] * 3)
    with pytest.raises(DataError, match="one folder a class.*in Python, y will do too"):
        learner().fit(class_folders / "above")


def test_labels_that_all_pictures_bear_are_refused(class_folders: Path) -> None:
    paths = sorted(class_folders.rglob("*.png"))
    with pytest.raises(ValueError, match="a label that some training pictures bear"):
        learner().fit(paths, np.ones((len(paths), 3), dtype=int))


def test_class_weights_pull_towards_the_rare_class() -> None:
    generator = np.random.default_rng(0)
    X = generator.integers(0, 255, (200, 8, 8), dtype=np.uint8)
    y = np.array([0] * 180 + [1] * 20)
    shares = [
        learner(class_weight=weight).fit(X, y).predict_proba(X)[:, 1].mean()
        for weight in (None, "balanced", {1: 50.0})
    ]
    assert shares[0] < shares[1] < shares[2]


def test_clone_and_parameters_survive(class_folders: Path) -> None:
    first = learner(label_smoothing=0.2)
    assert clone(first).get_params() == first.get_params()


def test_float_arrays_keep_their_range_and_floats_far_from_zero_work(tmp_path: Path) -> None:
    digits = load_digits()
    X, y = digits.images[:400] * 1e6 - 3e9, digits.target[:400]
    found = learner(epochs=20).fit(X, y)
    assert found.score(X, y) > 0.9
    found.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").recipe.low == X.min()


def test_strong_augmentation_and_every_schedule_train(class_folders: Path) -> None:
    for options in (
        {"augmentation": "strong", "schedule": "cosine"},
        {"augmentation": "none", "schedule": "constant", "optimizer": "adamw", "clip_norm": 1.0},
    ):
        assert learner(epochs=12, **options).fit(class_folders).score(class_folders) > 0.9


def test_a_model_without_validation_pictures_can_be_saved(tmp_path: Path) -> None:
    digits = load_digits()
    found = learner(validation_share=0.0, epochs=1).fit(digits.images, digits.target)
    found.save(tmp_path / "m.safetensors")
    assert len(load(tmp_path / "m.safetensors").chosen_on) == 0


@pytest.mark.parametrize("labels", [["\udcff", "b"], ["a\nb", "c"], ["a" * 2_000, "b"]])
def test_labels_that_no_file_could_keep_are_refused_before_training(labels: list[str]) -> None:
    X = np.random.default_rng(0).random((20, 4, 4))
    with pytest.raises(DataError, match="Rename the class"):
        learner().fit(X, np.array(labels * 10))


def test_test_pictures_do_not_touch_the_recipe(tmp_path: Path) -> None:
    recipes = []
    for brightest in (3_000, 65_535):
        root = tmp_path / str(brightest)
        for part in ("train", "test"):
            for label in ("a", "b"):
                (root / part / label).mkdir(parents=True)
                for index in range(4):
                    top = brightest if part == "test" else 3_000
                    pixels = np.linspace(0, top, 64).reshape(8, 8).astype(np.uint16)
                    seen = 300 * (index + 4 * (label == "b")), 900 * (part == "test")
                    pixels[0, :2] = seen  # apart in 8 bits too: no picture stands twice
                    Image.fromarray(pixels).save(root / part / label / f"{index}.png")
        recipes.append(learner(epochs=1).fit(root).model_.recipe)
    assert recipes[0] == recipes[1]


def test_weights_that_overflow_at_the_last_step_are_a_clear_error() -> None:
    digits = load_digits()
    with pytest.raises(ArithmeticError, match="Lower `learning_rate`"):
        learner(epochs=0.01, learning_rate=1e38, clip_norm=0).fit(digits.images, digits.target)


def test_what_is_prepared_once_teaches_as_fit_does(class_folders: Path, tmp_path: Path) -> None:
    data = learner(label_smoothing=0.1).prepared(class_folders)
    for epochs in (2, 3):
        learner(epochs=epochs).fit_prepared(data).save(tmp_path / f"prepared-{epochs}.safetensors")
        learner(epochs=epochs).fit(class_folders).save(tmp_path / f"fit-{epochs}.safetensors")
        files = [(tmp_path / f"{how}-{epochs}.safetensors") for how in ("prepared", "fit")]
        assert files[0].read_bytes() == files[1].read_bytes()
    other = (
        learner(epochs=2, label_smoothing=0.1).fit_prepared(data).save(tmp_path / "o.safetensors")
    )
    assert other.model_.provenance.config.label_smoothing == 0.1


def test_the_loss_that_calibrated_a_model_is_kept(tmp_path: Path) -> None:
    digits = load_digits()
    X, y = digits.images[:400], digits.target[:400]
    parts = learner(net="fast", epochs=3)
    model = parts.fit(X, y).model_
    rows = parts.prepared(X, y).split.validation
    likely = model.predict_proba(X[rows])[np.arange(len(rows)), y[rows]]
    assert model.provenance.calibrated_loss == pytest.approx(-np.log(likely).mean(), rel=1e-4)
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors").provenance
    assert again.calibrated_loss == model.provenance.calibrated_loss
    assert (
        learner(epochs=1, validation_share=0.0).fit(X, y).model_.provenance.calibrated_loss is None
    )
