from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from sklearn.datasets import load_digits

from foveal import UsageError, load, tune
from foveal.errors import DataError
from foveal.tuning.study import AGAIN, AT, FIRST, TRY, Tried, front

DIGITS = load_digits()
X, Y = DIGITS.images[:300], DIGITS.target[:300]


def tuned(folder: Path, **options):
    return tune(X, Y, **{"to": folder / "m.safetensors", "epochs": 1, "threads": 1} | options)


def study_of(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name="m", storage=f"sqlite:///{folder / 'm.tune/study.db'}")


def left_running(folder: Path, **given) -> int:
    """Leave a trial as a process does that is killed in it."""
    study = study_of(folder)
    if given:
        study.enqueue_trial(given)
    trial = study.ask()
    trial.suggest_float("rate", 0.1, 4.0, log=True)
    trial.set_user_attr(AT, "killed")
    (folder / "m.tune" / "process-killed.lock").touch()
    return trial.number


def test_the_best_trial_is_kept_and_judged_on_pictures_that_no_trial_saw(tmp_path: Path) -> None:
    heard: list[tuple[Tried, bool]] = []
    found = tuned(tmp_path, trials=4, tell=lambda one, best: heard.append((one, best)))
    assert [one.number for one, _ in heard] == [0, 1, 2, 3] == [one.number for one in found.trials]
    complete = [one for one in found.trials if one.complete]
    best = next(one for one in complete if one.number == found.best)
    assert best.value == max(one.value for one in complete)
    assert best.measure == "accuracy" and best.low < best.value < best.high
    assert [one.number for one, better in heard if better][-1] == found.best
    model = load(found.path)
    assert model.plan.multiply_adds == best.multiply_adds
    assert model.provenance.validation_accuracy.value == best.value
    assert len(found.judged.answers.rows) == 60 and found.judged.judged_by == "held-out pictures"
    assert found.default is not None and len(found.default.answers.rows) == 60
    assert found.trials[0].options["net"] == "fast" and found.trials[0].is_first
    assert f"best     trial {found.best}:" in str(found)
    assert not list((tmp_path / "m.tune").glob("process-*"))


def test_a_killed_trial_is_tried_again_with_what_it_was_given_and_none_is_lost(
    tmp_path: Path,
) -> None:
    before = tuned(tmp_path, trials=1)
    killed = left_running(tmp_path, rate=0.7)
    found = tuned(tmp_path, trials=1)
    assert [one.number for one in found.trials] == [0, 1, 2]
    assert [one.state for one in found.trials[:2]] == ["complete", "failed"]
    assert found.trials[0] == before.trials[0]
    again = study_of(tmp_path).trials[2]
    assert again.params["rate"] == 0.7
    assert (again.user_attrs[AGAIN], again.user_attrs[TRY]) == (killed, 2)
    assert len(tuned(tmp_path, trials=1).trials) == 4, "once is enough"


