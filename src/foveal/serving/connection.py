"""A connection of HTTP/1.1 that does not wait for ever, and is not closed on a request.

uvicorn lets a client take any time, and any number of bytes, for the head of a request, and any
time for reading what is answered. It closes a connection that was idle without looking whether a
request has just come, and forgets one that was answered before its body was there. It reads any
number of requests ahead of their answers, and answers what is no request before those that were
whole; and it takes what follows the last chunk of a body for headers.
"""

from __future__ import annotations

import asyncio
from multiprocessing.connection import wait
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from foveal.serving.parser import Parser

MOST_HEAD = 64 * 1024
"""Bytes of a head that is not whole yet, at most; also of what follows the last chunk of a body."""
MOST_AHEAD = 64
"""Requests of one connection that wait for the answers to those before, at most."""
TOO_LONG = f"The head of the request has more than {MOST_HEAD} bytes."


class Connection(HttpToolsProtocol):
    """uvicorn's connection, looked after every few seconds.

    It is closed where a head was not whole between two looks, and cut off where it is closing
    and what is left to be sent is not taken, or where nothing is answered and what waits to be
    read is not.
    """

    every = 5.0
    """Seconds between two looks."""
    patience = 2.0
    """Seconds that a server which stops waits for the first request of a connection."""

    def connection_made(self, transport: Any) -> None:
        """Begin to look after it."""
        super().connection_made(transport)
        self.parser: Parser = Parser(self)
        self._running: RequestResponseCycle | None = None
        """The request that is being answered, or was the last."""
        self._requests = -1
        self._in_head = self._went_on = False
        self._unheard = 0
        """Bytes that came and were part of nothing that is whole."""
        self._heard = self._heard_before = 0
        """Bytes that came, now and at the last look."""
        self._look: asyncio.TimerHandle | None = None
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look after it no longer; whoever is answered is gone, whatever was sent behind."""
        super().connection_lost(exc)
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        if self._look is not None:
            self._look.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came, unless a head has no end."""
        self._went_on = False
        self._heard += len(data)
        super().data_received(data)
        self._unheard = 0 if self._went_on else self._unheard + len(data)
        if self._unheard <= MOST_HEAD or self.transport.is_closing():
            return
        if self._in_head:
            self.send_400_response(TOO_LONG)
        else:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        super().on_message_begin()
        self._in_head = True

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
        """Refuse what is no request, and close: after the answer to a whole one before it."""
        running = self._running
        if running is None or running.response_complete or running.more_body:
            if not self.transport.is_closing():
                super().send_400_response(msg)
            return
        running.keep_alive = False
        self.pipeline.clear()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Answer a request."""
        self._running = cycle
        super()._start_asgi_task(cycle, app)

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
            self.transport.close()
        elif not answering and self._heard == self._heard_before and self._has_more():
            self.transport.abort()
        self._requests = -1 if answering or idle else seen
        self._heard_before = self._heard
        self._begin()
