"""Verdicts on pictures: which of them count, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import (
    CNNClassifier,
    CNNRegressor,
    DataError,
    Run,
    TransferClassifier,
    UsageError,
    anomalies,
    load,
)
from foveal.evaluation.intervals import cross_validated_number, wilson
from foveal.judging import source
from foveal.judging.evaluation import evaluate
from foveal.pictures import decode
from foveal.progress.events import HeadFitted
from support.models import small_model

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def learner(**changes) -> CNNClassifier:
    options = {"net": NET, "epochs": 6, "random_state": 0, "threads": 1} | changes
    return CNNClassifier(**options)


def test_evaluate_leaves_training_pictures_out_and_says_so(class_folders: Path) -> None:
    model = learner(test_share=0.2).fit(class_folders).model_
    found = evaluate(model, class_folders)
    assert found.metrics.pictures == 12
    assert any("used to train the model" in note for note in found.notes)
    assert [baseline.name for baseline in found.baselines][0] == "majority class"
    assert len(found.baselines) == 3
    everything = evaluate(model, class_folders, include_training=True, with_baselines=False)
    assert everything.metrics.pictures == 60
    trained = sorted(class_folders.rglob("*.png"))
    hashes = model.trained_on
    assert len(hashes) == len(set(hashes.tolist())) and len(trained) == 60


def test_evaluating_training_pictures_only_is_refused(class_folders: Path) -> None:
    model = learner(validation_share=0.0).fit(class_folders).model_
    with pytest.raises(DataError, match="`include_training`"):
        evaluate(model, class_folders)
    for folder in sorted(class_folders.iterdir()):
        folder.rename(folder.with_name(f"{folder.name} it"))
    with pytest.raises(DataError, match=r"labelled as those of the model are\.$"):
        evaluate(model, class_folders)


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


@pytest.mark.usefixtures("decoded_here")
def test_evaluation_of_pictures_that_were_seen_decodes_none_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = TransferClassifier(small_model(NET), random_state=0, threads=1, test_share=0.25)
    model = learner.fit(folder).model_
    calls = []
    monkeypatch.setattr(decode, "decode", lambda *asked: calls.append(asked))
    found = evaluate(model, folder, with_baselines=False)
    assert found.metrics.pictures == 10 and not calls


def hard(count: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures that no head tells apart well, some of them twice."""
    y = np.arange(count) % 2
    X = np.random.default_rng(1).integers(0, 200, (count, 8, 8), dtype=np.uint8)
    X += (12 * y).astype(np.uint8)[:, None, None]
    X[-6:] = X[:6]
    return X, np.array(["dark", "light"])[y]


