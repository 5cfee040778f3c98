"""Programs that begin where the slow imports lie behind them.

A program that is started anew imports torch and what else it needs for seconds before it does
a thing. Where a test is about what a process does, and not about how it starts, its program runs in
a fork of one process that has imported all of it, and has done nothing else: it is a process like
any other, which can be killed, stopped, watched and waited for.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

FOVEAL = "from foveal.cli.main import main\nmain()\n"
"""The command; its words are the arguments."""
IMPORTED = (
    "foveal.cli.main",
    "foveal.cli.learners",
    "foveal.estimators.autoencoder",
    "foveal.estimators.cnn",
    "foveal.estimators.transfer",
    "foveal.pages.report",
    "rich.progress",
    "sklearn.covariance",
    "sklearn.decomposition",
    "sklearn.linear_model",
    "sklearn.model_selection",
)
"""What trainings import; what is missing here costs time, no more."""
ENVIRONMENT = dict(os.environ)
"""As it is before any test changes it: the same whichever test is the first to need a process."""


class Started:
    """A process that runs a program; what is asked of it is what is asked of a ``Popen``."""

    def __init__(self, pid: int, said: Path) -> None:
        self.pid, self.returncode = pid, None
        self._said = said

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _nursery().answer({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self._said), timeout or 0.0)
            time.sleep(0.02)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        self.wait(timeout)
        out, err = (self._said.with_suffix(ending).read_text() for ending in (".out", ".err"))
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def started(
    *words: object,
    program: str = FOVEAL,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Started:
    """Start a program.

    Parameters
    ----------
    *words : object
        Its arguments.
    program : str
        Its text; by default that of the command.
    env : mapping, optional
        Its environment, by default that of this process. What a library reads while it is
        imported (the number of threads of OpenMP) it has read before.
    cwd : Path, optional
        Where it begins, by default where this process is.
    """
    return _nursery().start(program, list(map(str, words)), env, cwd)


def ran(*words: object, timeout: float = 120, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end (see `started`)."""
    process = started(*words, **more)
    try:
        out, err = process.communicate(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(list(words), process.wait(), out, err)


class _Nursery:
    """The process that forks, and what it is asked: a line of JSON each way."""

    def __init__(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="warm"))
        self.count = 0
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT | paths,
            text=True,
        )

    def answer(self, asked: object) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(
        self, program: str, words: Sequence[str], env: Mapping[str, str] | None, cwd: Path | None
    ) -> Started:
        self.count += 1
        said = self.place / str(self.count)
        asked = {
            "program": program,
            "words": words,
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or Path.cwd()),
            "said": str(said),
        }
        return Started(self.answer(asked), said)

    def close(self) -> None:
        self.process.communicate()
        shutil.rmtree(self.place, ignore_errors=True)


@cache
def _nursery() -> _Nursery:
    found = _Nursery()
    atexit.register(found.close)
    return found


def _asked() -> Iterator[dict[str, Any]]:
    """Fork for each program that is asked for; yields what was asked, in the process of it."""
    running = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "ended" in asked:
            pid, status = os.waitpid(asked["ended"], os.WNOHANG)
            running.discard(pid)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
        elif child := os.fork():
            running.add(child)
            print(child, flush=True)
        else:
            yield asked
            return
    for child in running:
        os.kill(child, signal.SIGKILL)


def _become(program: str, words: list[str], env: dict[str, str], cwd: str, said: str) -> None:
    """Run a program as if this process had been started for it."""
    for number, name in enumerate((os.devnull, f"{said}.out", f"{said}.err")):
        file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["foveal", *words]
    sys.modules["__main__"] = main = ModuleType("__main__")
    exec(compile(program, "<program>", "exec"), vars(main))


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    for asked in _asked():
        _become(**asked)
