"""A kind of target is one module: nothing else knows what is said of a picture.

`support.measures` and its line in `KINDS` are all that there is of the kind that is trained,
saved, loaded, asked and judged here.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal import CNNClassifier, ModelFileError, TransferClassifier, UsageError
from foveal.cli import main
from foveal.targets.kinds import KINDS
from support.measures import Measures
from support.models import small_model


class CNNOfMeasures(CNNClassifier):
    """A network that learns a number a picture."""

    task = "measures"


class TransferOfMeasures(TransferClassifier):
    """A head that learns a number a picture."""

    task = "measures"


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, Measures.task, Measures)


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise of some brightness, which is what is to be measured, from 100 to 200."""
    generator = np.random.default_rng(seed)
    bright = generator.uniform(100, 200, count)
    noise = generator.normal(0, 20, (count, 8, 8))
    return np.clip(bright[:, None, None] + noise, 0, 255).astype(np.uint8), bright


def learner(**options: object) -> CNNOfMeasures:
    net = "conv 4 3x3 relu | flatten | dense"
    return CNNOfMeasures(net, epochs=12, random_state=0, threads=1, **options)


def test_a_further_kind_is_trained_saved_loaded_asked_and_judged(tmp_path: Path) -> None:
    X, y = pictures(200, 0)
    fitted = learner().fit(X, np.where(np.arange(200) < 3, np.nan, y))
    assert fitted.model_.provenance.class_counts[0] + fitted.model_.provenance.validation_pictures
    fitted.save(str(tmp_path / "m.safetensors"))
    model = foveal.load(tmp_path / "m.safetensors")
    assert model.target == fitted.model_.target and model.accuracy is None
    assert repr(model).endswith("measures, 1x8x8 pictures)")
    new, true = pictures(60, 1)
    np.testing.assert_array_equal(model.predict(new), fitted.predict(new))
    np.testing.assert_allclose(model.predict(new), true, atol=40)
    assert fitted.score(new, true) > 0.8
    evaluation = foveal.evaluate(model, new, true)
    errors = np.abs(model.predict(new) - true)
    assert evaluation.metrics.mean_error.value == pytest.approx(errors.mean(), abs=1e-4)
    assert evaluation.metrics.mean_error.value < np.abs(true - y.mean()).mean() / 2
    assert f"mean error         {evaluation.metrics.mean_error.plain()}" in str(evaluation)
    assert evaluation.columns[:4] == ("path", "true", "measure", "error")
    facts = json.loads(json.dumps(evaluation.to_dict()))
    assert facts["pictures"][0]["error"] == pytest.approx(errors[0], abs=1e-3)
    assert facts["uncalibrated_error"] is None and facts["baselines"] == []
    assert "mean error" in evaluation._repr_html_() and not len(evaluation.answers.mistakes)


def test_a_head_for_a_further_kind_is_trained_on_features() -> None:
    X, y = pictures(120, 0)
    options: dict[str, object] = {"epochs": 30, "random_state": 0, "threads": 1}
    fitted = TransferOfMeasures(small_model(), head="dense", **options).fit(X, y)
    new, true = pictures(40, 1)
    assert fitted.score(new, true) > 0.5
    with pytest.raises(UsageError, match="needed layers to train"):
        TransferOfMeasures(small_model(), **options).fit(X, y)


def test_what_only_classes_answer_is_refused() -> None:
    X, y = pictures(40, 0)
    model = learner().fit(X, y).model_
    with pytest.raises(UsageError, match="needed a classifier, which gives probabilities"):
        model.predict_proba(X)


def test_a_card_of_a_kind_that_is_not_registered_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner().fit(*pictures(40, 0)).save(str(tmp_path / "m.safetensors"))
    monkeypatch.delitem(KINDS, Measures.task)
    with pytest.raises(ModelFileError, match="a task that there is not"):
        foveal.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_the_commands_ask_and_judge_it(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    learner().fit(*pictures(120, 0)).save(str(tmp_path / "m.safetensors"))
    new, true = pictures(30, 1)
    np.savez(tmp_path / "new.npz", x=new, y=true)
    words = [command, str(tmp_path / "m.safetensors"), str(tmp_path / "new.npz")]
    table = tmp_path / "table.csv"
    for more in ([], ["--json"], ["--to", str(table)]):
        monkeypatch.setattr("sys.argv", ["foveal", *words, *more])
        with pytest.raises(SystemExit, match="0"):
            main.main()
    out, _ = capsys.readouterr()
    with table.open() as file:
        rows = list(csv.DictReader(file))
    answers = foveal.load(tmp_path / "m.safetensors").predict(new)
    assert [float(row["measure"]) for row in rows] == pytest.approx(answers.tolist())
    assert f"{answers[0]:.2f}" in out if command == "predict" else "mean error" in out
