"""How much a server takes on at a time: pictures and bytes, counted in and out.

Everything here runs in the thread of the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from foveal.serving.limits import Limits
from foveal.serving.refusals import Refused, Told, busy, seconds_of, told_busy
from foveal.wording import counted

OFTEN = 0.05
"""Weight of the latest picture in the mean seconds that one takes."""


class Room:
    """What is being answered, against what may be."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pictures = self.held = 0
        self.pace = 0.05
        """Seconds a picture takes, the mean of those before."""

    @contextmanager
    def entered(self) -> Iterator[Visit]:
        """Let a request in, as one picture; all that it took is given back at its end.

        Raises
        ------
        Refused
            With 503, where the queue is full.
        """
        visit = Visit(self)
        try:
            visit.add_pictures(1)
            yield visit
        finally:
            visit.leave()

    def paced(self, pictures: int, seconds: float) -> None:
        """Note that an engine took so long for so many pictures."""
        self.pace += OFTEN * (seconds / max(pictures, 1) - self.pace)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more picture."""
        return self.pictures >= self.limits.queue

    def told(self) -> Told:
        """Return the answer to a request that comes now that it is full."""
        return told_busy(self._waiting, seconds_of(self.pictures * self.pace))

    def full(self, came: str = "") -> Refused:
        """Return the refusal of what does not fit in now."""
        return busy(came or self._waiting, self.pictures * self.pace)

    @property
    def _waiting(self) -> str:
        return f"{counted(self.pictures, 'picture')} before yours"


class Visit:
    """What one request takes of a room."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.pictures = self.held = 0

    def add_pictures(self, count: int) -> None:
        """Take room for more pictures."""
        room = self.room
        if room.pictures + count > room.limits.queue:
            raise room.full()
        room.pictures, self.pictures = room.pictures + count, self.pictures + count

    def add_bytes(self, count: int) -> None:
        """Take room for more bytes of a body."""
        room = self.room
        if room.held + count > room.limits.held:
            raise room.full(f"{counted(room.held, 'byte')} of other requests")
        room.held, self.held = room.held + count, self.held + count

    def leave(self) -> None:
        """Give everything back."""
        self.room.pictures -= self.pictures
        self.room.held -= self.held
        self.pictures = self.held = 0