KINDS = {
    "cross-validated": {},
    "validated": {"validation_share": 0.25},
    "head by descent": {"head": "dense 8 relu", "epochs": 3},
    "fine-tuned": {"fine_tune_epochs": 1, "cut": "1"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_training_pictures_are_judged_by_what_judged_the_model(kind: str, tmp_path: Path) -> None:
    X, y = hard()
    told: list[object] = []
    learner = TransferClassifier(
        small_model("conv 4 3x3 same | relu | globalpool | dense"),
        random_state=0,
        threads=1,
        **KINDS[kind],
    )
    learner.fit(X, y, run=Run(listeners=[told.append])).save(str(tmp_path / "m.safetensors"))
    model = load(tmp_path / "m.safetensors", threads=1)
    found = evaluate(model, X, y, with_baselines=False)
    provenance = model.provenance
    by = "cross-validation" if kind == "cross-validated" else "validation"
    assert found.judged_by == provenance.judged_by == by
    assert found.metrics.pictures == provenance.validation_pictures
    wanted = provenance.validation_accuracy
    assert found.metrics.accuracy.percent() == wanted.percent()
    if kind == "cross-validated":  # worth fewer: some are there twice, and folds teach one another
        plain = wilson(provenance.validation_right, provenance.validation_pictures)
        assert wanted.low < plain.low
        assert any("err together, and some of these pictures" in note for note in found.notes)
    assert 0.3 < found.metrics.accuracy.value < 0.95
    heads = [one for one in told if isinstance(one, HeadFitted)]
    if heads and kind != "fine-tuned":
        model.temperature = 1.0
        again = evaluate(model, X, y, with_baselines=False).metrics
        assert again.log_loss.value == pytest.approx(heads[0].log_loss, rel=1e-6)
        assert any("had not seen" in note for note in found.notes)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_folds_are_worth_fewer_pictures_than_a_part_of_their_own(share: float) -> None:
    X, y = (values[:-6] for values in hard())  # none of them twice
    learner = TransferClassifier(
        small_model(NET), random_state=0, threads=1, validation_share=share
    )
    model = learner.fit(X, y).model_
    known, found = model.provenance, evaluate(model, X, y, with_baselines=False)
    count, noted = (
        known.validation_pictures,
        any("mostly the same pictures" in one for one in found.notes),
    )
    assert not any("belong together" in one for one in found.notes)
    if share:
        assert known.validation_effective is None and found.worth == 1 and not noted
    else:
        worth = cross_validated_number(known.validation_right / count, count)
        assert known.validation_effective == pytest.approx(worth) and noted
        assert found.worth == pytest.approx(worth / count) and worth < 0.75 * count


def test_baselines_are_cross_validated_where_the_model_is() -> None:
    X, y = hard()
    y = np.random.default_rng(0).permutation(y)  # nothing to learn but by heart
    y[-6:] = y[:6]
    model = TransferClassifier(small_model(NET), random_state=0, threads=1).fit(X, y).model_
    found = evaluate(model, X, y)
    assert found.judged_by == "cross-validation" and found.metrics.pictures == 80
    nearest = {one.name: one for one in found.baselines}["nearest neighbour on pixels"]
    assert nearest.estimate.value < 0.7 and 60 <= nearest.trained_on < 70
    everything = evaluate(model, X, y, include_training=True)
    nearest = {one.name: one for one in everything.baselines}["nearest neighbour on pixels"]
    assert nearest.estimate.value == 1.0 and everything.judged_by == "training pictures"


def test_new_pictures_beside_those_that_taught_are_judged_alone() -> None:
    X, y = hard()
    model = TransferClassifier(small_model(NET), random_state=0, threads=1).fit(X[:60], y[:60])
    found = evaluate(model.model_, X, y, with_baselines=False)
    # the last six are equal to the first
    assert found.judged_by == "held-out pictures" and found.metrics.pictures == 14
    assert found.notes == ("66 pictures left out: used to train the model",)
    assert [entry.reason for entry in found.ledger[60:]] == [""] * 14 + [
        "the model was trained on it"
    ] * 6


def test_every_picture_comes_back_with_what_became_of_it(folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folder, tmp_path / "pictures"))
    (folder / "light" / "broken.png").write_bytes(b"no picture")
    (folder / "other").mkdir()
    Image.fromarray(drawn()[0][0]).save(folder / "other" / "strange.png")
    model = (
        TransferClassifier(small_model(NET), random_state=0, threads=1, test_share=0.25)
        .fit(*drawn())
        .model_
    )
    found = evaluate(model, folder, with_baselines=False)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows()]
    assert [row["path"] for row in rows] == [entry.path for entry in found.ledger]
    assert len(rows) == 42
    judged = [row for row in rows if row["reason"] is None]
    assert len(judged) == found.metrics.pictures == 10
    losses = [row["loss"] for row in judged]
    assert np.mean(losses) == pytest.approx(found.metrics.log_loss.value)
    right = [row["true"] == row["predicted"] for row in judged]
    assert np.mean(right) == found.metrics.accuracy.value
    names = [str(folder / row["path"]) for row in judged]
    chances = model.predict_proba(names)
    assert [row["probability"] for row in judged] == pytest.approx(chances.max(axis=1), abs=1e-5)
    others = {row["path"]: row for row in rows if row["reason"] is not None}
    assert others["other/strange.png"]["reason"] == "class other is unknown to the model"
    assert (
        others["light/broken.png"]["true"] == "light" and others["light/broken.png"]["loss"] is None
    )
    assert [row["reason"] for row in others.values()].count("the model was trained on it") == 30
    assert found.to_dict()["pictures"] == rows


