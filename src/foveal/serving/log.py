"""Lines on standard error."""

from __future__ import annotations

import sys


def to_stderr(line: str) -> None:
    """Write a line."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
