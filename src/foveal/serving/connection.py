"""A connection of HTTP/1.1 that does not wait for ever.

uvicorn lets a client take any time for the head of a request, and for reading what is answered.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """uvicorn's connection, looked after every few seconds.

    It is closed where a head was not whole between two looks, and cut off where it is closing
    and what is left to be sent is not taken.
    """

    every = 5.0
    """Seconds between two looks."""

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
