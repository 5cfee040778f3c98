"""What SIGINT, SIGTERM and SIGHUP do to a command: the first ends it well, the next at once."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130
"""Exit code of a command that was interrupted."""
ASKS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals that ask for an end; the last comes where a terminal is closed, or its line breaks."""


class Stopping:
    """A handler of these signals, for the length of a process.

    A keyboard interrupt leaves work as an error does, and what is to be put away is put away. Who
    asks again does not wait for that: nothing is lost, as by a kill. Python would raise a second
    interrupt wherever it is, at its very end too, and print where.

    Parameters
    ----------
    end : callable, optional
        Ends the process with an exit code, at once.
    """

    def __init__(self, end: Callable[[int], None] = os._exit) -> None:
        self.end = end
        self.asked = self.ending = False

    def begin(self) -> None:
        """Take the signals over, but those that whoever started the process has ignored."""
        atexit.register(ignore_interrupts)  # the first to be registered is the last to be called
        self._take()

    def is_over(self) -> None:
        """Note that the command has done what it does: the first signal finds nothing to end."""
        self.ending = True
        self._take()  # event loops put back what Python has

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take a signal.

        Raises
        ------
        KeyboardInterrupt
            The first time, before the end.
        """
        if self.asked:
            self.end(INTERRUPTED)
        self.asked = True
        if not self.ending:
            raise KeyboardInterrupt

    def _take(self) -> None:
        for one in ASKS:
            if signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, self)


def ignore_interrupts() -> None:
    """Let what little is left of a process come to its end, and its exit code be its own.

    Python gives signals back to the system, which kills, before it puts its modules away.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