def test_what_kills_every_process_is_not_tried_for_ever(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    for _ in range(4):
        left_running(tmp_path, rate=0.7)
        study = study_of(tmp_path)
        trial = study.trials[-1]
        study._storage.set_trial_user_attr(trial._trial_id, TRY, 3)
    found = tuned(tmp_path, trials=1)
    assert sum(one.state == "failed" for one in found.trials) == 4
    assert not any(AGAIN in one.user_attrs for one in study_of(tmp_path).trials)


def test_the_trial_of_all_defaults_is_tried_again_too(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    study = study_of(tmp_path)
    first = study.trials[0]
    other = tmp_path / "other"
    other.mkdir()
    (other / "m.tune").mkdir()
    fresh = optuna.create_study(study_name="m", storage=f"sqlite:///{other / 'm.tune/study.db'}")
    fresh.enqueue_trial(first.system_attrs["fixed_params"], user_attrs={FIRST: True})
    left_running(other)
    found = tune(X, Y, to=other / "m.safetensors", epochs=1, threads=1, trials=1)
    assert [one.is_first for one in found.trials] == [True, True]
    assert found.default is not None


def test_a_study_of_other_pictures_or_options_is_refused(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    with pytest.raises(UsageError, match="what it began with: epochs 1, got epochs 2"):
        tuned(tmp_path, trials=1, epochs=2)
    with pytest.raises(UsageError, match="began with: hash of pictures, labels and parts"):
        tune(X, Y[::-1], to=tmp_path / "m.safetensors", epochs=1, threads=1, trials=1)
    order = np.random.default_rng(0).permutation(len(X))
    same = tune(X[order], Y[order], to=tmp_path / "m.safetensors", epochs=1, threads=1, trials=1)
    assert len(same.trials) == 2


def test_what_is_worse_or_cannot_work_does_not_replace_the_model(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    before = (tmp_path / "m.safetensors").read_bytes()
    poor = {
        "net": "designed",
        "rate": 0.1,
        "optimizer": "sgd",
        "blocks": 1,
        "convolutions": 1,
        "size": 3,
        "padding": "same",
        "kernels": 8,
        "end": "globalpool",
    }
    impossible = {"net": "designed", "blocks": 1, "convolutions": 2, "size": 7, "padding": "valid"}
    study = study_of(tmp_path)
    study.enqueue_trial(poor)
    study.enqueue_trial(impossible)
    found = tuned(tmp_path, trials=2)
    assert found.best == 0
    assert (tmp_path / "m.safetensors").read_bytes() == before
    assert found.trials[2].state == "pruned" and "does not fit" in found.trials[2].why
    assert found.trials[1].state == "complete" and found.trials[1].epochs > 0
    assert found.trials[2].epochs == 0  # nothing was trained to find out


def test_when_time_is_up_the_first_trial_still_ends(tmp_path: Path) -> None:
    found = tuned(tmp_path, minutes=1e-9)
    assert [one.state for one in found.trials] == ["complete"]
    assert found.importance == {} and len(found.front) == 1


def test_a_number_is_tuned_by_its_error(tmp_path: Path) -> None:
    truths = X.mean(axis=(1, 2))
    found = tune(
        X,
        truths,
        to=tmp_path / "n.safetensors",
        target_kind="numbers",
        trials=2,
        epochs=1,
        threads=1,
    )
    complete = [one for one in found.trials if one.complete]
    best = min(complete, key=lambda one: one.value)
    assert best.measure == "mean absolute error" and found.best == best.number
    kept = load(found.path).provenance.held_out_figures["mean absolute error"]
    assert best.value == kept.value == -best.score
    assert "label_smoothing" not in found.trials[0].options


def test_several_labels_are_tuned_by_how_they_are_ranked(tmp_path: Path) -> None:
    labels = [["even"] * (one % 2 == 0) + ["large"] * (one > 4) for one in Y.tolist()]
    found = tune(
        X,
        labels,
        to=tmp_path / "l.safetensors",
        target_kind="labels",
        trials=1,
        epochs=1,
        threads=1,
    )
    assert found.trials[0].measure == "mean average precision"
    kept = load(found.path).provenance.held_out_figures["mean average precision"]
    assert found.trials[0].value == kept.value == found.trials[0].score
    assert "judged   mean average precision" in str(found)


def test_without_optuna_the_extra_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"foveal\[tune\]"):
        tuned(tmp_path, trials=1)
    assert not (tmp_path / "m.tune").exists()


@pytest.mark.parametrize("field", ["minutes", "trials", "workers"])
def test_nothing_of_anything_is_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(UsageError, match=field):
        tuned(tmp_path, **{field: 0})


def test_a_model_of_another_kind_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(b"of somebody")
    found = tuned(tmp_path, trials=1)
    assert (tmp_path / "m.tune" / "replaced.safetensors").read_bytes() == b"of somebody"
    assert "before is kept as" in str(found)
    assert not tuned(tmp_path, trials=1).notes


def test_where_the_best_model_is_gone_the_place_is_named_that_it_had(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    (tmp_path / "m.safetensors").unlink()
    impossible = {"net": "designed", "blocks": 1, "convolutions": 2, "size": 7, "padding": "valid"}
    study_of(tmp_path).enqueue_trial(impossible)
    with pytest.raises(DataError, match="needed the model of trial 0, the best"):
        tuned(tmp_path, trials=1)


def test_without_validation_pictures_nothing_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Hold a share out"):
        tuned(tmp_path, validation_share=0)


def test_the_front_holds_what_none_beats_at_its_cost() -> None:
    def one(number: int, value: float | None, cost: int, state: str = "complete") -> Tried:
        return Tried(number, state, "accuracy", value, 0, 1, value, 0.1, 1, 1.0, cost, 1, {}, "")

    trials = [one(0, 0.9, 50), one(1, 0.8, 10), one(2, 0.7, 20), one(3, 0.95, 90)]
    trials += [one(4, 0.99, 5, "pruned"), one(5, 0.9, 60)]
    assert [found.number for found in front(trials)] == [1, 0, 3]
