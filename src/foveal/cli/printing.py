"""What is printed arrives whole, or the command says that it did not."""

from __future__ import annotations

import io
import os
import sys


def print_whole() -> None:
    """Let all of a text be written, or an error be raised.

    Without a buffer, as by PYTHONUNBUFFERED, Python hands a text to the system once, which may
    take its beginning alone, as where a disk is filling, and says nothing of the rest. Lines still
    appear as they are printed.
    """
    raw = getattr(sys.stdout, "buffer", None)
    if isinstance(raw, io.FileIO):
        now = sys.stdout
        whole = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(whole, now.encoding, now.errors, line_buffering=True)


def forget_the_unprinted() -> None:
    """Pass over what could not be printed: Python would try again at its end, and exit by 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