def test_a_fitted_learner_stands_for_its_model_and_nothing_else_does() -> None:
    X, y = np.arange(40 * 64, dtype=np.uint8).reshape(40, 8, 8), np.arange(40) % 2
    learner = CNNClassifier(epochs=1, test_share=0.3, random_state=0, threads=1).fit(X, y)
    by_learner = evaluate(learner, X, y, with_baselines=False)
    assert by_learner.to_dict() == evaluate(learner.model_, X, y, with_baselines=False).to_dict()
    for other in (None, CNNClassifier(), "model.safetensors"):
        with pytest.raises(UsageError, match="a fitted model"):
            evaluate(other, X, y)
        with pytest.raises(UsageError, match="a fitted model"):
            anomalies(other, X)


def test_an_accuracy_says_at_once_what_it_leaves_out() -> None:
    X, y = drawn()
    model = learner().fit(X, y).model_
    labels = np.where(np.arange(40) % 4 > 1, "dusk", y)
    new = np.random.default_rng(1).integers(0, 160, (40, 12, 12), dtype=np.uint8)
    found = evaluate(model, new, labels, with_baselines=False)
    assert (found.unjudged.given, found.unjudged.unusable, found.unjudged.unknown) == (40, 20, 20)
    lines = str(found).splitlines()
    at = next(row for row, line in enumerate(lines) if line.startswith("accuracy"))
    assert "leaves out 20 of 40 pictures given" in lines[at + 1]
    assert "leaves out 20 of 40 pictures given" in found._repr_html_()
    dark = evaluate(model, new[y == "dark"], y[y == "dark"], with_baselines=False)
    assert dark.unjudged.classes == ("light",)
    assert "of which no picture is judged: light" in str(dark)


def test_a_class_of_one_picture_is_named_where_the_accuracy_stands() -> None:
    X, y = drawn()
    y = np.r_[y[:-1], ["alone"]]
    run = Run()
    notes: list[str] = []
    run.listeners = (lambda event: notes.extend(getattr(event, "notes", ())),)
    head = TransferClassifier(small_model(side=12), random_state=0, threads=1)
    model = head.fit(X, y, run=run).model_
    assert model.provenance.unjudged == [model.classes.tolist().index("alone")]
    assert any(note.startswith("there is but one picture of alone") for note in notes)
    found = evaluate(model, X, y, with_baselines=False)
    assert found.judged_by == "cross-validation" and found.unjudged.classes == ("alone",)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("red", "red;round", "green;round"), "the class green;round looks like several labels"),
        (("red", "dark red; wine", "red, round"), ""),
    ],
)
def test_classes_that_look_like_several_labels_are_told(labels: tuple[str, ...], said: str) -> None:
    X, y = drawn()
    run = Run()
    notes: list[str] = []
    run.listeners = (lambda event: notes.extend(getattr(event, "notes", ())),)
    several = np.array(labels)[np.arange(len(y)) % 3]
    TransferClassifier(small_model(side=12), random_state=0, threads=1).fit(X, several, run=run)
    told = [note for note in notes if "several labels" in note]
    assert len(told) == bool(said) and all(note.startswith(said) for note in told)


def test_classes_of_one_picture_are_named_together() -> None:
    X, y = drawn()
    y = np.r_[y[:-4], ["one", "two", "three", "four"]]
    run = Run()
    notes: list[str] = []
    run.listeners = (lambda event: notes.extend(getattr(event, "notes", ())),)
    TransferClassifier(small_model(side=12), random_state=0, threads=1).fit(X, y, run=run)
    (said,) = (note for note in notes if "but one picture" in note)
    assert said.startswith("there is but one picture each of four, one, three and 1 more: they")
    whole = TransferClassifier(small_model(side=12), random_state=0, threads=1).fit(*drawn())
    assert whole.model_.provenance.unjudged is None


