"""What processes of a crew may do: nothing heavy, since each begins with an empty memory."""

from __future__ import annotations

import os
import sys
import time


def stay(settings, bound, ready) -> None:
    """Say that it answers, and stay."""
    ready.send(os.getpid())
    time.sleep(60)


def fail(settings, bound, ready) -> None:
    """End before it answers."""
    sys.exit(4)
