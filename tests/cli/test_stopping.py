"""Signals that end a command: once, and twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from foveal.cli.options import interruptible
from foveal.cli.stopping import Stopping
from foveal.errors import Interrupted
from foveal.training.run import Run

SIGNALLED = """
import signal, sys
from foveal.cli.stopping import Stopping

class Left:
    def __del__(self, send=signal.raise_signal):
        send(2)

stopping, left = Stopping(), Left()
stopping.begin()
for _ in range(int(sys.argv[1])):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("put away", flush=True)
stopping.is_over()
"""
"""Interrupts itself so many times, and once more while Python puts its modules away."""


@pytest.fixture
def stopping() -> Stopping:
    def end(code: int) -> None:
        raise SystemExit(code)

    made = Stopping(end)
    made.begin()
    return made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_the_next_ends_at_once(stopping, number: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(signal.SIGINT)
    assert ended.value.code == 130


def test_a_command_that_is_over_is_not_interrupted_but_ends_if_asked_twice(stopping) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as a loop of events leaves it
    stopping.is_over()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_stays_so(number: int) -> None:
    signal.signal(number, signal.SIG_IGN)  # as a shell and nohup have it
    Stopping().begin()
    with interruptible(Run()):
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_IGN


def test_a_training_ends_after_its_step_then_as_others_then_at_once(stopping) -> None:
    run = Run()
    run.training = True
    with pytest.raises(SystemExit), interruptible(run):
        signal.raise_signal(signal.SIGINT)
        assert run.stopping
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is stopping


def test_without_handlers_a_run_that_does_not_train_is_interrupted() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with pytest.raises(Interrupted), interruptible(Run()):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("times", "code", "said"), [(0, 0, ""), (1, 0, "put away\n"), (2, 130, "put away\n")]
)
def test_the_end_of_a_process_is_its_own(times: int, code: int, said: str) -> None:
    line = [sys.executable, "-c", SIGNALLED, str(times)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, said, "")


def test_a_training_whose_terminal_is_closed_leaves_a_checkpoint(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    np.savez(tmp_path / "x.npz", x=pixels, y=np.arange(40) % 2)
    line = ["train", "cnn", "x.npz", "m.safetensors", "--epochs", "1000000", "--no-report"]
    line = [sys.executable, "-m", "foveal", *line, "--threads", "1"]
    with subprocess.Popen(line, cwd=tmp_path, stdout=-1, stderr=subprocess.STDOUT) as training:
        assert training.stdout is not None
        for said in training.stdout:
            if b"epoch" in said:
                break
        training.stdout.close()  # as a terminal that is gone takes no word any more
        training.send_signal(signal.SIGHUP)
        assert training.wait() == 130
    assert list((tmp_path / "m.run").glob("checkpoint-*"))
