"""A connection of HTTP/1.1 that does not wait for ever, and is not closed on a request.

uvicorn lets a client take any time, and any number of bytes, for the head of a request, and any
time for reading what is answered. It closes a connection that was idle without looking whether a
request has just come, and forgets one that was answered before its body was there. It reads any
number of requests ahead of their answers, and answers what is no request before those that were
whole; and it takes what follows the last chunk of a body for headers.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from multiprocessing.connection import wait
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from foveal.serving.guard import ALWAYS, CLOSE, LINGER, TURNED_AWAY, Guard
from foveal.serving.parser import Parser
from foveal.serving.refusals import Refused, told
from foveal.wording import counted

MOST_HEAD = 64 * 1024
"""Bytes of a head that is not whole yet, at most; also of what follows the last chunk of a body."""
MOST_AHEAD = 64
"""Requests of one connection that wait for the answers to those before, at most."""
ANSWERED = b"HTTP/1.1 %d %s\r\n"


class Connection(HttpToolsProtocol):
    """uvicorn's connection, looked after every few seconds.

    It is closed where a head was not whole between two looks, and cut off where it is closing
    and what is left to be sent is not taken, or where nothing is answered and what waits to be
    read is not.

    Parameters
    ----------
    guard : Guard
        Is told what is answered here, and answers those that come by too many connections.
    *args, **options
        As uvicorn has them.
    """

    every = 5.0
    """Seconds between two looks."""
    patience = 2.0
    """Seconds that a server which stops waits for the first request of a connection."""

    def __init__(self, *args: Any, guard: Guard, **options: Any) -> None:
        super().__init__(*args, **options)
        self.guard = guard

    def connection_made(self, transport: Any) -> None:
        """Begin to look after it."""
        super().connection_made(transport)
        self.parser: Parser = Parser(self)
        self._running: RequestResponseCycle | None = None
        """The request that is being answered, or was the last."""
        self._requests = -1
        self._in_head = self._went_on = self._turned_away = False
        self._unheard = 0
        """Bytes that came and were part of nothing that is whole."""
        self._heard = self._heard_before = 0
        """Bytes that came, now and at the last look."""
        self._since = time.perf_counter()
        """When the latest head began."""
        self._look: asyncio.TimerHandle | None = None
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look after it no longer; whoever is answered is gone, whatever was sent behind."""
        super().connection_lost(exc)
        self.pipeline.clear()
        running = self._under_way()
        if running is not None:
            self._leave(running)
        if self._look is not None:
            self._look.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came, unless a head has no end."""
        if self._turned_away:
            return
        self._went_on = False
        self._heard += len(data)
        super().data_received(data)
        self._unheard = 0 if self._went_on else self._unheard + len(data)
        if self._unheard <= MOST_HEAD or self.transport.is_closing():
            return
        if self._in_head:
            self._turn_away(_too_long())
        else:
            self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what is whole to who has said all; the connection is closed behind it."""
        return self._answers_last()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        super().on_message_begin()
        self._in_head, self._since = True, time.perf_counter()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a line of a head; what follows a body is none (RFC 9110, 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that a head is whole, and answer it after those before."""
        if self.parser.takes_again(self.url, self.headers):
            return
        if len(self.pipeline) >= MOST_AHEAD:
            raise ValueError("too many requests ahead of their answers")
        self._in_head, self._went_on = False, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that a body goes on."""
        self._went_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for another request, where this one was answered before its body was there."""
        if self.parser.again:
            return
        super().on_message_complete()
        answered = self.cycle is not None and self.cycle.response_complete
        if answered and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and close: after the answers to whole ones before it."""
        self._turn_away(_no_request())

    def _turn_away(self, refusal: Refused) -> None:
        """Refuse what has no route, and close: after the answers to whole requests before it.

        What a client goes on sending is read for a while, as where the guard refuses.
        """
        if self._answers_last() or self._turned_away or self.transport.is_closing():
            return
        self._turned_away, self._in_head = True, False
        running = self._under_way()
        if running is None:
            self.guard.note(*self._write(refusal), time.perf_counter() - self._since)
        else:
            if not running.response_started:  # whoever runs it notes what it was answered
                cast(dict[str, Any], running.scope)[TURNED_AWAY] = self._write(refusal)
            self._leave(running)
        self.loop.call_later(LINGER, self.transport.close)

    def _write(self, refusal: Refused) -> tuple[int, int]:
        """Write a refusal; returns its status, and the bytes of its body."""
        status, headers, body = told(refusal)
        first = ANSWERED % (status, HTTPStatus(status).phrase.encode())
        lines = [b"%s: %s\r\n" % one for one in (*headers, *ALWAYS, CLOSE)]
        self.transport.write(b"".join([first, *lines, b"\r\n", body]))
        return status, len(body)

    def _answers_last(self) -> bool:
        """Say whether a request that is whole waits for its answer; it is closed behind the last.

        One that is not whole yet is forgotten, where it is not being answered.
        """
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        last = self.pipeline[0][0] if self.pipeline else self._running
        if last is None or last.response_complete or last.more_body:
            return False
        self.cycle, last.keep_alive = last, False
        return True

    def _under_way(self) -> RequestResponseCycle | None:
        """Return the request that is being answered."""
        running = self._running
        return None if running is None or running.response_complete else running

    def _leave(self, running: RequestResponseCycle) -> None:
        """Tell whoever answers a request that nobody waits."""
        running.disconnected = True
        running.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Answer a request; another `app` than the one given means too many connections."""
        self._running = cycle
        crowded = cast(ASGI3Application, self.guard.crowded)
        super()._start_asgi_task(cycle, app if app is self.app else crowded)

    def shutdown(self) -> None:
        """Close it where nothing is under way; what has begun to come is answered first."""
        asked = self.cycle is not None
        if asked or self._has_more():
            self._close_idle()
        else:
            self.loop.call_later(self.patience, self._close_idle)

    def timeout_keep_alive_handler(self) -> None:
        """Close it once it was idle for long, unless a request has just come."""
        if not self._has_more():
            super().timeout_keep_alive_handler()

    def _close_idle(self) -> None:
        if not self._has_more() and not self.transport.is_closing():
            super().shutdown()

    def _has_more(self) -> bool:
        """Whether something has come that was not looked at, or is no whole head yet."""
        if self.transport.is_closing():
            return False
        waits = wait([self.transport.get_extra_info("socket")], 0)
        return bool(waits or self._in_head)

    def _begin(self) -> None:
        self._look = self.loop.call_later(self.every, self._look_after)

    def _look_after(self) -> None:
        if self.transport.is_closing():
            self.transport.abort()
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        idle = self.timeout_keep_alive_task is not None
        seen = id(self.cycle)
        if not answering and not idle and self._requests == seen:
            if self._in_head:
                self._turn_away(_too_slow(self.every))
            else:
                self.transport.close()
        elif not answering and self._heard == self._heard_before and self._has_more():
            self.transport.abort()
        self._requests = -1 if answering or idle else seen
        self._heard_before = self._heard
        self._begin()


def _no_request() -> Refused:
    return Refused(
        400,
        "the request",
        needed="HTTP/1.1",
        came="what is none",
        remedy="call this address by http:// (not https://), with a client that speaks HTTP/1.1",
    )


def _too_long() -> Refused:
    return Refused(
        431,
        "the head of the request",
        needed=f"at most {counted(MOST_HEAD, 'byte')}",
        came="more",
        remedy="send fewer headers, or shorter ones",
    )


def _too_slow(seconds: float) -> Refused:
    return Refused(
        408,
        "the head of the request",
        needed=f"all of it within {seconds:g} s",
        came="a part",
        remedy="send it faster",
    )
