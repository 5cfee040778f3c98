"""Batches out of single requests: what is queued when the engine is free goes through together.

Nothing waits for company: an engine that is idle takes one picture at once. While it computes,
others gather, and are its next batch (as "dynamic batching" of Clipper, Crankshaw et al., NSDI
2017, with a delay of zero).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from math import inf
from typing import Generic, TypeVar, cast

LATEST = 0.2
"""Weight of the latest batch in the mean seconds that an item takes."""
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """One kind of question to one model; asked from the event loop, answered in a thread.

    Parameters
    ----------
    run : callable
        Answers some items, in order, in the thread of the engine.
    engine : Executor
        Its threads; of one, where all questions compete for the same processor.
    most : int
        Items that are answered together, at most.
    told : callable, optional
        Called in the event loop with items and seconds of each batch.
    at_once : int
        Batches that are answered side by side, at most.
    within : float
        Seconds that a batch should take, by what items took before: where they take long, fewer
        go together.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer]],
        engine: Executor,
        most: int,
        told: Callable[[int, float], None] | None = None,
        *,
        at_once: int = 1,
        within: float = inf,
    ) -> None:
        self.run, self.engine, self.most, self.told = run, engine, most, told
        self.at_once, self.within = at_once, within
        self.pace = 0.0
        """Seconds that an item took, the mean of those before."""
        self.waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self.working: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Answer:
        """Answer one item, alone or together with others."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting.append((item, future))
        if len(self.working) < self.at_once:
            self.working.add(asyncio.create_task(self._work()))
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self.waiting:
                taken, found, seconds = await loop.run_in_executor(self.engine, self._batch)
                _share(taken, found)
                if taken:
                    self.pace += LATEST * (seconds / len(taken) - self.pace)
                if self.told is not None and taken:
                    self.told(len(taken), seconds)
        finally:  # at once, so that whoever asks next begins anew
            self.working.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _batch(
        self,
    ) -> tuple[list[tuple[Item, asyncio.Future[Answer]]], Sequence[Answer] | BaseException, float]:
        """Take what waits now that the engine is free, and answer it; in the engine's thread."""
        taken: list[tuple[Item, asyncio.Future[Answer]]] = []
        most = min(self.most, -(-len(self.waiting) // self.at_once))  # the rest is for the others
        if most * self.pace > self.within:
            most = max(1, int(self.within / self.pace))
        with contextlib.suppress(IndexError):  # another thread may take the last one
            while len(taken) < most:
                item, future = self.waiting.popleft()
                if not future.done():  # whoever asked may be gone
                    taken.append((item, future))
        began = time.perf_counter()
        found: Sequence[Answer] | BaseException = []
        try:
            if taken:
                found = self.run([item for item, _ in taken])
        except BaseException as error:  # belongs to those who asked, not to the engine
            found = error
        return taken, found, time.perf_counter() - began


def _share(
    taken: Sequence[tuple[Item, asyncio.Future[Answer]]],
    found: Sequence[Answer] | BaseException,
) -> None:
    """Give each its answer, or all of them the error."""
    for row, (_, future) in enumerate(taken):
        if future.done():
            continue
        if isinstance(found, BaseException):
            future.set_exception(found)
        else:
            future.set_result(found[row])
