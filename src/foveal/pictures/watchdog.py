"""One thread that acts where work takes too long, however many wait for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from math import inf

_IDLE = 3600.0
"""Seconds that the thread sleeps while nothing is watched."""


class Watchdog:
    """Calls what was agreed on where work is not over in time.

    A timer of its own would cost each short piece of work a thread: this one is asked for some
    microseconds, and sleeps until the first of all deadlines.
    """

    def __init__(self) -> None:
        self._watched: dict[object, tuple[float, Callable[[], None]]] = {}
        self._changed = threading.Condition()
        self._wakes, self._running = inf, False

    @contextlib.contextmanager
    def within(self, seconds: float, late: Callable[[], None]) -> Iterator[None]:
        """Watch what is done here: `late` is called where it takes longer, never after its end.

        Parameters
        ----------
        seconds : float
            By the clock.
        late : callable
            Called once, in the watchdog's thread; it must be short, and ends the work.
        """
        work, due = object(), time.monotonic() + seconds
        with self._changed:
            self._watched[work] = due, late
            if not self._running:
                self._start()
            elif due < self._wakes:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._watched.pop(work, None)

    def _start(self) -> None:
        self._running = True
        threading.Thread(target=self._watch, name="foveal-watchdog", daemon=True).start()

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for work, (due, late) in list(self._watched.items()):
                    if due <= now:
                        del self._watched[work]
                        late()
                first = min((due for due, _ in self._watched.values()), default=now + _IDLE)
                self._wakes = first
                self._changed.wait(first - now)
