"""What memory something takes, told apart from what other threads take meanwhile."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def traced(make: Callable[[], T], times: int = 3) -> tuple[T, int, int]:
    """Return what is made, the bytes that it holds, and the most that making it took.

    All threads of a process are traced, and one that another test left may import something of
    megabytes just then: each figure is the least of all times.
    """
    held, most = [], []
    for _ in range(times):
        tracemalloc.start()
        try:
            made = make()
            now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        held.append(now)
        most.append(peak)
    return made, min(held), min(most)
