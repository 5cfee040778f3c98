"""Whole trainings on folds: what each says of pictures that it had not seen, kept and resumed."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import foveal
from foveal import (
    CNNClassifier,
    CNNRegressor,
    DataError,
    FittedModel,
    Interrupted,
    Run,
    TransferClassifier,
    UsageError,
    cross_validate,
    evaluate,
)
from foveal.evaluation.intervals import cross_validated_number, wilson
from foveal.learning.job import train
from foveal.pictures.sources import gather
from foveal.progress.events import Event, FoldBegan, FoldEnded, StepEnded
from foveal.targets.kinds import KINDS
from support.measures import Measures
from support.models import small_model

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def learner(**changes: object) -> CNNClassifier:
    options = {"net": NET, "epochs": 6, "random_state": 0, "threads": 1, **changes}
    return CNNClassifier(**options)


def transfer() -> TransferClassifier:
    backbone = small_model("conv 4 3x3 same | relu | flatten | dense")
    return TransferClassifier(backbone, random_state=0, threads=1)


def drawn(count: int = 60, gap: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Draw dark and light noise, told apart the better the wider the gap."""
    y = np.arange(count) % 2
    X = np.random.default_rng(0).integers(0, 160, (count, 8, 8), dtype=np.uint8)
    return X + (gap * y).astype(np.uint8)[:, None, None], np.array(["dark", "light"])[y]


@pytest.mark.parametrize("make", [learner, transfer])
def test_each_picture_is_judged_by_a_training_that_had_not_seen_it(make) -> None:
    X, y = drawn()
    seen: list[np.ndarray] = []

    def remember(event: Event) -> None:
        if isinstance(event, FoldEnded):
            seen.append(np.empty(0))

    found = cross_validate(make(), X, y, folds=3, run=Run(listeners=[remember]))
    assert len(seen) == 3
    assert sorted(np.bincount(found.fold_of_n).tolist()) == [0, 20, 20, 20]
    for fold in range(1, 4):
        here = found.fold_of_n == fold
        assert sorted(y[here].tolist()).count("dark") == 10
        parts = np.where(here, "test", "")
        pictures = replace(gather(X).labelled(y), parts=parts)
        again = make().fit(pictures)
        wanted = again.predict_proba(X[here])
        np.testing.assert_allclose(found.predicted[here], wanted, atol=1e-6)
    assert found.accuracy.value > 0.9


def test_labels_that_say_nothing_are_judged_at_chance() -> None:
    """Every picture is there twice: a fold that teaches the twin would know it by heart."""
    X, _ = drawn(40, gap=0)
    y = np.random.default_rng(3).integers(0, 2, 40)
    found = cross_validate(transfer(), np.concatenate([X, X]), np.concatenate([y, y]), folds=4)
    assert (found.fold_of_n[:40] == found.fold_of_n[40:]).all()
    assert found.accuracy.low < 0.5 < found.accuracy.high
    assert found.held.worth < 40


def test_groups_stand_in_one_fold() -> None:
    X, y = drawn(60)
    groups = np.arange(60) // 6
    found = cross_validate(learner(epochs=1), X, y, groups=groups, folds=3)
    folds = [np.unique(found.fold_of_n[groups == group]) for group in range(10)]
    assert all(len(one) == 1 for one in folds)
    with pytest.raises(DataError, match="at least 20"):
        cross_validate(learner(epochs=1), X, y, groups=groups, folds=20)


def test_the_interval_is_that_of_answers_whose_networks_taught_one_another() -> None:
    X, y = drawn(60, gap=12)
    found = cross_validate(transfer(), X, y, folds=3)
    right = (found.predicted.argmax(axis=1) == (y == "light")).sum()
    worth = cross_validated_number(right / 60, 60)
    assert found.accuracy == wilson(right, 60, worth=worth / 60)
    assert found.accuracy.low < wilson(right, 60).low
    shares = [one.accuracy for one in found.folds]
    assert found.spread == (pytest.approx(np.mean(shares)), pytest.approx(np.std(shares, ddof=1)))


def test_numbers_are_judged_by_folds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, Measures.task, Measures)

    class CNNOfMeasures(CNNClassifier):
        task = "measures"

    bright = np.random.default_rng(0).uniform(100, 200, 60)
    X = np.clip(bright[:, None, None] + np.zeros((60, 8, 8)), 0, 255).astype(np.uint8)
    net = "conv 4 3x3 relu | flatten | dense"
    made = CNNOfMeasures(net, epochs=12, random_state=0, threads=1)
    found = cross_validate(made, X, bright, folds=3)
    assert found.accuracy is None and found.figures[0][0] == "mean error"
    errors = np.abs(found.predicted[:, 0] - bright)
    assert found.metrics.mean_error.value == pytest.approx(errors.mean(), rel=1e-3)
    assert "loss" in found.lines[1] and found.to_dict()["accuracy"] is None


def test_every_number_is_judged_though_a_group_is_alone_among_the_like() -> None:
    groups = np.arange(60) // 10
    X = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    made = CNNRegressor("flatten | dense", epochs=1, random_state=0, threads=1)
    found = cross_validate(made, X, groups * 1.5, groups=groups, folds=2)
    assert (found.fold_of_n > 0).all() and found.metrics.pictures == 60


