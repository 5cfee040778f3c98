"""Several processes that serve at one port: each takes what comes next."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType

from foveal.errors import FovealError
from foveal.openmp import spin_briefly
from foveal.serving.closing import let_nobody_in
from foveal.serving.log import to_stderr
from foveal.serving.settings import Settings

SOON = 10.0
"""Seconds after its start within which a process that ends is not started again."""


def serve_by_many(
    settings: Settings,
    bound: socket.socket,
    workers: int,
    told: Callable[[Sequence[str]], None],
) -> int:
    """Serve by several processes, until a signal; one that dies is started again.

    Signals are passed on: each process stops, or loads what changed, as `serve` does.

    Returns
    -------
    int
        Exit code: that of a process that could not begin; else 0.
    """
    crew = Crew(settings, bound)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, crew.stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, crew.pass_on)
    crew.start(workers)
    if crew.stopping is None:
        told([one.name for one in settings.wanted])
    return crew.watch()


class Crew:
    """Processes that serve, and what becomes of them.

    Parameters
    ----------
    settings, bound
        What each process is given.
    work : callable
        What it does with them, and with a connection by which it says that it answers.
    soon : float
        Seconds after its start within which a process that ends is not started again.
    """

    def __init__(
        self,
        settings: Settings,
        bound: socket.socket,
        work: Callable[[Settings, socket.socket, Connection], None] | None = None,
        soon: float = SOON,
    ) -> None:
        self.settings, self.bound = settings, bound
        self.work, self.soon = work or _work, soon
        self.context = multiprocessing.get_context("spawn")  # a fork would lose torch's threads
        self.began: dict[BaseProcess, float] = {}
        self.stopping: float | None = None
        """When it was asked to stop."""
        self.code = 0

    def start(self, count: int) -> None:
        """Start so many processes, and wait until each answers or is gone."""
        ready = [self._one() for _ in range(count)]
        for process, answers in ready:
            wait([answers, process.sentinel])

    def _one(self) -> tuple[BaseProcess, Connection]:
        ours, theirs = self.context.Pipe(duplex=False)
        process = self.context.Process(target=self.work, args=(self.settings, self.bound, theirs))
        process.start()
        theirs.close()
        self.began[process] = time.monotonic()
        if self.stopping is not None:  # the signal came while it began, and it was not told
            self.pass_on(signal.SIGTERM, None)
        return process, ours

    def watch(self) -> int:
        """Wait for all processes to end."""
        while self.began:
            wait([one.sentinel for one in self.began], timeout=0.1)
            self._leave()
            for process in [one for one in self.began if one.exitcode is not None]:
                age = time.monotonic() - self.began.pop(process)
                if self.stopping is not None:
                    continue
                if age > self.soon:
                    self._one()
                    continue
                self.code = abs(process.exitcode or 0) or 1
                self.stop(signal.SIGTERM, None)
        return self.code

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Let all processes end."""
        self.stopping = self.stopping or time.monotonic()
        self.pass_on(signal.SIGTERM, None)

    def _leave(self) -> None:
        """Let nobody in once the processes have said for long enough that they end.

        What was let in before is theirs: the socket is closed here, and each closes its own.
        """
        drain = self.settings.limits.drain_seconds
        if self.stopping is None or time.monotonic() - self.stopping < drain:
            return
        if self.bound.fileno() >= 0:
            let_nobody_in(self.bound)
            self.bound.close()

    def pass_on(self, number: int, frame: FrameType | None) -> None:
        """Send a signal to all processes."""
        for process in list(self.began):  # a signal comes at any time
            if process.is_alive() and process.pid is not None:
                signal_process(process.pid, number)


def signal_process(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _work(settings: Settings, bound: socket.socket, ready: Connection) -> None:
    """Serve in a process of its own."""
    spin_briefly()
    from foveal.serving.server import serve

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's, until it serves: the crew ends it

    def told(names: Sequence[str]) -> None:
        with contextlib.suppress(OSError):  # nobody waits for one that took another's place
            ready.send(list(names))

    try:
        serve(settings, bound, told, alone=False)
    except FovealError as error:
        to_stderr(f"error: {error}")
        sys.exit(error.exit_code)
