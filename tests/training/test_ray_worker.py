"""A worker of Ray Train: the process that it runs, and what it tells; Ray itself is left out."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from foveal.errors import DataError
from foveal.launched import OTHERS
from foveal.training import ray_worker
from foveal.training.ray_worker import END, STOP, Board, Ended, Process, ended

TALKS = "import os, sys; print(os.environ['RANK']); print(sys.argv[1:], file=sys.stderr)"
STAYS = "import time; print('here', flush=True); time.sleep(60)"
ENDS_WITH_ITS_WORKER = (
    "import sys, time; from foveal.launched import end_with; end_with(sys.stdin.fileno());"
    "print('here', flush=True); time.sleep(60)"
)


def soon(truth: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not truth():
        assert time.monotonic() < until
        time.sleep(0.01)


def process(monkeypatch: pytest.MonkeyPatch, program: str, *, keeps_out: bool = True) -> Process:
    monkeypatch.setattr(ray_worker, "PROGRAM", program)
    return Process(["train", "a b"], {"RANK": "1"}, keeps_out=keeps_out)


@pytest.mark.parametrize("keeps_out", [True, False])
def test_what_a_process_says_is_heard(monkeypatch: pytest.MonkeyPatch, keeps_out: bool) -> None:
    with process(monkeypatch, TALKS, keeps_out=keeps_out) as one:
        soon(lambda: not one.alive())
        assert one.said() == (b"['train', 'a b']\n", b"1\n" if keeps_out else b"")
        assert one.said() == (b"", b"") and one.tail == b"['train', 'a b']\n"
    assert one.code == 0


def test_asked_to_stop_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "import signal, time; signal.signal(15, lambda *_: print('told', flush=True));"
    with process(monkeypatch, told + STAYS) as one:
        heard: list[bytes] = []

        def said() -> bytes:
            heard.append(one.said()[1])
            return b"".join(heard)

        soon(lambda: b"here" in said())
        for _ in range(3):
            one.obey(STOP)
        soon(lambda: b"told" in said())
        assert one.alive() and b"".join(heard).count(b"told") == 1


def test_asked_to_end_it_has_a_while_to_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_worker, "GRACE", 0.2)
    with process(monkeypatch, STAYS) as one:
        one.obey("")
        one.obey(END)
        one.obey(END)
        assert one.alive()
        time.sleep(0.25)
        one.obey(END)
        soon(lambda: not one.alive())
        assert one.code == -9


@pytest.mark.parametrize(
    ("code", "asked", "found"),
    [(0, (), 0), (2, (), 2), (2, (END,), 2), (-9, (STOP,), 130), (-9, (END,), None)],
)
def test_how_a_process_ended_is_said(code: int, asked: tuple[str, ...], found: int | None) -> None:
    one: Any = SimpleNamespace(code=code, asked=dict.fromkeys(asked, 0.0), tail=b"so")
    assert ended(1, one) == (None if found is None else Ended(1, found, b"so"))


def test_a_process_that_nobody_ended_is_lost() -> None:
    one: Any = SimpleNamespace(code=-9, asked={}, tail=b"")
    with pytest.raises(RuntimeError, match=r"process 1, on .*, ended by SIGKILL"):
        ended(1, one)


def test_a_process_ends_with_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    with process(monkeypatch, ENDS_WITH_ITS_WORKER) as one:
        soon(lambda: b"here" in one.said()[1])
        stdin = one._process.stdin
        assert stdin is not None
        stdin.close()  # as when the worker is killed
        soon(lambda: not one.alive())
        assert one.code == 1


def test_lines_come_as_they_are_said_and_why_it_ends_waits() -> None:
    board = Board()
    assert board.begins() == 0
    board.told(0, b"epoch 1\nepo", b"")
    board.told(1, b"not heard\n", b"not heard")
    assert board.news() == (b"epoch 1\n", 1)
    board.told(0, b"ch 2\nerror: pictures\nneeded: some\n", b"")
    assert board.news() == (b"epoch 2\n", 1)
    board.ends(Ended(0, 3, b""))
    ended, why, _ = board.answer()
    assert ended is not None and ended.code == 3
    assert why == b"error: pictures\nneeded: some\n"


def test_what_begins_anew_forgets_why_it_ended() -> None:
    board = Board()
    board.begins()
    board.told(0, b"epoch 1\nTraceback (most recent call last)\n", b"half an ans")
    board.ends(Ended(0, 5, OTHERS.encode()))
    assert board.begins() == 1
    assert board.told(0, b"epoch 2\n", b"answer") == ""
    assert board.news() == (b"epoch 1\nepoch 2\n", 2)
    board.ends(Ended(0, 0, b""))
    assert board.answer() == (None, b"", b"answer")


def test_one_that_is_refused_ends_all_and_those_that_lost_it_say_less() -> None:
    board = Board()
    board.begins()
    assert board.told(0, b"", b"") == ""
    board.ends(Ended(0, 5, OTHERS.encode()))
    refused = DataError("a", needed="b", came="c", remedy="d")
    board.ends(Ended(1, 3, b"error: a", refused))
    assert board.told(2, b"", b"") == END
    assert board.answer()[0] == Ended(1, 3, b"error: a", refused)
    board.stop()
    assert board.told(2, b"", b"") == STOP


def test_a_worker_imports_no_torch() -> None:
    line = "import sys, foveal.training.ray_worker; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0
