"""What is printed arrives whole, or the command says that it did not."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any


class Heard(io.FileIO):
    """A file in which is lost what nobody takes: that ends no work."""

    def write(self, data: Any, /) -> int:
        """Write bytes, or lose them."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def tell_who_listens() -> None:
    """Let what is told on stderr be lost where its reader has gone, or its disk is full."""
    now = sys.__stderr__
    if now is not None and sys.stderr is now:
        file = io.BufferedWriter(Heard(now.fileno(), "w", closefd=False))
        sys.stderr = io.TextIOWrapper(file, now.encoding, now.errors, line_buffering=True)


def print_whole() -> None:
    """Let all of a text be written, or an error be raised.

    What the terminal has no letters for is written as escapes.

    Without a buffer, as by PYTHONUNBUFFERED, Python hands a text to the system once, which may
    take its beginning alone, as where a disk is filling, and says nothing of the rest. Lines still
    appear as they are printed.
    """
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.FileIO):
        now = sys.stdout
        whole = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(whole, now.encoding, now.errors, line_buffering=True)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def printed_to() -> tuple[int, int] | None:
    """Return which file is printed to; None where there is none."""
    try:
        found = os.fstat(1)
        return found.st_dev, found.st_ino
    except OSError:
        return None


def is_unread(before: tuple[int, int] | None) -> bool:
    """Whether what is printed goes into a pipe whose reader has gone, as `head` does.

    Parameters
    ----------
    before : tuple, optional
        What was `printed_to` at first: of a pipe without a reader rich makes another file.
    """
    if printed_to() != before:
        return True
    waiting = select.poll()
    waiting.register(1, 0)
    return any(event & select.POLLERR for _, event in waiting.poll(0))


def forget_the_unprinted() -> None:
    """Pass over what could not be printed: Python would try again at its end, and exit by 120."""
    try:
        sys.stdout.flush()
    except OSError:
        drop_the_unprinted()


def drop_the_unprinted() -> None:
    """Let whatever is printed from here on be lost."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
