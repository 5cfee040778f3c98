from __future__ import annotations

import importlib
import shutil
import sqlite3
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import filelock
import numpy as np
import optuna
import pytest
from sklearn.datasets import load_digits

from foveal import CNNClassifier, UsageError, files, load, tune
from foveal.errors import DataError
from foveal.evaluation.intervals import Estimate
from foveal.learning.held import Held
from foveal.pictures.copies import CopySearch, NearCopies
from foveal.progress.events import Event, Prepared
from foveal.tuning import presence, trying
from foveal.tuning import tuned as tuning_found
from foveal.tuning.spaces import SPACES
from foveal.tuning.study import AGAIN, AT, FIRST, OF, TRY, Tried, front

tuning = importlib.import_module("foveal.tuning.tune")  # `foveal.tune` is the function

DIGITS = load_digits()
X, Y = DIGITS.images[:300], DIGITS.target[:300]
POOR = {
    "net": "designed",
    "learning_rate": 0.1,
    "optimizer": "sgd",
    "blocks": 1,
    "convolutions": 1,
    "kernel_size": 3,
    "padding": "same",
    "kernels": 8,
    "globalpool": True,
}
IMPOSSIBLE = {
    "net": "designed",
    "blocks": 1,
    "convolutions": 2,
    "kernel_size": 7,
    "padding": "valid",
}


