"""What stands before every route: the door, how long a request may take, and one line of log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from starlette.types import Message, Receive, Scope, Send

from foveal.serving.door import Door, by_name
from foveal.serving.refusals import busy, told
from foveal.serving.resources import Resources
from foveal.serving.short_way import ShortWay, note

UNMATCHED = "none"
"""Route of a request that fits none, in log and counts."""
GONE = 499
"""Status of a request whose client hung up before it was answered, in log and counts."""
FAULT = 500
"""Status of a request that ended in a fault which nothing here answered: the server does."""
TURNED_AWAY = "foveal.turned_away"
"""Where a connection writes into a scope that it answered by itself: status, and bytes."""
STOPPED = busy("its end", 5)
"""What is answered where a server that stops waits no longer."""
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every answer."""
CLOSE = (b"connection", b"close")
LINGER = 5.0
"""Seconds for which is read what a client goes on sending after its answer, before the connection
is closed: one that is closed on what nobody read is reset, and the answer may be lost with it."""


class Guard:
    """The application behind the door.

    Parameters
    ----------
    ways : ShortWay
        Answers what may come in.
    door : Door
        Who may.
    resources : Resources
        Counters, and how long a request may take.
    log : callable, optional
        Gets one line a request; None for no log.
    """

    def __init__(
        self,
        ways: ShortWay,
        door: Door,
        resources: Resources,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.ways, self.door, self.resources, self.log = ways, door, resources, log
        self.draining = False
        """Whether the server is about to stop: answers close their connections."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.ways.app(scope, receive, send)
            return
        began, answer = time.perf_counter(), _Answer(receive, send, self)
        try:
            await self._answered(scope, answer)
        except asyncio.CancelledError:
            await answer.refuse(*told(STOPPED))
            raise
        except Exception:
            answer.status = answer.status or FAULT
            raise
        finally:
            self._note(scope, answer, (answer.ended or time.perf_counter()) - began)

    async def crowded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request that comes by more connections than there may be."""
        began, answer = time.perf_counter(), _Answer(receive, send, self)
        refusal = busy("too many connections", self.resources.room.pace * 10)
        refusal.headers["connection"] = "close"
        try:
            await answer.refuse(*told(refusal))
        finally:
            self._note(scope, answer, time.perf_counter() - began)

    async def _answered(self, scope: Scope, answer: _Answer) -> None:
        headers = by_name(scope["headers"])
        answer.holds_back = b"expect" in headers
        refusal = self.door.refusal(scope["path"], headers)
        if refusal is not None:
            refusal.headers["connection"] = "close"
            await answer.refuse(*told(refusal))
            return
        direct = self.ways.direct(scope)
        if direct is not None and self.resources.room.is_full:  # before anything of it is read
            note(scope, direct)
            await answer.refuse(*self.resources.room.told())
            return
        seconds = self.resources.limits.request_seconds
        try:
            async with asyncio.timeout(seconds):
                await self.ways.way(scope, direct)(scope, answer.receive, answer.send)
        except TimeoutError:
            came = f"no answer within {seconds:g} s"
            await answer.refuse(*told(busy(came, self.resources.room.pace * 10)))

    def _note(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        """Count a request, and write its line: nothing in either is what a client says."""
        route = getattr(scope.get("route"), "path", UNMATCHED)
        status, size = scope.get(TURNED_AWAY) or (answer.status or GONE, answer.bytes)
        parameters = scope.get("path_params") or {}
        known = {"model": parameters["name"][:80]} if status < 400 and "name" in parameters else {}
        self.note(status, size, seconds, method=scope["method"][:16], route=route, **known)

    def note(
        self,
        status: int,
        size: int,
        seconds: float,
        *,
        method: str = UNMATCHED,
        route: str = UNMATCHED,
        **known: str,
    ) -> None:
        """Count an answer of so many bytes, and write its line.

        Parameters
        ----------
        method, route : str
            Of the request, where it is one; `UNMATCHED` where nothing could be read of it.
        **known : str
            What else is known of it.
        """
        self.resources.counters.request(route, status, seconds)
        if self.log is None:
            return
        facts = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": method,
            "route": route,
            **known,
            "status": status,
            "seconds": round(seconds, 4),
            "bytes": size,
        }
        self.log(json.dumps(facts))


class _Answer:
    """Passes a request and its answer on, and keeps what became of them."""

    def __init__(self, receive: Receive, send: Send, guard: Guard) -> None:
        self.source, self.through, self.guard = receive, send, guard
        self.status = self.bytes = 0
        self.holds_back = False
        """Whether its body is sent once it is asked for (Expect: 100-continue, RFC 9110, 10.1.1):
        who never asks for it cannot know whether what comes next is the body, and closes."""
        self.ended = 0.0
        """When the answer was given, by `time.perf_counter`."""
        self._heard = self._closing = False

    async def receive(self) -> Message:
        self.holds_back = False
        message = await self.source()
        self._heard = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), *ALWAYS]
            if (self.guard.draining or self.holds_back) and CLOSE not in headers:
                headers.append(CLOSE)
            message, self._closing = {**message, "headers": headers}, CLOSE in headers
        else:
            self.bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.ended = time.perf_counter()
                if self._closing and not self._heard:
                    await self.through({**message, "more_body": True})
                    await self._hear_out()
                    message = {"type": "http.response.body"}
        await self.through(message)

    async def _hear_out(self) -> None:
        """Read what is still being sent, and forget it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while not self._heard:
                    await self.receive()

    async def refuse(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> None:
        """Answer with a refusal, see `refusals.told`, where no answer has begun."""
        if self.status:
            return
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})