def test_a_notebook_is_shown_what_a_terminal_is_told() -> None:
    model = learner().fit(*drawn(200)).model_
    new = np.random.default_rng(2).integers(0, 255, (20, 12, 12), dtype=np.uint8)
    found = evaluate(model, new, np.array(["dark", "light"])[np.arange(20) % 2])
    html = found._repr_html_()
    assert "before temperature" in html and "of 20 new pictures" in html
    assert "before temperature" in str(found) and "of 20 new pictures" in str(found)


def test_long_names_of_classes_do_not_widen_the_table() -> None:
    X, y = drawn()
    long = np.where(y == "dark", "d" * 400, "l" * 399 + "x")
    model = learner().fit(X, long).model_
    new = np.random.default_rng(1).integers(0, 160, (40, 12, 12), dtype=np.uint8)
    lines = str(evaluate(model, new, long, with_baselines=False)).splitlines()
    assert max(map(len, lines[lines.index("baselines on the same pictures") :])) <= 100
    assert any(line.startswith("llllllllllll...llllllllllllx ") for line in lines)


def test_pictures_are_asked_about_in_parts(
    class_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = CNNClassifier("conv 4 3x3 | globalpool | dense 2", epochs=1, random_state=0, size=16)
    model = learner.fit(class_folders).model_
    wanted = evaluate(model, class_folders, include_training=True)
    monkeypatch.setattr(source, "AT_ONCE", 7 * 16 * 16 * 3)
    found = evaluate(model, class_folders, include_training=True)
    assert found.metrics.pictures == wanted.metrics.pictures == 60
    assert found.metrics.accuracy == wanted.metrics.accuracy
    assert np.isclose(found.metrics.log_loss.value, wanted.metrics.log_loss.value, atol=1e-6)


def test_the_column_that_a_model_learned_judges_it_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lines = ["path,dose,label"]
    for at in range(60):
        dose = int(generator.integers(30, 220))
        Image.fromarray(np.full((8, 8), dose, np.uint8)).save(tmp_path / f"{at}.png")
        lines.append(f"{at}.png,{dose + generator.normal():.2f},{'ab'[at % 2]}")
    table, other = tmp_path / "table.csv", tmp_path / "other.csv"
    table.write_text("\n".join(lines))
    learning = CNNRegressor("flatten | dense", epochs=4, random_state=0, threads=1)
    learning.fit(table, "dose").save(str(tmp_path / "m.safetensors"))
    model = load(tmp_path / "m.safetensors")
    assert model.provenance.labelled_by == ["dose"]
    found = evaluate(model, table, include_training=True)
    asked = evaluate(model, table, "dose", include_training=True)
    assert found.metrics == asked.metrics and found.baselines == asked.baselines
    assert any("labels are of column dose, as at its training" in one for one in found.notes)
    assert not any("as at its training" in one for one in asked.notes)
    assert learning.score(table) == learning.score(table, "dose")
    other.write_text("\n".join(lines).replace("dose", "weight"))
    with pytest.raises(DataError, match="labelled"):
        evaluate(model, other, include_training=True)
    plain = CNNRegressor("flatten | dense", epochs=1, random_state=0, threads=1)
    X = generator.integers(0, 256, (20, 8, 8), dtype=np.uint8)
    assert plain.fit(X, X.mean((1, 2))).model_.provenance.labelled_by is None


def test_what_belongs_together_widens_the_interval_of_a_baseline_too() -> None:
    generator = np.random.default_rng(0)
    X = generator.integers(0, 256, (120, 8, 8), dtype=np.uint8)
    y = np.arange(120) // 6 % 2
    model = learner(epochs=1).fit(X[:60], y[:60]).model_
    alone = evaluate(model, X[60:], y[60:])
    grouped = evaluate(model, X[60:], y[60:], groups=[str(at // 6) for at in range(60)])
    assert grouped.worth < 0.6
    before, after = alone.baselines[0].estimate, grouped.baselines[0].estimate
    assert before.value == after.value
    assert after.high - after.low > 1.2 * (before.high - before.low)