def tuned(folder: Path, **options):
    given = {"to": folder / "m.safetensors", "epochs": 1, "threads": 1, "repeats": 0}
    given |= {"sampler": "random"}  # nothing comes between what a test asks for
    return tune(X, Y, **given | options)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a study of two trials."""
    folder = tmp_path_factory.mktemp("studied")
    tuned(folder, trials=2)
    return folder


def study_of(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name="m", storage=f"sqlite:///{folder / 'm.tune/study.db'}")


def left_running(folder: Path, **given) -> int:
    """Leave a trial as a process does that is killed in it."""
    study = study_of(folder)
    if given:
        study.enqueue_trial(given)
    trial = study.ask()
    trial.suggest_float("learning_rate", 0.1, 4.0, log=True)
    trial.set_user_attr(AT, "killed")
    (folder / "m.tune" / "process-killed.lock").touch()
    return trial.number


def test_the_best_trial_is_kept_and_judged_on_pictures_that_no_trial_saw(tmp_path: Path) -> None:
    heard: list[tuple[Tried, bool]] = []
    hear = lambda one, best: heard.append((one, best))  # noqa: E731
    found = tuned(tmp_path, trials=4, sampler="tpe", tell=hear)
    assert [one.number for one, _ in heard] == [0, 1, 2, 3] == [one.number for one in found.trials]
    complete = [one for one in found.trials if one.complete]
    best = next(one for one in complete if one.number == found.best)
    assert best.loss == min(one.loss for one in complete)
    assert best.measure == "accuracy" and best.low < best.value < best.high
    assert [one.number for one, better in heard if better][-1] == found.best
    model = load(found.path)
    assert model.plan.multiply_adds == best.multiply_adds
    assert model.provenance.validation_accuracy.value == best.value
    assert model.provenance.calibrated_loss == best.loss
    assert len(found.judged.answers.rows) == 60 and found.judged.judged_by == "held-out pictures"
    assert found.default is not None and len(found.default.answers.rows) == 60
    assert found.trials[0].options["net"] == "fast" and found.trials[0].is_first
    assert f"best     trial {found.best}:" in str(found)
    assert not list((tmp_path / "m.tune").glob("process-*"))


def test_preparing_takes_none_of_the_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    prepared = tuning.known

    def slowly(search, listeners):
        clock[0] += 3_600
        return prepared(search, listeners)

    monkeypatch.setattr(tuning, "known", slowly)
    monkeypatch.setattr(trying.time, "time", lambda: time.monotonic() + clock[0])
    heard: list[Event] = []
    found = tuned(tmp_path, trials=2, minutes=30, listeners=[heard.append])
    assert [one.complete for one in found.trials] == [True, True]
    ready = [one for one in heard if isinstance(one, Prepared)]
    assert len(ready) == 1 and ready[0].pictures == 300 and not ready[0].notes


def test_a_killed_trial_is_tried_again_with_what_it_was_given_and_none_is_lost(
    tmp_path: Path,
) -> None:
    before = tuned(tmp_path, trials=1)
    killed = left_running(tmp_path, learning_rate=0.7)
    found = tuned(tmp_path, trials=1)
    assert [one.number for one in found.trials] == [0, 1, 2]
    assert [one.state for one in found.trials[:2]] == ["complete", "failed"]
    assert found.trials[0] == before.trials[0]
    again = study_of(tmp_path).trials[2]
    assert again.params["learning_rate"] == 0.7
    assert (again.user_attrs[AGAIN], again.user_attrs[TRY]) == (killed, 2)
    assert len(tuned(tmp_path, trials=1).trials) == 4, "once is enough"


def test_what_kills_every_process_is_not_tried_for_ever(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    for _ in range(4):
        left_running(tmp_path, learning_rate=0.7)
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
    database = f"sqlite:///{other / 'm.tune/study.db'}"
    fresh = optuna.create_study(study_name="m", storage=database, direction="maximize")
    fresh.enqueue_trial(first.system_attrs["fixed_params"], user_attrs={FIRST: True})
    left_running(other)
    found = tune(X, Y, to=other / "m.safetensors", epochs=1, threads=1, trials=1, repeats=0)
    assert [one.is_first for one in found.trials] == [True, True]
    assert found.default is not None


def test_who_looks_for_processes_that_ended_lets_none_enter_meanwhile(
    tmp_path: Path, monkeypatch
) -> None:
    held: list[bool] = []
    gone = presence.gone

    def looked(folder: Path) -> set[str]:
        try:
            presence.study_lock(folder).acquire(timeout=0).__exit__(None, None, None)
            held.append(False)
        except filelock.Timeout:
            held.append(True)
        return gone(folder)

    monkeypatch.setattr(presence, "gone", looked)
    tuned(tmp_path, trials=2, repeats=1)
    assert len(held) > 4 and all(held)


def test_a_study_of_other_pictures_or_options_is_refused(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    with pytest.raises(UsageError, match="what it began with: epochs 1, got epochs 2"):
        tuned(tmp_path, trials=1, epochs=2)
    with pytest.raises(UsageError, match="began with: hash of pictures, labels and parts"):
        tune(X, Y[::-1], to=tmp_path / "m.safetensors", epochs=1, threads=1, trials=1, repeats=0)
    order = np.random.default_rng(0).permutation(len(X))
    same = tune(
        X[order], Y[order], to=tmp_path / "m.safetensors", epochs=1, threads=1, trials=1, repeats=0
    )
    assert len(same.trials) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM trials WHERE number = 0", "no trial 0, but a trial 1"),
        ("DELETE FROM trial_values", "trial 0 complete without what it reached"),
        ("DELETE FROM trial_user_attributes WHERE key = 'loss'", "trial 0 complete without"),
        ("UPDATE trial_user_attributes SET value_json = '\"x\"' WHERE key = 'epochs'", "0, epochs"),
        ("UPDATE trial_user_attributes SET value_json = '{{' WHERE key = 'epochs'", "JSONDecode"),
        ("UPDATE trial_user_attributes SET value_json = '3' WHERE key = 'options'", "0, options"),
        ("UPDATE study_user_attributes SET value_json = '[1]' WHERE key = 'facts'", "got "),
        ("UPDATE trial_params SET param_value = 77 WHERE param_name = 'net'", "got IndexError"),
        ("UPDATE trial_params SET distribution_json = '{}'", "got "),
        ("UPDATE trials SET state = 'BROKEN'", "got LookupError"),
        (
            "UPDATE trial_user_attributes SET key = 'beginning', value_json = '[]' "
            "WHERE key = 'process'",
            "trial 0, beginning: []",
        ),
        (
            "UPDATE trial_user_attributes SET key = 'try', value_json = '[]' WHERE key = 'process'",
            "trial 0, try: []",
        ),
        ("UPDATE study_directions SET direction = 'MINIMIZE'", "of which more is MINIMIZE"),
        ("DELETE FROM study_directions", "of which more is nothing"),
        ("UPDATE trial_user_attributes SET value_json = 'NaN' WHERE key = 'loss'", "0, loss: nan"),
        ("UPDATE trial_user_attributes SET value_json = 'NaN' WHERE key = 'value'", "value: nan"),
        ("UPDATE trial_user_attributes SET value_json = '1e999' WHERE key = 'score'", "score: inf"),
        ("UPDATE trial_values SET value = NULL", "got AssertionError"),
        ("UPDATE trial_values SET value = -value", "trial 0 of loss"),
        ("UPDATE trial_user_attributes SET value_json = '0.01' WHERE key = 'loss'", "of loss 0.01"),
        (
            "UPDATE trial_system_attributes SET value_json = '[]' WHERE key = 'fixed_params'",
            "trial 0 waited for other than parameters",
        ),
        ("UPDATE study_user_attributes SET value_json = '{}' WHERE key = 'facts'", "began with"),
    ],
)
def test_a_study_whose_rows_were_changed_is_refused_and_stays_as_it_was(
    studied: Path, tmp_path: Path, change: str, said: str
) -> None:
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    database = tmp_path / "m.tune" / "study.db"
    with closing(sqlite3.connect(database)) as base, base:
        assert base.execute(change).rowcount > 0
    before = (tmp_path / "m.safetensors").read_bytes()
    with pytest.raises(DataError, match=r"study\.db: needed trials as tuning wrote them") as caught:
        tuned(tmp_path, trials=1, sampler="tpe")
    assert said in str(caught.value) and "another name" in caught.value.remedy
    assert (tmp_path / "m.safetensors").read_bytes() == before


def test_a_network_that_does_not_fit_costs_its_trial_alone_though_it_comes_first_in_a_process(
    studied: Path, tmp_path: Path
) -> None:
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    study_of(tmp_path).enqueue_trial(IMPOSSIBLE)
    *_, last = tuned(tmp_path, trials=1).trials
    assert last.state == "pruned" and "does not fit" in last.why


def test_what_waits_with_answers_that_no_trial_has_is_told(studied: Path, tmp_path: Path) -> None:
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    study_of(tmp_path).enqueue_trial({"net": "of nobody"})
    with pytest.raises(DataError, match="'of nobody' not in"):
        tuned(tmp_path, trials=1)


def test_a_fault_of_ours_while_a_trial_is_asked_is_called_no_damage(
    studied: Path, tmp_path: Path, monkeypatch
) -> None:
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)

    def broken(*_: object) -> dict[str, Any]:
        raise KeyError("a fault of ours")

    monkeypatch.setitem(SPACES, "cnn", replace(SPACES["cnn"], asked=broken))
    with pytest.raises(KeyError, match="a fault of ours"):
        tuned(tmp_path, trials=1)


def test_the_model_is_opened_and_judged_once_also_where_it_is_that_of_all_defaults(
    tmp_path: Path, monkeypatch
) -> None:
    opened, judged = [], []
    loaded, evaluated = tuning_found.load, tuning_found.evaluate
    monkeypatch.setattr(tuning_found, "load", lambda path: opened.append(path) or loaded(path))
    monkeypatch.setattr(
        tuning_found,
        "evaluate",
        lambda *given, **more: judged.append(given) or evaluated(*given, **more),
    )
    found = tuned(tmp_path, trials=1)
    assert opened == [tmp_path / "m.safetensors"] and len(judged) == 1
    assert found.default is found.judged


def test_what_is_worse_or_cannot_work_does_not_replace_the_model(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    before = (tmp_path / "m.safetensors").read_bytes()
    study = study_of(tmp_path)
    study.enqueue_trial(POOR)
    study.enqueue_trial(IMPOSSIBLE)
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
        repeats=0,
    )
    complete = [one for one in found.trials if one.complete]
    best = min(complete, key=lambda one: one.loss)
    assert best.measure == "mean absolute error" and found.best == best.number
    known = load(found.path).provenance
    assert best.loss == known.calibrated_loss
    assert best.value == known.held_out_figures["mean absolute error"].value == -best.score
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
        repeats=0,
    )
    assert found.trials[0].measure == "mean average precision"
    kept = load(found.path).provenance.held_out_figures["mean average precision"]
    assert found.trials[0].value == kept.value == found.trials[0].score
    assert "judged   mean average precision" in str(found)


def test_a_figure_that_is_no_number_leaves_the_loss_to_be_told() -> None:
    figures = {"mean average precision": Estimate(float("nan"), 0.0, 1.0)}
    model: Any = SimpleNamespace(
        answering=lambda: SimpleNamespace(chosen_by=("mean average precision", 1)),
        provenance=SimpleNamespace(held_out_figures=figures),
    )
    assert trying.reached_by(model, 0.5) == trying.Reached("loss", 0.5, None, None, -0.5)


def test_what_is_refused_leaves_no_folder_and_takes_none_away(
    studied: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="classes"):
        tune(X, np.zeros(len(X), int), to=tmp_path / "m.safetensors", trials=1, threads=1)
    assert list(tmp_path.iterdir()) == []
    shutil.copytree(studied, tmp_path, dirs_exist_ok=True)
    with pytest.raises(DataError, match="classes"):
        tune(X, np.zeros(len(X), int), to=tmp_path / "m.safetensors", trials=1, threads=1)
    assert len(study_of(tmp_path).trials) == 2


def test_a_loss_that_is_no_number_costs_its_trial_and_is_told(tmp_path: Path, monkeypatch) -> None:
    first, held = [True], Held.calibrated_loss

    def lost(self: Held) -> float | None:
        return None if first and first.pop() else held.fget(self)  # type: ignore[attr-defined]

    monkeypatch.setattr(Held, "calibrated_loss", property(lost))
    one, two = tuned(tmp_path, trials=2).trials
    assert (one.state, one.why) == ("pruned", "its loss is no finite number")
    assert two.complete


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
    (tmp_path / "m.tune" / "default.safetensors").unlink()
    study_of(tmp_path).enqueue_trial(IMPOSSIBLE)
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


def test_the_best_are_trained_again_on_other_splits_and_the_test_part_stays_unseen(
    tmp_path: Path,
) -> None:
    seen: list[tuple[set[int], set[int]]] = []
    whole = CNNClassifier.fit_prepared

    def fit_prepared(self, data, **given):
        parts = (set(data.split.validation.tolist()), set(data.split.test.tolist()))
        seen.append(parts)
        return whole(self, data, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CNNClassifier, "fit_prepared", fit_prepared)
        found = tuned(tmp_path, trials=3, repeats=2)
    again = [(one.repeat_of, one.round) for one in found.trials if one.repeat_of is not None]
    assert len(set(again)) == len(again) and {(0, 1), (1, 1), (0, 2), (1, 2)} <= set(again)
    assert len({frozenset(test) for _, test in seen}) == 1 and len(seen[0][1]) == 60
    held = {frozenset(validation) for validation, _ in seen}
    assert len(held) == 3, "one split of all trials, one of each round"
    assert not any(validation & test for validation, test in seen)
    gain = found.confirmed[0]
    own = {one.round: one.loss for one in found.trials if one.repeat_of == gain.number}
    beside = {one.round: one.loss for one in found.trials if one.repeat_of == 0}
    assert gain.gain == pytest.approx(np.mean([beside[one] - own[one] for one in (1, 2)]))
    assert found.best == (gain.number if gain.gain > gain.error else 0)
    assert "in 2 further trainings on other splits" in str(found) or "by 2 further" in str(found)
    assert len(found.front) <= 3 and all(one.repeat_of is None for one in found.front)
    assert len(found.judged.answers.rows) == 60


def test_where_no_other_is_better_the_model_of_all_defaults_is_kept(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    study_of(tmp_path).enqueue_trial(POOR)
    found = tuned(tmp_path, trials=1, repeats=1)
    poor = next(one for one in found.confirmed if one.number == 1)
    assert poor.gain < 0 and found.best == 0
    assert "since none was surely better" in str(found) and "(it is the best)" in str(found)
    (tmp_path / "m.safetensors").write_bytes((tmp_path / "m.tune/trial-1.safetensors").read_bytes())
    again = tuned(tmp_path, trials=1, repeats=1)
    kept = next(one for one in again.trials if one.number == again.best)
    assert files.digest_of(found.path) == kept.model, "the chosen one is brought to its place"


def test_models_of_the_best_few_are_kept_and_no_others(tmp_path: Path) -> None:
    found = tuned(tmp_path, trials=6)
    kept = {one.name for one in (tmp_path / "m.tune").glob("*.safetensors")}
    own = sorted((one for one in found.trials[1:] if one.complete), key=lambda one: one.loss)
    assert kept == {"default.safetensors", *(f"trial-{one.number}.safetensors" for one in own[:3])}


def test_a_transfer_is_tuned_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    by_features = CopySearch.by_features

    def found_by(search: CopySearch, features: Any) -> NearCopies:
        looked.append(len(search.rows))
        return replace(by_features(search, features), pairs=np.array([[3, 7]]))

    monkeypatch.setattr(CopySearch, "by_features", found_by)
    CNNClassifier(epochs=1, random_state=0, threads=1).fit(X, Y).save(tmp_path / "b.safetensors")
    asked = {"learner": "transfer", "backbone": str(tmp_path / "b.safetensors"), "repeats": 1}
    asked["sampler"] = "tpe"
    found = tuned(tmp_path, trials=2, **asked)
    assert looked == [300], "near copies are looked for once, whatever is tried"
    own = [one for one in found.trials if one.repeat_of is None]
    assert [one.options["views"] for one in own] == [1, 2]
    assert all(one.complete and one.loss is not None for one in own)
    assert load(found.path).provenance.backbone.source == "model"
    assert found.confirmed and len(found.judged.answers.rows) == 60
    with pytest.raises(UsageError, match="backbone"):
        tuned(tmp_path / "other", trials=1, backbone="b")


def test_what_should_be_known_of_the_pictures_is_told(tmp_path: Path) -> None:
    twice = np.concatenate([X, X[:1]])
    found = tune(
        twice, [*Y, Y[0] + 1], to=tmp_path / "m.safetensors", epochs=1, threads=1, trials=1
    )
    assert any("labelled" in one or "left out" in one for one in found.notes), found.notes


def test_processes_that_train_again_at_once_take_one_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches = []
    side_by_side = tuning.tried_side_by_side

    def noted(search, *given, **more):
        searches.append(replace(search, rounds=1))
        return side_by_side(search, *given, **more)

    monkeypatch.setattr(tuning, "tried_side_by_side", noted)
    tuned(tmp_path, trials=2)
    both, take = threading.Barrier(2, timeout=60), trying.Worker._take

    def at_once(self, *given) -> None:
        both.wait()
        take(self, *given)

    monkeypatch.setattr(trying.Worker, "_take", at_once)
    workers = [trying.Worker.enter(searches[0]) for _ in range(2)]
    times = trying.Times(time.time(), time.time() + 3_600)
    threads = [threading.Thread(target=one.again, args=(times,)) for one in workers]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    for one in workers:
        one.presence.leave(unfinished=False)
    trials = study_of(tmp_path).trials
    assert [one.user_attrs.get(OF) for one in trials] == [None, None, 0, 1]


@pytest.mark.parametrize("learned", [True, False])
def test_a_search_that_found_nothing_better_than_chance_says_so(
    learned: bool, tmp_path: Path
) -> None:
    y = Y if learned else np.random.default_rng(0).permutation(Y)
    given = {"epochs": 3, "threads": 1, "repeats": 0, "trials": 1}
    found = tune(X, y, to=tmp_path / "m.safetensors", **given)
    assert ("no better than calling every picture the largest" in str(found)) is not learned
