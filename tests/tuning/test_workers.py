from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from subprocess import DEVNULL, PIPE

import numpy as np
import optuna
import pytest
from sklearn.datasets import load_digits

from foveal.errors import ResourceError
from foveal.tuning import workers
from foveal.tuning.workers import _lost, shares
from support.warm import Started, started

DIGITS = load_digits()


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    np.savez(tmp_path / "d.npz", X=DIGITS.images[:300], y=DIGITS.target[:300])
    return tmp_path


def command(folder: Path, *more: str) -> Started:
    line = ("tune", "d.npz", "m.safetensors", "--threads", "1")
    return started(*line, *more, cwd=folder)


def trials_of(folder: Path) -> list[optuna.trial.FrozenTrial]:
    place = folder / "m.tune" / "study.db"
    try:  # optuna would lay its tables out itself, beside the command that does
        with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as there:
            begun = there.execute("select study_id from studies").fetchall()
        return (
            optuna.load_study(study_name="m", storage=f"sqlite:///{place}").trials if begun else []
        )
    except Exception:  # it is not there yet
        return []


def test_two_workers_share_a_study_and_one_that_is_killed_costs_its_trial(digits: Path) -> None:
    process = command(digits, "--epochs", "2", "--trials", "5", "--workers", "2", "--repeats", "0")
    until = time.monotonic() + 120
    while time.monotonic() < until and not (killed := at_a_trial(digits, process.pid)):
        time.sleep(0.2)
    assert killed, process.poll()
    os.kill(killed, signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "a worker was ended by signal 9" in out
    trials = trials_of(digits)
    ended = [one for one in trials if one.state.is_finished() and one.state.name != "FAIL"]
    assert sum(one.state.name == "FAIL" for one in trials) <= 1
    assert len({one.user_attrs["process"] for one in trials if "process" in one.user_attrs}) == 2
    params = [tuple(sorted(one.params.items(), key=str)) for one in ended]
    assert len(set(params)) == len(params), "none was tried twice"


def at_a_trial(folder: Path, parent: int) -> int:
    """Find a worker, once trials are under way in two processes."""
    running = [one for one in trials_of(folder) if one.state.name == "RUNNING"]
    if len({one.user_attrs.get("process") for one in running} - {None}) < 2:
        return 0
    place = Path(f"/proc/{parent}/task/{parent}/children")
    return int(place.read_text().split()[-1])


def test_two_workers_train_the_best_again_each_once(digits: Path) -> None:
    more = ("--epochs", "1", "--trials", "2", "--workers", "2", "--repeats", "1", "--json")
    out, err = command(digits, *more).communicate(timeout=120)
    trials = json.loads(out)["trials"]
    again = [(one["repeat_of"], one["round"]) for one in trials if one["repeat_of"] is not None]
    assert sorted(again) == [(0, 1), (1, 1)], err


def test_trials_are_divided_among_workers() -> None:
    assert [count for _, _, count in shares(None, 0.0, 5, 3)] == [2, 2, 1]
    assert [count for _, _, count in shares(None, 0.0, 1, 3)] == [1]
    assert [count for _, _, count in shares(None, 0.0, None, 2)] == [None, None]


REFUSED = """
from foveal.errors import UsageError
from foveal.tuning import workers

def work(*_):
    print("a library says this " * 10_000)
    raise UsageError("minutes", needed="more", came="less", remedy="give more")

workers.work = work
workers.main()
"""


def test_what_libraries_print_in_a_worker_neither_holds_it_up_nor_hides_why_it_ends() -> None:
    line = [sys.executable, "-c", REFUSED]
    with subprocess.Popen(line, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as worker:
        assert worker.stdin is not None and worker.stdout is not None
        try:
            pickle.dump((None, None, None), worker.stdin)
            worker.stdin.flush()
            assert worker.wait(timeout=60) == workers.REFUSED
            assert pickle.loads(worker.stdout.read()).needed == "more"
        finally:
            worker.kill()


def test_workers_that_all_ended_are_an_error() -> None:
    assert _lost([0, -9]) == ["a worker was ended by signal 9: its trial was tried again, or waits"]
    with pytest.raises(ResourceError, match="2 workers ended by signal 9, code 1"):
        _lost([-9, 1])