# In a run --------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, a class of one picture, and a file that cannot be read."""
    root = tmp_path / "pictures"
    for index, (pixels, label) in enumerate(zip(*drawn(), strict=True)):
        (root / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / label / f"{index:02d}.png")
    (root / "lone").mkdir()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(root / "lone" / "1.png")
    (root / "dark" / "broken.png").write_bytes(b"no picture")
    return root


def job(folder: Path, model: Path, **more: object) -> FittedModel:
    options = {"net": NET, "epochs": 6, "random_state": 0, "threads": 1}
    return train(
        model,
        folder,
        lambda given: CNNClassifier(**given),
        options,
        folds=3,
        command="cnn",
        checkpoint_seconds=0.0,
        **more,
    ).learner.model_


def table(model: Path) -> list[dict[str, str]]:
    with (model.with_suffix(".run") / "folds.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_picture_has_its_row_and_the_model_is_judged_by_folds(
    folder: Path, tmp_path: Path
) -> None:
    job(folder, tmp_path / "m.safetensors")
    rows = table(tmp_path / "m.safetensors")
    names = sorted(str(one.relative_to(folder)) for one in folder.rglob("*.png"))
    assert sorted(row["path"] for row in rows) == names
    (broken,) = [row for row in rows if row["path"].endswith("broken.png")]
    (lone,) = [row for row in rows if row["true"] == "lone"]
    assert broken["fold"] == lone["fold"] == "" and "taught in every fold" in lone["reason"]
    judged = [row for row in rows if row["fold"]]
    assert len(judged) == 60 and not any(row["reason"] for row in judged)
    model = foveal.load(tmp_path / "m.safetensors", threads=1)
    right = sum(row["true"] == row["predicted"] for row in judged)
    known = model.provenance
    assert known.judged_by == "folds" and known.validation_pictures == 60
    assert known.validation_right == right and known.validation_effective < 60
    found = evaluate(model, folder, with_baselines=False)
    assert found.judged_by == "folds" and found.metrics.accuracy.value == right / 60
    assert found.metrics.accuracy.low == pytest.approx(model.accuracy.low)
    said = {row["path"]: float(row["probability"]) for row in judged}
    for row in found.to_dict()["pictures"]:
        if row["probability"] is not None:
            assert said[row["path"]] == pytest.approx(row["probability"], abs=1e-5)


def test_a_run_that_was_stopped_in_a_fold_goes_on_to_the_same_model(
    folder: Path, tmp_path: Path
) -> None:
    whole, torn = tmp_path / "whole.safetensors", tmp_path / "torn.safetensors"
    job(folder, whole)
    told: list[Event] = []

    def stop(event: Event) -> None:
        told.append(event)
        if isinstance(event, StepEnded) and sum(isinstance(one, FoldBegan) for one in told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job(folder, torn, listeners=[stop])
    with pytest.raises(UsageError, match="unfinished run"):
        job(folder, torn)
    told.clear()
    job(folder, torn, resume=True, listeners=[told.append])
    kept = [one.fold for one in told if isinstance(one, FoldEnded) and one.kept]
    assert kept == [1] and [one.fold for one in told if isinstance(one, FoldBegan)] == [2, 3]
    assert torn.read_bytes() == whole.read_bytes()
    assert table(torn) == table(whole)


def test_a_request_to_stop_says_how_it_goes_on(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "m.safetensors"
    runs: list[Run] = []

    class Watched:
        def __init__(self, run: Run) -> None:
            runs.append(run)

        def __enter__(self) -> None:
            return

        def __exit__(self, *of: object) -> None:
            return

    def stop(event: Event) -> None:
        if isinstance(event, StepEnded):
            runs[-1].stop()

    with pytest.raises(Interrupted, match=r"of fold 1 of 3.*`resume`"):
        job(folder, place, listeners=[stop], within=Watched)


def test_a_test_part_is_looked_at_by_no_fold(folder: Path, tmp_path: Path) -> None:
    (folder / "train").mkdir()
    for label in ("dark", "light"):
        (folder / "test" / label).mkdir(parents=True)
        (folder / label).rename(folder / "train" / label)
        for one in sorted((folder / "train" / label).glob("*.png"))[:5]:
            one.rename(folder / "test" / label / one.name)
    (folder / "lone" / "1.png").unlink()
    (folder / "lone").rmdir()
    model = job(folder, tmp_path / "m.safetensors")
    rows = table(tmp_path / "m.safetensors")
    tests = [row for row in rows if row["path"].startswith("test/")]
    assert len(tests) == 10 and not any(row["fold"] for row in tests)
    assert all("test part" in row["reason"] for row in tests)
    assert evaluate(model, folder, with_baselines=False).judged_by == "held-out pictures"


@pytest.mark.parametrize("folds", [0, 1, 2.5])
def test_folds_that_are_none_are_refused(folds: object) -> None:
    with pytest.raises(UsageError, match="folds"):
        cross_validate(learner(), *drawn(), folds=folds)


def test_labels_of_pictures_that_no_fold_judges_are_written_as_of_others() -> None:
    X, y = drawn()
    labels = [["wide", one] if row % 3 else [one, "wide"] for row, one in enumerate(y.tolist())]
    parts = np.where(np.arange(len(X)) % 6 == 0, "test", "")
    pictures = replace(gather(X).labelled(labels), parts=parts)
    found = cross_validate(learner(epochs=1), pictures, folds=2)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows()]
    assert sum(row["fold"] is None for row in rows) == 10
    assert {row["true"] for row in rows} == {"dark;wide", "light;wide"}
