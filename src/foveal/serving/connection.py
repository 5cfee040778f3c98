"""A connection of HTTP/1.1 that does not wait for ever, and is not closed on a request.

uvicorn lets a client take any time for the head of a request, and for reading what is answered. It
closes a connection that was idle without looking whether a request has just come.
"""

from __future__ import annotations

import asyncio
from multiprocessing.connection import wait
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """uvicorn's connection, looked after every few seconds.

    It is closed where a head was not whole between two looks, and cut off where it is closing
    and what is left to be sent is not taken.
    """

    every = 5.0
    """Seconds between two looks."""
    patience = 2.0
    """Seconds that a server which stops waits for the first request of a connection."""

    def connection_made(self, transport: Any) -> None:
        """Begin to look after it."""
        super().connection_made(transport)
        self._requests = -1
        self._look: asyncio.TimerHandle | None = None
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look after it no longer."""
        super().connection_lost(exc)
        if self._look is not None:
            self._look.cancel()

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
        return bool(waits or self.conn.trailing_data[0])

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
        self._requests = -1 if answering or idle else seen
        self._begin()
