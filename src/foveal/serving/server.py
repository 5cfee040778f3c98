"""A process that serves: its socket, its signals, and how it ends.

SIGTERM and SIGINT: /v2/health/ready says no, what is sent meanwhile is still answered and its
connection closed, then nobody more is let in, and what is under way is finished. SIGHUP: models
whose files changed are loaded again.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from foveal.device import choose
from foveal.serving.app import application
from foveal.serving.closing import close_when_empty, let_nobody_in
from foveal.serving.connection import Connection
from foveal.serving.guard import Guard
from foveal.serving.log import to_stderr
from foveal.serving.resources import Resources
from foveal.serving.settings import BACKLOG, Settings
from foveal.serving.shelf import Shelf

MOST_CONNECTIONS = 1_000
LAST = 0.5
"""Seconds between the last connection that is let in and the end of listening."""
IDLE = 20
"""Seconds that a connection may be idle: longer than most clients keep theirs (httpx 5, aiohttp
15), so that none sends a request while it is closed."""
STOPS = (signal.SIGTERM, signal.SIGINT)
AGAIN = 1.0
"""Seconds after which a second signal to stop is meant as one: a terminal and a supervisor send
theirs to each process, and the first process passes on what it got."""


def serve(
    settings: Settings,
    bound: socket.socket,
    told: Callable[[Sequence[str]], None],
    *,
    alone: bool = True,
) -> None:
    """Load the models and serve them, until a signal.

    Parameters
    ----------
    settings : Settings
        What is served.
    bound : socket
        Where it listens.
    told : callable
        Called with the names of the models once they answer.
    alone : bool
        Whether no other process listens at the socket.

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
        with _handlers_kept(), asyncio.Runner(loop_factory=fastest_loop()) as runner:
            runner.run(_served(settings, bound, shelf, guard, told, alone))
    finally:
        resources.close()


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Put back what signals do: an event loop leaves them as Python has them, not as it found."""
    before = [(one, signal.getsignal(one)) for one in STOPS]
    try:
        yield
    finally:
        for one, handler in before:
            if handler is not None:
                signal.signal(one, handler)


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop: uvloop, which is not to be had everywhere (Windows)."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made


async def _served(
    settings: Settings,
    bound: socket.socket,
    shelf: Shelf,
    guard: Guard,
    told: Callable[[Sequence[str]], None],
    alone: bool,
) -> None:
    for name in ("uvicorn.error", "python_multipart"):  # they quote what clients send
        logging.getLogger(name).setLevel(logging.ERROR)
    config = uvicorn.Config(
        guard,
        http=partial(Connection, guard=guard),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here asks who a proxy says that a client is
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=int(settings.limits.stop_seconds - settings.limits.drain_seconds),
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    drain = settings.limits.drain_seconds
    watch = Signals(server, shelf, guard, drain, bound if alone else None)
    watch.begin()
    told([one.name for one in shelf])
    await serving


class Signals:
    """What the signals of a server do; `alone` is its socket where no other process has it."""

    def __init__(
        self,
        server: uvicorn.Server,
        shelf: Shelf,
        guard: Guard,
        drain_seconds: float,
        alone: socket.socket | None,
    ) -> None:
        self.server, self.shelf, self.guard = server, shelf, guard
        self.drain_seconds, self.alone = drain_seconds, alone
        self.began = 0.0
        self.tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Take the signals over from uvicorn, which stops listening at once."""
        loop = asyncio.get_running_loop()
        for one in STOPS:
            try:
                loop.add_signal_handler(one, self._stop)
            except NotImplementedError:  # the event loops of Windows hear of no signals
                signal.signal(one, lambda *_: loop.call_soon_threadsafe(self._stop))
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, lambda: self._start(self._reload()))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _stop(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self.guard.draining:
            self.guard.draining, self.began = True, now
            self._start(self._drain())
        elif now - self.began > AGAIN:  # asked again: at once
            self.server.should_exit = self.server.force_exit = True

    async def _drain(self) -> None:
        await asyncio.sleep(self.drain_seconds)
        if self.alone is not None:  # else whoever holds the socket of all does so
            let_nobody_in(self.alone)
        await close_when_empty(self.server.servers, LAST)
        self.server.should_exit = True

    async def _reload(self) -> None:
        for name, what in (await self.shelf.reload()).items():
            to_stderr(f"note: {name}: {what}")
