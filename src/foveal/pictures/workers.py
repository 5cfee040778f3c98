"""Work on many pictures at once, its answers in order."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(work: Callable[[int], T], count: int, threads: int, ahead: int) -> Generator[T]:
    """Do work for the numbers from 0 to count - 1 in threads; answers in order, so many ahead."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    try:
        waiting = [pool.submit(work, row) for row in range(min(ahead, count))]
        for row in range(count):
            yield waiting[row % ahead].result()
            if row + ahead < count:
                waiting[row % ahead] = pool.submit(work, row + ahead)
    finally:
        pool.shutdown(cancel_futures=True)
