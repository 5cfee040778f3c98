"""A process that serves: its socket, its signals, and how it ends.

SIGTERM and SIGINT: /v2/health/ready says no, what is sent meanwhile is still answered and its
connection closed, then nothing more is taken, and what is under way is finished. SIGHUP: models
whose files changed are loaded again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from foveal.device import choose
from foveal.errors import UsageError
from foveal.pictures.opening import most_pixels
from foveal.serving.app import application
from foveal.serving.connection import Connection
from foveal.serving.guard import Door, Guard, to_stderr
from foveal.serving.limits import Limits
from foveal.serving.resources import Resources
from foveal.serving.shelf import Shelf, Wanted

BACKLOG = 512
MOST_CONNECTIONS = 1_000
SHORTEST, LONGEST = 16, 1_024
"""Letters of a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is served, to whom."""

    wanted: tuple[Wanted, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    hosts: frozenset[str] = frozenset()
    """Further names that requests may call this server by."""
    token: str = field(default="", repr=False)
    limits: Limits = Limits()
    threads: int | None = None
    log: bool = True

    def __post_init__(self) -> None:
        most_pixels()  # refuses an environment that says nonsense, before the first picture
        if not self.loopback and not self.token:
            raise UsageError(
                "host",
                needed="a token, where others than this machine may ask",
                came=f"{self.host} without one",
                remedy="write one into a file and name it (`token_file`)",
            )

    @property
    def loopback(self) -> bool:
        """Whether it is this machine alone that may ask."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def door(self) -> Door:
        """Who may come in."""
        names = frozenset(name.lower() for name in self.hosts)
        return Door(hosts=names, loopback=self.loopback, token=self.token)


def read_token(path: Path) -> str:
    """Read the token that requests must bear.

    Raises
    ------
    UsageError
        For a file that cannot be read, and for what is too short to be a secret.
    """
    try:
        with path.open("rb") as file:
            found = file.read(LONGEST + 2).strip()
    except OSError as error:
        raise _no_token(path, error.strerror or str(error)) from error
    if not SHORTEST <= len(found) <= LONGEST or not all(33 <= one < 127 for one in found):
        raise _no_token(path, f"{len(found)} bytes, or others")
    return found.decode("ascii")


def _no_token(path: Path, came: str) -> UsageError:
    return UsageError(
        f"`token_file` {path}",
        needed=f"a file of one line: {SHORTEST} to {LONGEST} letters and digits",
        came=came,
        remedy="make one: python -c 'import secrets; print(secrets.token_urlsafe(32))' > FILE",
    )


def listening(host: str, port: int) -> socket.socket:
    """Open the socket that a server listens at.

    Raises
    ------
    UsageError
        Where the address is not of this machine, or another program has the port.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _no_address(host, port, error) from error
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise _no_address(host, port, error) from error
    return found


def _no_address(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        "port",
        needed="an address of this machine, and a port that is free",
        came=f"{host}:{port}: {error.strerror or error}",
        remedy="choose another port (`port`), 0 for any",
    )


def address_of(bound: socket.socket) -> str:
    """Write the address that a socket listens at."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


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
        self.server.should_exit = True

    async def _reload(self) -> None:
        for name, what in (await self.shelf.reload()).items():
            to_stderr(f"note: {name}: {what}")
