from __future__ import annotations

import sys
from pathlib import Path

import optuna
import pytest
from sklearn.datasets import load_digits

from foveal import CNNRegressor, UsageError, load, tune
from foveal.errors import ResourceError
from foveal.progress.events import EpochEnded
from foveal.tuning.study import NAME, Tried, front
from foveal.tuning.tune import value_of

DIGITS = load_digits()
X, Y = DIGITS.images[:300], DIGITS.target[:300]


def tuned(folder: Path, **options):
    return tune(X, Y, **{"to": folder / "m.safetensors", "epochs": 1, "threads": 1} | options)


def study_of(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name=NAME, storage=f"sqlite:///{folder / 'm.tune/study.db'}")


def test_the_best_trial_is_kept_and_judged_on_pictures_that_no_trial_saw(tmp_path: Path) -> None:
    heard: list[tuple[Tried, bool]] = []
    found = tuned(tmp_path, trials=4, tell=lambda one, best: heard.append((one, best)))
    assert [one.number for one, _ in heard] == [0, 1, 2, 3] == [one.number for one in found.trials]
    complete = [one for one in found.trials if one.state == "complete"]
    best = next(one for one in complete if one.number == found.best)
    assert best.value == max(one.value for one in complete)
    assert [one.number for one, better in heard if better][-1] == found.best
    model = load(found.path)
    assert model.plan.multiply_adds == best.multiply_adds
    assert len(found.judged.answers.rows) == 60 and found.judged.judged_by == "held-out pictures"
    assert found.default is not None and len(found.default.answers.rows) == 60
    assert found.trials[0].options["net"] == "fast"
    assert f"best   trial {found.best}:" in str(found)


def test_a_later_call_goes_on_and_what_was_killed_is_told(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    study_of(tmp_path).ask()  # as a process leaves it that is killed in a trial
    found = tuned(tmp_path, trials=1)
    assert [one.state for one in found.trials[:2]] == ["complete", "failed"]
    assert [one.number for one in found.trials] == [0, 1, 2]
    with pytest.raises(UsageError, match="the options that it began with"):
        tuned(tmp_path, trials=1, epochs=2)


def test_a_worse_trial_does_not_replace_the_model(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    before = (tmp_path / "m.safetensors").read_bytes()
    poor = {
        "net": "designed",
        "rate": 0.1,
        "optimizer": "sgd",
        "blocks": 1,
        "kernels": 8,
        "end": "globalpool",
    }
    study_of(tmp_path).enqueue_trial(poor)
    found = tuned(tmp_path, trials=1)
    assert found.best == 0
    assert (tmp_path / "m.safetensors").read_bytes() == before


def test_a_network_that_cannot_work_costs_nothing_and_says_why(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    impossible = {"net": "designed", "blocks": 1, "convolutions": 2, "size": 7, "padding": "valid"}
    study_of(tmp_path).enqueue_trial(impossible)
    found = tuned(tmp_path, trials=1)
    assert found.trials[1].state == "pruned" and "does not fit" in found.trials[1].why
    assert found.best == 0


def test_when_time_is_up_the_first_trial_still_ends(tmp_path: Path) -> None:
    found = tuned(tmp_path, minutes=1e-9)
    assert [one.state for one in found.trials] == ["complete"]
    assert found.importance == {} and len(found.front) == 1


def test_a_number_is_tuned_by_its_loss(tmp_path: Path) -> None:
    found = tune(
        X,
        X.mean(axis=(1, 2)),
        to=tmp_path / "n.safetensors",
        learner=CNNRegressor,
        trials=2,
        epochs=1,
        threads=1,
    )
    assert all(one.value < 0 for one in found.trials if one.value is not None)
    assert found.trials[0].value == -found.trials[0].loss
    assert "label_smoothing" not in found.trials[0].options


def test_without_optuna_the_extra_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"foveal\[tune\]"):
        tuned(tmp_path, trials=1)


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="storage: needed a database that can be opened"):
        tuned(tmp_path, trials=1, storage="sqlite:////nowhere/at/all/study.db")


def test_the_front_holds_what_none_beats_at_its_cost() -> None:
    def one(number: int, value: float | None, cost: int, state: str = "complete") -> Tried:
        return Tried(number, state, value, 0.1, 1, 1.0, cost, 1, {}, "")

    trials = [one(0, 0.9, 50), one(1, 0.8, 10), one(2, 0.7, 20), one(3, 0.95, 90)]
    trials += [one(4, 0.99, 5, "pruned"), one(5, 0.9, 60)]
    assert [found.number for found in front(trials)] == [1, 0, 3]


def test_without_validation_pictures_nothing_is_chosen() -> None:
    event = EpochEnded(
        epoch=1,
        step=1,
        loss=1.0,
        accuracy=0.5,
        validation_loss=None,
        validation_accuracy=None,
        validation_pictures=0,
        best=True,
        seconds=1.0,
        computing=1.0,
        judging=0.0,
    )
    with pytest.raises(UsageError, match="Hold a share out"):
        value_of(event)
