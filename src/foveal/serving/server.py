"""A process that serves: its socket, its signals, and how it ends.

SIGTERM and SIGINT: /v2/health/ready says no, what is sent meanwhile is still answered and its
connection closed, then nothing more is taken, and what is under way is finished. SIGHUP: models
whose files changed are loaded again.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import uvicorn

from foveal.device import choose
from foveal.serving.app import application
from foveal.serving.connection import Connection
from foveal.serving.guard import Guard
from foveal.serving.log import to_stderr
from foveal.serving.resources import Resources
from foveal.serving.settings import BACKLOG, Settings
from foveal.serving.shelf import Shelf

MOST_CONNECTIONS = 1_000
LAST = 0.5
"""Seconds between the end of listening and that of connections on which nothing was asked."""


def serve(settings: Settings, bound: socket.socket, told: Callable[[Sequence[str]], None]) -> None:
    """Load the models and serve them, until a signal.

    Parameters
    ----------
    settings : Settings
        What is served.
    bound : socket
        Where it listens.
    told : callable
        Called with the names of the models once they answer.

    Raises
    ------
    FovealError
        Where a model cannot be loaded.
    """
    threads = settings.threads or choose("cpu").threads
    resources = Resources.of(settings.limits, threads)
    try:
        shelf = Shelf(settings.wanted, resources)
        guard = application(shelf, resources, settings.door, to_stderr if settings.log else None)
        asyncio.run(_served(settings, bound, shelf, guard, told))
    finally:
        resources.close()


async def _served(
    settings: Settings,
    bound: socket.socket,
    shelf: Shelf,
    guard: Guard,
    told: Callable[[Sequence[str]], None],
) -> None:
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        guard,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=int(settings.limits.stop_seconds - settings.limits.drain_seconds),
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    watch = Signals(server, shelf, guard, settings.limits.drain_seconds)
    watch.begin()
    told([one.name for one in shelf])
    await serving


class Signals:
    """What the signals of a server do."""

    def __init__(
        self, server: uvicorn.Server, shelf: Shelf, guard: Guard, drain_seconds: float
    ) -> None:
        self.server, self.shelf, self.guard = server, shelf, guard
        self.drain_seconds = drain_seconds
        self.tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Take the signals over from uvicorn, which stops listening at once."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stop)
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, lambda: self._start(self._reload()))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _stop(self) -> None:
        if self.guard.draining:  # asked again: at once
            self.server.should_exit = self.server.force_exit = True
            return
        self.guard.draining = True
        self._start(self._drain())

    async def _drain(self) -> None:
        await asyncio.sleep(self.drain_seconds)
        for one in self.server.servers:
            one.close()
        await asyncio.sleep(LAST)  # what was let in just before is read, and answered
        self.server.should_exit = True

    async def _reload(self) -> None:
        for name, what in (await self.shelf.reload()).items():
            to_stderr(f"note: {name}: {what}")
